// SPDX-License-Identifier: Apache-2.0
#include "runtime/packet/build_ip.h"

#include "runtime/packet/bytes.h"
#include "runtime/packet/checksum.h"

namespace sluice {

std::uint8_t* write_ip_header(const OwnPacket& packet, std::uint32_t l4_length, std::uint8_t* out) noexcept {
    const std::uint32_t header_bytes = own_header_bytes(packet.family);
    if (packet.family == Family::v4) {
        out[0] = 0x45;
        out[ipv4_tos_at] = packet.tos;
        store16(out + ipv4_total_length_at, static_cast<std::uint16_t>(header_bytes + l4_length));
        store16(out + ipv4_id_at, 0);
        store16(out + ipv4_fragment_at, ipv4_dont_fragment);
        out[ipv4_ttl_at] = packet.ttl;
        out[ipv4_protocol_at] = packet.protocol;
        store16(out + ipv4_checksum_at, 0);
    } else {
        store32(out, 0x60000000u | std::uint32_t{packet.tos} << 20 | packet.flow_label);
        store16(out + ipv6_payload_length_at, static_cast<std::uint16_t>(l4_length));
        out[ipv6_next_header_at] = packet.protocol;
        out[ipv6_hop_limit_at] = packet.ttl;
    }
    std::uint8_t* addresses = out + addresses_at(packet.family);
    store_ip(addresses, packet.source, packet.family);
    store_ip(addresses + address_bytes(packet.family), packet.destination, packet.family);
    if (packet.family == Family::v4) {
        store16(out + ipv4_checksum_at, checksum_finish(checksum_sum({out, header_bytes})));
    }
    return out + header_bytes;
}

void fill_l4_checksum(const OwnPacket& packet, std::uint8_t* l4, std::uint32_t l4_length,
                      std::uint32_t field_at) noexcept {
    store16(l4 + field_at, 0);
    // ICMPv4 alone has no pseudo-header (RFC 792).
    const std::uint32_t start =
        packet.protocol == protocol_icmp
            ? 0
            : pseudo_header_sum(packet.source, packet.destination, packet.family, packet.protocol, l4_length);
    store16(l4 + field_at, checksum_finish(checksum_sum({l4, l4_length}, start)));
}

}  // namespace sluice
