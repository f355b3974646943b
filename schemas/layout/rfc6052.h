// SPDX-License-Identifier: Apache-2.0
//
// IPv4 addresses inside IPv6 ones (RFC 6052 2.2): behind a prefix of 32, 40, 48, 56, 64 or 96 bits, around bits
// 64 to 71, which are zero. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "schemas/layout/address.h"

namespace sluice {

constexpr std::size_t most_nat64_prefixes = 16;  // of a tenant

/// An IPv6 prefix of one of the six lengths, without bits behind its length or in 64 to 71.
constexpr bool can_embed_ipv4(const Prefix& prefix) {
    const bool known_length =
        prefix.length == 96 || (prefix.length >= 32 && prefix.length <= 64 && prefix.length % 8 == 0);
    return prefix.family == Family::v6 && known_length &&
           (prefix.ip & prefix_mask(prefix.length)) == prefix.ip && prefix.ip.lo >> 56 == 0;
}

/// The IPv6 address that stands for `ipv4` behind a prefix that can_embed_ipv4.
constexpr Ip embed_ipv4(const Prefix& prefix, Ip ipv4) {
    const std::uint64_t address = ipv4.v4();
    if (prefix.length == 96) return {prefix.ip.hi, prefix.ip.lo | address};
    const unsigned behind = prefix.length - 32u;  // bits of the address behind bit 71
    const std::uint64_t rest = address & ((std::uint64_t{1} << behind) - 1);
    return {prefix.ip.hi | address >> behind, prefix.ip.lo | rest << (56 - behind)};
}

/// The IPv4 address in an address of that prefix. What stands behind it (the suffix) is not looked at.
constexpr Ip embedded_ipv4(const Prefix& prefix, Ip ip) {
    if (prefix.length == 96) return Ip::from_v4(static_cast<std::uint32_t>(ip.lo));
    const unsigned behind = prefix.length - 32u;
    const std::uint64_t rest = ip.lo >> (56 - behind) & ((std::uint64_t{1} << behind) - 1);
    return Ip::from_v4(static_cast<std::uint32_t>(ip.hi << behind | rest));
}

}  // namespace sluice
