// SPDX-License-Identifier: Apache-2.0
#include "runtime/packet/vxlan.h"

#include "runtime/packet/build_ip.h"
#include "runtime/packet/bytes.h"
#include "runtime/packet/checksum.h"
#include "runtime/packet/headers.h"

namespace sluice {
namespace {

constexpr std::uint8_t ecn_mask = 3, ecn_not_capable = 0, ecn_capable_1 = 1, ecn_congested = 3;

static_assert(vxlan_encapsulation_bytes(Family::v4) ==
              ipv4_header_bytes + udp_header_bytes + vxlan_header_bytes);
static_assert(vxlan_encapsulation_bytes(Family::v6) ==
              ipv6_header_bytes + udp_header_bytes + vxlan_header_bytes);

}  // namespace

bool is_vxlan(const IpView& outer) noexcept {
    return outer.protocol == protocol_udp && outer.destination_port == vxlan_port && !outer.fragment;
}

std::variant<std::uint32_t, DropReason> parse_vxlan(std::span<const std::uint8_t> payload) noexcept {
    if (payload.size() < vxlan_header_bytes + ethernet_header_bytes) return DropReason::SHORT;
    if ((payload[0] & vxlan_vni_is_valid) == 0) return DropReason::VXLAN_BAD_FLAGS;
    return load32(payload.data() + 4) >> 8;
}

void write_vxlan(const VxlanHeader& header, std::uint32_t inner_bytes, std::uint8_t* out) noexcept {
    const OwnPacket outer{.family = header.family,
                          .source = header.source,
                          .destination = header.destination,
                          .protocol = protocol_udp,
                          .ttl = 64,
                          .tos = header.tos,
                          .flow_label = header.flow_label};
    const std::uint32_t udp_bytes = udp_header_bytes + vxlan_header_bytes + inner_bytes;
    std::uint8_t* udp = write_ip_header(outer, udp_bytes, out);
    store16(udp, header.source_port);
    store16(udp + 2, vxlan_port);
    store16(udp + udp_length_at, static_cast<std::uint16_t>(udp_bytes));
    store16(udp + udp_checksum_at, 0);
    store32(udp + udp_header_bytes, std::uint32_t{vxlan_vni_is_valid} << 24);
    store32(udp + udp_header_bytes + 4, header.vni << 8);
}

std::optional<std::uint8_t> tos_behind_tunnel(std::uint8_t outer_tos, std::uint8_t inner_tos) noexcept {
    const std::uint8_t outer = outer_tos & ecn_mask, inner = inner_tos & ecn_mask;
    if (outer == ecn_congested) {
        if (inner == ecn_not_capable) return std::nullopt;
        return static_cast<std::uint8_t>(inner_tos | ecn_congested);
    }
    // ECT(1) outside ECT(0): the one of higher severity of the two (figure 4).
    if (outer == ecn_capable_1 && inner == 2) return static_cast<std::uint8_t>((inner_tos & ~ecn_mask) | outer);
    return inner_tos;
}

void set_tos(std::uint8_t* l3, Family family, std::uint8_t tos) noexcept {
    if (family == Family::v6) {
        store16(l3, static_cast<std::uint16_t>((load16(l3) & 0xf00f) | tos << 4));
        return;
    }
    ChecksumDelta delta;
    const std::uint16_t before = load16(l3);
    l3[ipv4_tos_at] = tos;
    delta.replace16(before, load16(l3));
    store16(l3 + ipv4_checksum_at, delta.apply(load16(l3 + ipv4_checksum_at)));
}

}  // namespace sluice
