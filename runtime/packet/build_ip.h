// SPDX-License-Identifier: Apache-2.0
//
// IP headers of packets that the gateway says itself. Internal to sluice_packet.
#pragma once

#include <cstdint>

#include "runtime/packet/headers.h"

namespace sluice {

struct OwnPacket {
    Family family = Family::v4;
    Ip source, destination;
    std::uint8_t protocol = 0;
    std::uint8_t ttl = 64;
    std::uint8_t tos = 0;
    std::uint32_t flow_label = 0;  // IPv6
};

constexpr std::uint32_t own_header_bytes(Family family) {
    return family == Family::v4 ? ipv4_header_bytes : ipv6_header_bytes;
}

/// Writes the header in front of `l4_length` bytes and returns where they start. IPv4 packets are atomic: DF
/// and an ID of 0 (RFC 6864 4.1).
std::uint8_t* write_ip_header(const OwnPacket& packet, std::uint32_t l4_length, std::uint8_t* out) noexcept;

/// Sums layer 4, its checksum field counted as zero, and fills the field at `field_at`.
void fill_l4_checksum(const OwnPacket& packet, std::uint8_t* l4, std::uint32_t l4_length,
                      std::uint32_t field_at) noexcept;

}  // namespace sluice
