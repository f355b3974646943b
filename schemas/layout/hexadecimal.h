// SPDX-License-Identifier: Apache-2.0
//
// Bytes as people compare them: digests, keys, frames in a test's message. Allocates; not for packet threads.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace sluice {

/// Two lower-case digits a byte, first byte first.
inline std::string hexadecimal(std::span<const std::uint8_t> bytes) {
    constexpr char digits[] = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const std::uint8_t byte : bytes) {
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

}  // namespace sluice
