// SPDX-License-Identifier: Apache-2.0
//
// The first look at a frame, straight over its bytes: does it look like a packet of a known IPv4 flow (router's
// MAC, at most one tag, no options, no fragment, TCP without SYN, FIN and RST, UDP, ICMP queries), and what is
// its key? Everything that the checks of C1 and layer 4 ask beyond the key is asked here; what they ask of
// addresses was asked when the flow was opened. All else is for the full parser to judge. Pure; any thread.
#pragma once

#include <cstdint>
#include <cstring>

#include "runtime/packet/headers.h"
#include "runtime/shard/ingress_table.h"
#include "runtime/state/flow_entry.h"

namespace sluice {

struct Glance {
    FlowKey key;
    std::uint64_t hash;
    std::uint8_t* l3;
    std::uint32_t candidate;
    std::uint16_t ingress;
    std::uint16_t total_length;
    std::uint8_t l2_bytes;
    bool matched;  // else the rest says nothing, but for the candidate
};

namespace wire {  // values as the machine reads them from the wire
template <typename T>
inline T load(const std::uint8_t* at) noexcept {
    T value;
    std::memcpy(&value, at, sizeof value);
    return value;
}
template <typename T>
inline void store(std::uint8_t* at, T value) noexcept {
    std::memcpy(at, &value, sizeof value);
}
constexpr std::uint16_t order(std::uint16_t value) noexcept {
    return __builtin_bswap16(value);
}
}  // namespace wire

/// `address` and `destination` bytes of the header lie between; a sum of all that is 0xffff is a valid
/// checksum.
inline bool ipv4_checksum_valid(std::uint64_t first, std::uint64_t second, std::uint32_t third) noexcept {
    std::uint64_t sum =
        (first & 0xffffffff) + (first >> 32) + (second & 0xffffffff) + (second >> 32) + std::uint64_t{third};
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    return (sum & 0xffff) + (sum >> 16) == 0xffff;
}

/// Layer 4 of `length` bytes is well-formed and of a kind that a flow entry may serve; `ports` becomes the
/// key's.
inline bool glance_at_l4(const std::uint8_t* l4, std::uint32_t length, std::uint8_t protocol,
                         std::uint32_t& ports) noexcept {
    if (protocol == protocol_udp) {
        const std::uint16_t udp_length = wire::order(wire::load<std::uint16_t>(l4 + udp_length_at));
        return udp_length >= udp_header_bytes && udp_length <= length;
    }
    if (protocol == protocol_tcp) {
        if (length < tcp_header_bytes) return false;
        const std::uint32_t header_bytes = (l4[tcp_data_offset_at] >> 4) * 4u;
        return header_bytes >= tcp_header_bytes && header_bytes <= length &&
               (l4[tcp_flags_at] & (tcp_syn | tcp_fin | tcp_rst)) == 0;
    }
    if (protocol != protocol_icmp) return false;
    const std::uint32_t identifier = wire::load<std::uint16_t>(l4 + icmp_identifier_at);
    const bool request = is_icmp_request(Family::v4, l4[0]);
    ports = request ? identifier : identifier << 16;
    return identifier != 0 && (request || is_icmp_reply(Family::v4, l4[0]));
}

inline bool glance_at(const Frame& frame, const IngressTable& ingresses, const HashKey& key,
                      Glance& glance) noexcept {
    constexpr std::uint32_t shortest = ethernet_header_bytes + ipv4_header_bytes + udp_header_bytes;
    constexpr std::uint64_t mac_mask = 0xffffffffffff;
    // Version 4, five words of header, neither offset nor more-fragments.
    constexpr std::uint64_t plain_mask = 0xff3f0000000000ff, plain = 0x45;

    std::uint8_t* at = frame.data;
    if (frame.length < shortest) return false;
    std::uint16_t type = wire::load<std::uint16_t>(at + 12);
    std::uint16_t vid = 0;
    std::uint32_t l2_bytes = ethernet_header_bytes;
    if (type == wire::order(tpid_customer)) {
        if (frame.length < shortest + vlan_tag_bytes) return false;
        vid = wire::order(wire::load<std::uint16_t>(at + 14)) & 0x0fff;
        if (vid == 0) return false;
        type = wire::load<std::uint16_t>(at + 16);
        l2_bytes += vlan_tag_bytes;
    }
    if (type != wire::order(ethertype_ipv4)) return false;
    const std::uint16_t number = ingresses.find_plain(frame.port, vid);
    if (number == no_ingress) return false;
    const Ingress& ingress = ingresses[number];
    if ((wire::load<std::uint64_t>(at) & mac_mask) != ingress.mac_bits || (at[6] & 1) != 0) return false;

    std::uint8_t* l3 = at + l2_bytes;
    const auto first = wire::load<std::uint64_t>(l3);
    const auto second = wire::load<std::uint64_t>(l3 + 8);
    const auto third = wire::load<std::uint32_t>(l3 + 16);
    if ((first & plain_mask) != plain || !ipv4_checksum_valid(first, second, third)) return false;
    const std::uint32_t total_length = wire::order(static_cast<std::uint16_t>(first >> 16));
    if (total_length < ipv4_header_bytes + udp_header_bytes || total_length > frame.length - l2_bytes)
        return false;
    const auto protocol = static_cast<std::uint8_t>(second >> 8);
    const std::uint8_t* l4 = l3 + ipv4_header_bytes;
    auto ports = wire::load<std::uint32_t>(l4);
    if (!glance_at_l4(l4, total_length - ipv4_header_bytes, protocol, ports)) return false;

    const std::uint64_t words[] = {
        (second & 0xffffffff00000000) | ingress.key_bits | std::uint32_t{protocol} << 16,
        std::uint64_t{ports} << 32 | third};
    std::memcpy(&glance.key, words, sizeof words);
    glance.hash = hash_of_words(words[0], words[1], key);
    glance.l3 = l3;
    glance.ingress = number;
    glance.total_length = static_cast<std::uint16_t>(total_length);
    glance.l2_bytes = static_cast<std::uint8_t>(l2_bytes);
    return true;
}

}  // namespace sluice
