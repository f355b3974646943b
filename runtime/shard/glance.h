// SPDX-License-Identifier: Apache-2.0
//
// The first look at a frame, straight over its bytes: does it look like a packet of a known IPv4 flow (router's
// MAC, room in front for any header, at most one tag, no options, no fragment, TCP without SYN, FIN and RST,
// UDP, ICMP queries), and what is its key? Everything that the checks of C1 and layer 4 ask beyond the key is
// asked here; what they ask of addresses was asked when the flow was opened. All else is for the full parser to
// judge. Pure; any thread.
#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>

#include "runtime/cache/recipe.h"
#include "runtime/packet/headers.h"
#include "runtime/packet/wire.h"
#include "runtime/shard/ingress_table.h"
#include "runtime/state/flow_entry.h"

namespace sluice {

struct Glance {
    FlowKey key;
    std::uint64_t hash;
    std::uint8_t* l3;
    std::uint32_t line;  // of the flow table's index
    std::uint32_t candidate;
    std::uint16_t ingress;
    std::uint16_t total_length;
    std::uint8_t l2_bytes;
    bool matched;  // else a flow is looked for all the same, but the frame's bytes were not judged here
};

/// The header in three parts. Its words add up to a multiple of 0xffff, and so do pieces of eight bytes whose
/// carries are added again, because 2^16 is 1 there (RFC 1071 2).
inline bool ipv4_checksum_valid(std::uint64_t first, std::uint64_t second, std::uint32_t third) noexcept {
    unsigned long long sum = 0;
    unsigned char carry = _addcarry_u64(0, first, second, &sum);
    carry = _addcarry_u64(carry, sum, third, &sum);
    // sum % 0xffff == 0, by the inverse of 0xffff modulo 2^64: multiples of it are what comes out small.
    constexpr std::uint64_t inverse = 0xfffefffefffeffff, largest = ~0ULL / 0xffff;
    static_assert(inverse * 0xffff == 1);
    return (sum + carry) * inverse <= largest;
}

/// What is not UDP: layer 4 of `length` bytes is well-formed and of a kind that a flow entry may serve. The
/// upper half of `words` becomes the key's ports.
inline bool glance_at_l4(const std::uint8_t* l4, std::uint32_t length, std::uint8_t protocol,
                         std::uint64_t& words) noexcept {
    if (protocol == protocol_tcp) {
        if (length < tcp_header_bytes) return false;
        const std::uint32_t header_bytes = (l4[tcp_data_offset_at] >> 4) * 4u;
        return header_bytes >= tcp_header_bytes && header_bytes <= length &&
               (l4[tcp_flags_at] & (tcp_syn | tcp_fin | tcp_rst)) == 0;
    }
    if (protocol != protocol_icmp) return false;
    const std::uint64_t identifier = wire::load<std::uint16_t>(l4 + icmp_identifier_at);
    const bool request = is_icmp_request(Family::v4, l4[0]);
    words = static_cast<std::uint32_t>(words) | identifier << (request ? 32 : 48);
    return identifier != 0 && (request || is_icmp_reply(Family::v4, l4[0]));
}

namespace wire {
// The destination's MAC and the bit of the source's that says group.
constexpr std::uint64_t mac_mask = 0x0001ffffffffffff;
// Version 4, five words of header, neither offset nor more-fragments.
constexpr std::uint64_t plain_mask = 0xff3f0000000000ff, plain = 0x45;
}  // namespace wire

/// Of a frame that enters by ingress `number`, from its MACs on. `room`: behind the shortest headers.
[[gnu::always_inline]] inline bool glance_behind_layer2(std::uint8_t* at, std::uint32_t l2_bytes,
                                                        std::uint32_t room, std::uint16_t number,
                                                        const Ingress* ingresses, Glance& glance) noexcept {
    constexpr std::uint64_t protocol_and_source = 0xffffffff0000ff00;
    const Ingress& ingress = ingresses[number];
    if ((wire::load<std::uint64_t>(at) & wire::mac_mask) != ingress.mac_bits) return false;

    std::uint8_t* l3 = at + l2_bytes;
    const auto first = wire::load<std::uint64_t>(l3);
    const auto second = wire::load<std::uint64_t>(l3 + 8);
    auto third = wire::load<std::uint64_t>(l3 + 16);  // with the ports
    if ((first & wire::plain_mask) != wire::plain ||
        !ipv4_checksum_valid(first, second, static_cast<std::uint32_t>(third))) {
        return false;
    }
    const std::uint32_t total_length = wire::order(wire::load<std::uint16_t>(l3 + ipv4_total_length_at));
    const std::uint32_t beyond_shortest = total_length - ipv4_header_bytes - udp_header_bytes;
    if (beyond_shortest > room) return false;  // huge where it is shorter than that
    const auto protocol = static_cast<std::uint8_t>(second >> 8);
    if (protocol == protocol_udp) {
        const std::uint32_t udp_length =
            wire::order(wire::load<std::uint16_t>(l3 + ipv4_header_bytes + udp_length_at));
        if (udp_length - udp_header_bytes > beyond_shortest) return false;
    } else if (!glance_at_l4(l3 + ipv4_header_bytes, total_length - ipv4_header_bytes, protocol, third)) {
        return false;
    }
    wire::store(reinterpret_cast<std::uint8_t*>(&glance.key),
                (second & protocol_and_source) | ingress.key_bits);
    wire::store(reinterpret_cast<std::uint8_t*>(&glance.key) + 8, third);
    glance.l3 = l3;
    glance.ingress = number;
    glance.total_length = static_cast<std::uint16_t>(total_length);
    glance.l2_bytes = static_cast<std::uint8_t>(l2_bytes);
    return true;
}

/// `rows`: of the frame's port.
[[gnu::always_inline]] inline bool glance_at(const Frame& frame, const std::uint16_t* rows,
                                             const Ingress* ingresses, Glance& glance) noexcept {
    constexpr std::uint32_t shortest = ethernet_header_bytes + ipv4_header_bytes + udp_header_bytes;
    // Customer tag and IPv4; behind the MACs.
    constexpr std::uint64_t tagged_mask = 0x0000ffff0000ffff, tagged = 0x0000000800000081;

    std::uint8_t* at = frame.data;
    std::uint32_t room = frame.length - shortest;
    if (frame.length < shortest || frame.headroom < Recipe::l2_room - ethernet_header_bytes) return false;
    const auto types = wire::load<std::uint64_t>(at + 12);
    std::uint16_t vid = 0;
    std::uint32_t l2_bytes = ethernet_header_bytes;
    if ((types & tagged_mask) == tagged) {
        vid = wire::order(wire::load<std::uint16_t>(at + 14)) & 0x0fff;
        if (vid == 0 || room < vlan_tag_bytes) return false;
        room -= vlan_tag_bytes;
        l2_bytes += vlan_tag_bytes;
    } else if (static_cast<std::uint16_t>(types) != wire::order(ethertype_ipv4)) {
        return false;
    }
    const std::uint16_t number = rows[vid];
    if (number == no_ingress) return false;
    return glance_behind_layer2(at, l2_bytes, room, number, ingresses, glance);
}

}  // namespace sluice
