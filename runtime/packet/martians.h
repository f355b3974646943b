// SPDX-License-Identifier: Apache-2.0
//
// Addresses that no packet on a wire may carry (C1; RFC 1122 3.2.1.3, RFC 4291 2.5.2, 2.5.3, 2.5.5.2, 2.7).
// Internal to sluice_packet.
#pragma once

#include <cstdint>

#include "schemas/layout/address.h"

namespace sluice {

/// Multicast, broadcast, 127/8, 0/8: 0.0.0.0 too, which the caller excuses for DHCP.
constexpr bool is_martian_ipv4_source(std::uint32_t source) {
    return source >> 28 == 0xe || source == 0xffffffff || source >> 24 == 127 || source >> 24 == 0;
}
constexpr bool is_martian_ipv4_destination(std::uint32_t destination) {
    return destination >> 24 == 127 || destination >> 24 == 0;
}

constexpr Ip ipv6_loopback{0, 1};
constexpr bool is_ipv4_mapped(Ip ip) {
    return ip.hi == 0 && ip.lo >> 32 == 0xffff;
}
/// Not ::, which ICMPv6 may use: the caller judges that.
constexpr bool is_martian_ipv6_source(Ip source) {
    return source.hi >> 56 == 0xff || source == ipv6_loopback || is_ipv4_mapped(source);
}
constexpr bool is_martian_ipv6_destination(Ip destination) {
    return destination == Ip{} || destination == ipv6_loopback || is_ipv4_mapped(destination);
}

}  // namespace sluice
