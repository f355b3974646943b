// SPDX-License-Identifier: Apache-2.0
//
// Big-endian fields into and out of byte vectors, for the packet builder and for tests that compose bytes.
#pragma once

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "schemas/layout/address.h"

namespace sluice::test {

inline void append(std::vector<std::uint8_t>& out, std::span<const std::uint8_t> bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
}
inline void append16(std::vector<std::uint8_t>& out, std::uint16_t value) {
    out.push_back(static_cast<std::uint8_t>(value >> 8));
    out.push_back(static_cast<std::uint8_t>(value));
}
inline void append32(std::vector<std::uint8_t>& out, std::uint32_t value) {
    append16(out, static_cast<std::uint16_t>(value >> 16));
    append16(out, static_cast<std::uint16_t>(value));
}
inline void put16(std::span<std::uint8_t> out, std::size_t at, std::uint16_t value) {
    out[at] = static_cast<std::uint8_t>(value >> 8);
    out[at + 1] = static_cast<std::uint8_t>(value);
}
inline std::uint16_t get16(std::span<const std::uint8_t> in, std::size_t at) {
    return static_cast<std::uint16_t>(in[at] << 8 | in[at + 1]);
}
inline std::uint32_t get32(std::span<const std::uint8_t> in, std::size_t at) {
    return std::uint32_t{get16(in, at)} << 16 | get16(in, at + 2);
}

inline IpAndFamily address(const std::string& text) {
    const auto parsed = parse_ip(text);
    if (!parsed) throw std::invalid_argument("not an IP address: " + text);
    return *parsed;
}
inline Mac mac(const std::string& text) {
    const auto parsed = parse_mac(text);
    if (!parsed) throw std::invalid_argument("not a MAC address: " + text);
    return *parsed;
}
/// 4 or 16 bytes.
inline void append_ip(std::vector<std::uint8_t>& out, const std::string& text) {
    const auto [ip, family] = address(text);
    append32(out, static_cast<std::uint32_t>(ip.hi >> 32));
    if (family == Family::v4) return;
    append32(out, static_cast<std::uint32_t>(ip.hi));
    append32(out, static_cast<std::uint32_t>(ip.lo >> 32));
    append32(out, static_cast<std::uint32_t>(ip.lo));
}
inline void append_mac(std::vector<std::uint8_t>& out, const std::string& text) {
    append(out, mac(text).bytes);
}

}  // namespace sluice::test
