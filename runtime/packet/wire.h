// SPDX-License-Identifier: Apache-2.0
//
// Values as the machine reads them from the wire, without turning their bytes round.
#pragma once

#include <cstdint>
#include <cstring>

namespace sluice::wire {

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

}  // namespace sluice::wire
