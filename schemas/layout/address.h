// SPDX-License-Identifier: Apache-2.0
//
// Link-layer and IP addresses as plain values, shared by the compiler, the image and the runtime.
// Any thread; no allocation except in the to_string functions and in parse errors.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

enum class Family : std::uint8_t { v4 = 4, v6 = 6 };

/// An IPv4 or IPv6 address as 128 leading-aligned bits: an IPv4 address stands in the upper 32 bits of `hi`.
/// The family is kept beside it, where the context does not imply it.
struct Ip {
    std::uint64_t hi = 0;
    std::uint64_t lo = 0;

    static constexpr Ip from_v4(std::uint32_t host_order) { return {std::uint64_t{host_order} << 32, 0}; }
    constexpr std::uint32_t v4() const { return static_cast<std::uint32_t>(hi >> 32); }
    /// Bit 0 is the most significant one.
    constexpr bool bit(unsigned index) const {
        return ((index < 64 ? hi >> (63 - index) : lo >> (127 - index)) & 1) != 0;
    }
    friend constexpr auto operator<=>(const Ip&, const Ip&) = default;
};

constexpr unsigned address_bits(Family family) {
    return family == Family::v4 ? 32 : 128;
}

/// The leading `length` bits set.
constexpr Ip prefix_mask(unsigned length) {
    const std::uint64_t hi = length == 0 ? 0 : length >= 64 ? ~0ULL : ~0ULL << (64 - length);
    const std::uint64_t lo = length <= 64 ? 0 : length >= 128 ? ~0ULL : ~0ULL << (128 - length);
    return {hi, lo};
}

constexpr Ip operator&(Ip a, Ip b) {
    return {a.hi & b.hi, a.lo & b.lo};
}
constexpr Ip operator|(Ip a, Ip b) {
    return {a.hi | b.hi, a.lo | b.lo};
}
constexpr Ip operator~(Ip a) {
    return {~a.hi, ~a.lo};
}

/// IPv4 multicast, reserved and limited broadcast (224.0.0.0/3), IPv6 multicast.
constexpr bool is_group(Ip ip, Family family) {
    return family == Family::v4 ? ip.v4() >= 0xe0000000 : ip.hi >> 56 == 0xff;
}
/// fe80::/10 (RFC 4291 2.5.6): never leaves its link.
constexpr bool is_link_local_v6(Ip ip) {
    return ip.hi >> 54 == 0xfe80 >> 6;
}

struct Prefix {
    Ip ip;
    std::uint8_t length = 0;
    Family family = Family::v4;

    constexpr bool contains(Ip address) const { return (address & prefix_mask(length)) == ip; }
    friend constexpr auto operator<=>(const Prefix&, const Prefix&) = default;
};

struct Mac {
    std::array<std::uint8_t, 6> bytes{};
    constexpr bool is_group() const { return (bytes[0] & 1) != 0; }
    friend constexpr auto operator<=>(const Mac&, const Mac&) = default;
};

struct IpAndFamily {
    Ip ip;
    Family family = Family::v4;
    friend constexpr auto operator<=>(const IpAndFamily&, const IpAndFamily&) = default;
};

/// Dotted quad or RFC 4291 text; nothing else (no zone, no leading or trailing space).
std::optional<IpAndFamily> parse_ip(std::string_view text);
/// ADDRESS/LENGTH; the host bits may be set (the caller decides whether that is an error).
std::optional<Prefix> parse_prefix(std::string_view text);
/// Six hexadecimal pairs with colons.
std::optional<Mac> parse_mac(std::string_view text);

std::string to_string(Ip ip, Family family);  // RFC 5952 for IPv6
std::string to_string(const Prefix& prefix);
std::string to_string(Mac mac);

}  // namespace sluice
