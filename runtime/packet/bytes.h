// SPDX-License-Identifier: Apache-2.0
//
// Big-endian fields of packets at any alignment. Any thread; no bounds checks: the caller has made them.
#pragma once

#include <cstdint>
#include <cstring>

#include "schemas/layout/address.h"

namespace sluice {

inline std::uint16_t load16(const std::uint8_t* at) noexcept {
    std::uint16_t value;
    std::memcpy(&value, at, sizeof value);
    return __builtin_bswap16(value);
}
inline std::uint32_t load32(const std::uint8_t* at) noexcept {
    std::uint32_t value;
    std::memcpy(&value, at, sizeof value);
    return __builtin_bswap32(value);
}
inline std::uint64_t load64(const std::uint8_t* at) noexcept {
    std::uint64_t value;
    std::memcpy(&value, at, sizeof value);
    return __builtin_bswap64(value);
}
inline void store16(std::uint8_t* at, std::uint16_t value) noexcept {
    value = __builtin_bswap16(value);
    std::memcpy(at, &value, sizeof value);
}
inline void store32(std::uint8_t* at, std::uint32_t value) noexcept {
    value = __builtin_bswap32(value);
    std::memcpy(at, &value, sizeof value);
}
inline void store64(std::uint8_t* at, std::uint64_t value) noexcept {
    value = __builtin_bswap64(value);
    std::memcpy(at, &value, sizeof value);
}

inline Ip load_ip(const std::uint8_t* at, Family family) noexcept {
    if (family == Family::v4) return Ip::from_v4(load32(at));
    return {load64(at), load64(at + 8)};
}
inline void store_ip(std::uint8_t* at, Ip ip, Family family) noexcept {
    if (family == Family::v4) {
        store32(at, ip.v4());
        return;
    }
    store64(at, ip.hi);
    store64(at + 8, ip.lo);
}

inline Mac load_mac(const std::uint8_t* at) noexcept {
    Mac mac;
    std::memcpy(mac.bytes.data(), at, mac.bytes.size());
    return mac;
}
inline void store_mac(std::uint8_t* at, Mac mac) noexcept {
    std::memcpy(at, mac.bytes.data(), mac.bytes.size());
}

}  // namespace sluice
