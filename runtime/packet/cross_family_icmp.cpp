// SPDX-License-Identifier: Apache-2.0
#include "runtime/packet/cross_family_icmp.h"

#include <algorithm>

#include "runtime/packet/headers.h"

namespace sluice {
namespace {

constexpr std::uint8_t icmp_unreachable = 3, icmp_time_exceeded = 11, icmp_parameter_problem = 12;
constexpr std::uint8_t icmp_protocol_unreachable = 2, icmp_fragmentation_needed = 4;  // codes of 3
constexpr std::uint8_t icmpv6_unreachable = 1, icmpv6_too_big = 2, icmpv6_time_exceeded = 3,
                       icmpv6_parameter_problem = 4;
constexpr std::uint8_t icmpv6_unknown_next_header = 1;  // a code of 4

constexpr std::uint32_t ipv6_minimum_mtu = 1280, ipv4_minimum_mtu = 68;
constexpr std::uint32_t headers_differ_by = ipv6_header_bytes - ipv4_header_bytes;

std::optional<IcmpKind> unreachable_to_v6(std::uint8_t code) noexcept {
    constexpr std::uint8_t no_route = 0, prohibited = 1, port = 4;
    switch (code) {
        case 0:   // net
        case 1:   // host
        case 5:   // source route failed
        case 6:   // net unknown
        case 7:   // host unknown
        case 8:   // host isolated
        case 11:  // net, for this TOS
        case 12:  // host, for this TOS
            return IcmpKind{icmpv6_unreachable, no_route};
        case icmp_protocol_unreachable:
            return IcmpKind{icmpv6_parameter_problem, icmpv6_unknown_next_header};
        case 3:
            return IcmpKind{icmpv6_unreachable, port};
        case icmp_fragmentation_needed:
            return IcmpKind{icmpv6_too_big, 0};
        case 9:   // net prohibited
        case 10:  // host prohibited
        case 13:  // prohibited
        case 15:  // precedence cutoff
            return IcmpKind{icmpv6_unreachable, prohibited};
        default:  // 14, host precedence violation, among them
            return std::nullopt;
    }
}

std::optional<IcmpKind> to_v6(IcmpKind kind) noexcept {
    switch (kind.type) {
        case icmp_echo_request:
            return IcmpKind{icmpv6_echo_request, kind.code};
        case icmp_echo_reply:
            return IcmpKind{icmpv6_echo_reply, kind.code};
        case icmp_unreachable:
            return unreachable_to_v6(kind.code);
        case icmp_time_exceeded:
            return IcmpKind{icmpv6_time_exceeded, kind.code};
        case icmp_parameter_problem:
            // 0: a pointer; 2: bad length. 1, a missing option, is nothing that IPv6 has.
            if (kind.code != 0 && kind.code != 2) return std::nullopt;
            return IcmpKind{icmpv6_parameter_problem, 0};
        default:
            return std::nullopt;
    }
}

std::optional<IcmpKind> to_v4(IcmpKind kind) noexcept {
    constexpr std::uint8_t host = 1, port = 3, host_prohibited = 10;
    switch (kind.type) {
        case icmpv6_echo_request:
            return IcmpKind{icmp_echo_request, kind.code};
        case icmpv6_echo_reply:
            return IcmpKind{icmp_echo_reply, kind.code};
        case icmpv6_unreachable:
            if (kind.code == 1) return IcmpKind{icmp_unreachable, host_prohibited};
            if (kind.code == 4) return IcmpKind{icmp_unreachable, port};
            if (kind.code > 4) return std::nullopt;
            return IcmpKind{icmp_unreachable, host};
        case icmpv6_too_big:
            return IcmpKind{icmp_unreachable, icmp_fragmentation_needed};
        case icmpv6_time_exceeded:
            return IcmpKind{icmp_time_exceeded, kind.code};
        case icmpv6_parameter_problem:
            if (kind.code == 0) return IcmpKind{icmp_parameter_problem, 0};
            if (kind.code == icmpv6_unknown_next_header)
                return IcmpKind{icmp_unreachable, icmp_protocol_unreachable};
            return std::nullopt;
        default:
            return std::nullopt;
    }
}

/// RFC 7915 figure 3.
std::optional<std::uint32_t> pointer_to_v6(std::uint32_t pointer) noexcept {
    if (pointer <= 1) return pointer;  // version, traffic class
    if (pointer <= 3) return ipv6_payload_length_at;
    if (pointer == ipv4_ttl_at) return ipv6_hop_limit_at;
    if (pointer == ipv4_protocol_at) return ipv6_next_header_at;
    if (pointer >= 12 && pointer <= 15) return 8u;   // source
    if (pointer >= 16 && pointer <= 19) return 24u;  // destination
    return std::nullopt;
}

/// RFC 7915 figure 6.
std::optional<std::uint32_t> pointer_to_v4(std::uint32_t pointer) noexcept {
    if (pointer <= 1) return pointer;
    if (pointer == 4 || pointer == 5) return ipv4_total_length_at;
    if (pointer == ipv6_next_header_at) return ipv4_protocol_at;
    if (pointer == ipv6_hop_limit_at) return ipv4_ttl_at;
    if (pointer >= 8 && pointer <= 23) return 12u;
    if (pointer >= 24 && pointer <= 39) return 16u;
    return std::nullopt;
}

std::uint32_t mtu_to_v6(std::uint32_t mtu, std::uint32_t quoted_length) noexcept {
    if (mtu == 0) {
        // A router older than RFC 1191 (its 7.1): the next likely MTU below what did not fit. Those below 1280
        // come out as 1280 all alike.
        for (const std::uint32_t plateau : {65535u, 32000u, 17914u, 8166u, 4352u, 2002u, 1492u}) {
            if (plateau >= quoted_length) continue;
            mtu = plateau;
            break;
        }
    }
    return std::max(mtu + headers_differ_by, ipv6_minimum_mtu);
}

std::uint32_t mtu_to_v4(std::uint32_t mtu) noexcept {
    if (mtu < ipv4_minimum_mtu + headers_differ_by) return ipv4_minimum_mtu;
    return std::min(mtu - headers_differ_by, 0xffffu);
}

}  // namespace

std::optional<IcmpKind> icmp_across(Family from, IcmpKind kind) noexcept {
    return from == Family::v4 ? to_v6(kind) : to_v4(kind);
}

std::optional<std::uint32_t> icmp_error_word_across(Family from, IcmpKind kind, std::uint32_t word,
                                                    std::uint32_t quoted_length) noexcept {
    if (from == Family::v4) {
        if (kind.type == icmp_parameter_problem) return pointer_to_v6(word >> 24);
        if (kind.type != icmp_unreachable) return 0u;
        if (kind.code == icmp_protocol_unreachable) return ipv6_next_header_at;
        if (kind.code == icmp_fragmentation_needed) return mtu_to_v6(word & 0xffff, quoted_length);
        return 0u;
    }
    if (kind.type == icmpv6_too_big) return mtu_to_v4(word);
    if (kind.type != icmpv6_parameter_problem || kind.code != 0) return 0u;
    const auto pointer = pointer_to_v4(word);
    return pointer ? std::optional(*pointer << 24) : std::nullopt;
}

}  // namespace sluice
