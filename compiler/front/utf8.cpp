// SPDX-License-Identifier: Apache-2.0
#include "compiler/front/utf8.h"

#include <cstdint>

namespace sluice::front {
namespace {

bool continues(std::string_view text, std::size_t i, std::uint8_t low, std::uint8_t high) {
    if (i >= text.size()) return false;
    const auto byte = static_cast<std::uint8_t>(text[i]);
    return byte >= low && byte <= high;
}

// Bytes of the character at `i`, 0 where it is none. The table of RFC 3629 §4.
std::size_t sequence_bytes(std::string_view text, std::size_t i) {
    const auto lead = static_cast<std::uint8_t>(text[i]);
    if (lead < 0x80) return 1;
    if (lead >= 0xc2 && lead <= 0xdf) return continues(text, i + 1, 0x80, 0xbf) ? 2 : 0;
    const auto tail = [&](std::size_t from, std::size_t to) {
        for (std::size_t j = from; j <= to; ++j) {
            if (!continues(text, i + j, 0x80, 0xbf)) return false;
        }
        return true;
    };
    if (lead >= 0xe0 && lead <= 0xef) {
        const std::uint8_t low = lead == 0xe0 ? 0xa0 : 0x80;
        const std::uint8_t high = lead == 0xed ? 0x9f : 0xbf;
        return continues(text, i + 1, low, high) && tail(2, 2) ? 3 : 0;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        const std::uint8_t low = lead == 0xf0 ? 0x90 : 0x80;
        const std::uint8_t high = lead == 0xf4 ? 0x8f : 0xbf;
        return continues(text, i + 1, low, high) && tail(2, 3) ? 4 : 0;
    }
    return 0;
}

}  // namespace

std::optional<BadByte> first_bad_byte(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto byte = static_cast<std::uint8_t>(text[i]);
        const bool is_space = byte == '\t' || byte == '\n' || text.substr(i, 2) == "\r\n";
        if ((byte < 0x20 && !is_space) || byte == 0x7f) return BadByte{i, true};
        const std::size_t bytes = sequence_bytes(text, i);
        if (bytes == 0) return BadByte{i, false};
        i += bytes;
    }
    return std::nullopt;
}

}  // namespace sluice::front
