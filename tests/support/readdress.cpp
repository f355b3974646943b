// SPDX-License-Identifier: Apache-2.0
#include "tests/support/readdress.h"

#include "tests/support/bytes.h"
#include "tests/support/decoded.h"

namespace sluice::test {
namespace {

/// RFC 1624, equation 3: HC' = ~(~HC + ~m + m').
std::uint16_t moved(std::uint16_t checksum, std::uint16_t before, std::uint16_t after) {
    std::uint32_t sum = std::uint16_t(~checksum) + std::uint16_t(~before) + after;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

}  // namespace

Bytes with_destination(Bytes frame, Ip destination, std::optional<std::uint16_t> port) {
    const Decoded packet = decode(frame);
    const bool v4 = packet.family == Family::v4;
    const std::size_t l3 = l2_length(frame);
    const std::size_t l4 = l3 + packet.total_bytes - packet.l4.size();
    const std::size_t header_checksum = v4 ? l3 + 10 : 0;
    std::size_t l4_checksum = packet.checksum_offset() == 0 ? 0 : l4 + packet.checksum_offset();
    if (packet.kind() == Kind::udp && get16(frame, l4_checksum) == 0) l4_checksum = 0;  // none was computed

    const auto put = [&frame](std::size_t at, std::uint16_t value, std::size_t checksum) {
        if (checksum != 0) put16(frame, checksum, moved(get16(frame, checksum), get16(frame, at), value));
    };
    Bytes address;
    append_ip(address, to_string(destination, packet.family));
    for (std::size_t offset = 0; offset < address.size(); offset += 2) {
        const std::size_t at = l3 + (v4 ? 16 : 24) + offset;
        const std::uint16_t value = get16(address, offset);
        put(at, value, header_checksum);
        if (packet.protocol != 1) put(at, value, l4_checksum);  // ICMP's has no pseudo-header
        put16(frame, at, value);
    }
    const bool query = packet.kind() == Kind::echo_request || packet.kind() == Kind::echo_reply;
    if (port && (query || packet.kind() == Kind::tcp || packet.kind() == Kind::udp)) {
        const std::size_t at = query ? l4 + 4 : l4 + 2;
        put(at, *port, l4_checksum);
        put16(frame, at, *port);
    }
    if (packet.kind() == Kind::udp && l4_checksum != 0 && get16(frame, l4_checksum) == 0) {
        put16(frame, l4_checksum, 0xffff);  // RFC 768: 0 would say that there is none
    }
    return frame;
}

}  // namespace sluice::test
