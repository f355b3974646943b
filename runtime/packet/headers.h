// SPDX-License-Identifier: Apache-2.0
//
// Where the fields of each header stand, in bytes from its start (RFC 791, 8200, 9293, 768, 792, 4443).
#pragma once

#include <cstdint>

#include "runtime/packet/view.h"

namespace sluice {

constexpr std::uint32_t ethernet_header_bytes = 14;
constexpr std::uint32_t vlan_tag_bytes = 4;
constexpr std::uint32_t shortest_frame_bytes = 60;  // without FCS

constexpr std::uint32_t ipv4_header_bytes = 20;
constexpr std::uint32_t ipv4_tos_at = 1, ipv4_total_length_at = 2, ipv4_id_at = 4, ipv4_fragment_at = 6,
                        ipv4_ttl_at = 8, ipv4_protocol_at = 9, ipv4_checksum_at = 10;
constexpr std::uint16_t ipv4_dont_fragment = 0x4000, ipv4_more_fragments = 0x2000;
constexpr std::uint16_t ipv4_offset_mask = 0x1fff;  // in units of 8 bytes

constexpr std::uint32_t ipv6_header_bytes = 40;
constexpr std::uint32_t ipv6_payload_length_at = 4, ipv6_next_header_at = 6, ipv6_hop_limit_at = 7;
constexpr std::uint32_t ipv6_fragment_header_bytes = 8;

constexpr std::uint32_t tcp_header_bytes = 20, udp_header_bytes = 8, icmp_header_bytes = 8;
constexpr std::uint32_t tcp_sequence_at = 4, tcp_acknowledgement_at = 8, tcp_data_offset_at = 12,
                        tcp_flags_at = 13, tcp_checksum_at = 16;
constexpr std::uint32_t udp_length_at = 4, udp_checksum_at = 6;
constexpr std::uint32_t icmp_checksum_at = 2, icmp_identifier_at = 4;

constexpr std::uint8_t icmp_echo_reply = 0, icmp_echo_request = 8, icmp_timestamp_request = 13,
                       icmp_timestamp_reply = 14;
constexpr std::uint8_t icmpv6_echo_request = 128, icmpv6_echo_reply = 129, icmpv6_neighbour_solicitation = 135,
                       icmpv6_neighbour_advertisement = 136;

/// Offset of the source address; the destination follows it.
constexpr std::uint32_t addresses_at(Family family) {
    return family == Family::v4 ? 12 : 8;
}
constexpr std::uint32_t address_bytes(Family family) {
    return family == Family::v4 ? 4 : 16;
}

/// A query whose identifier belongs to the sender of the packet (an echo or timestamp request).
constexpr bool is_icmp_request(Family family, std::uint8_t type) {
    return family == Family::v4 ? type == icmp_echo_request || type == icmp_timestamp_request
                                : type == icmpv6_echo_request;
}
constexpr bool is_icmp_reply(Family family, std::uint8_t type) {
    return family == Family::v4 ? type == icmp_echo_reply || type == icmp_timestamp_reply
                                : type == icmpv6_echo_reply;
}

}  // namespace sluice
