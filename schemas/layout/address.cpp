// SPDX-License-Identifier: Apache-2.0
#include "schemas/layout/address.h"

#include <arpa/inet.h>

#include <charconv>
#include <cstdio>
#include <cstring>

namespace sluice {
namespace {

constexpr std::size_t longest_text = 64;

std::uint64_t load_big_endian(const std::uint8_t* bytes) {
    std::uint64_t value = 0;
    for (int i = 0; i < 8; ++i) value = value << 8 | bytes[i];
    return value;
}

void store_big_endian(std::uint64_t value, std::uint8_t* bytes) {
    for (int i = 7; i >= 0; --i, value >>= 8) bytes[i] = static_cast<std::uint8_t>(value);
}

}  // namespace

std::optional<IpAndFamily> parse_ip(std::string_view text) {
    if (text.empty() || text.size() >= longest_text) return std::nullopt;
    char terminated[longest_text];
    std::memcpy(terminated, text.data(), text.size());
    terminated[text.size()] = '\0';
    std::uint8_t bytes[16];
    if (inet_pton(AF_INET, terminated, bytes) == 1) {
        std::uint32_t network_order;
        std::memcpy(&network_order, bytes, sizeof network_order);
        return IpAndFamily{Ip::from_v4(ntohl(network_order)), Family::v4};
    }
    if (inet_pton(AF_INET6, terminated, bytes) == 1) {
        return IpAndFamily{{load_big_endian(bytes), load_big_endian(bytes + 8)}, Family::v6};
    }
    return std::nullopt;
}

std::optional<Prefix> parse_prefix(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const auto address = parse_ip(text.substr(0, slash));
    const auto digits = text.substr(slash + 1);
    if (!address || digits.empty() || digits.size() > 3) return std::nullopt;
    unsigned length = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    if (length > address_bits(address->family)) return std::nullopt;
    return Prefix{address->ip, static_cast<std::uint8_t>(length), address->family};
}

std::optional<Mac> parse_mac(std::string_view text) {
    if (text.size() != 17) return std::nullopt;
    Mac mac;
    for (std::size_t i = 0; i < 6; ++i) {
        const char* pair = text.data() + i * 3;
        const auto [end, error] = std::from_chars(pair, pair + 2, mac.bytes[i], 16);
        if (error != std::errc{} || end != pair + 2) return std::nullopt;
        if (i < 5 && pair[2] != ':') return std::nullopt;
    }
    return mac;
}

std::string to_string(Ip ip, Family family) {
    char text[INET6_ADDRSTRLEN];
    std::uint8_t bytes[16];
    store_big_endian(ip.hi, bytes);
    store_big_endian(ip.lo, bytes + 8);
    return inet_ntop(family == Family::v4 ? AF_INET : AF_INET6, bytes, text, sizeof text);
}

std::string to_string(const Prefix& prefix) {
    return to_string(prefix.ip, prefix.family) + "/" + std::to_string(prefix.length);
}

std::string to_string(Mac mac) {
    char text[18];
    std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", mac.bytes[0], mac.bytes[1], mac.bytes[2],
                  mac.bytes[3], mac.bytes[4], mac.bytes[5]);
    return text;
}

}  // namespace sluice
