// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/base64.h"

#include <sodium.h>

#include <algorithm>

namespace sluice {

std::string to_base64(std::span<const std::uint8_t> bytes) {
    std::string text(sodium_base64_ENCODED_LEN(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
    sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), sodium_base64_VARIANT_ORIGINAL);
    text.pop_back();  // the terminator
    return text;
}

std::optional<std::vector<std::uint8_t>> from_base64(std::string_view text) {
    // libsodium takes some bytes above 127 for letters.
    const auto is_ascii = [](char byte) { return static_cast<unsigned char>(byte) < 128; };
    if (!std::all_of(text.begin(), text.end(), is_ascii)) return std::nullopt;
    std::vector<std::uint8_t> bytes(text.size() / 4 * 3 + 3);
    std::size_t length = 0;
    const char* end = nullptr;
    if (sodium_base642bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr, &length, &end,
                          sodium_base64_VARIANT_ORIGINAL) != 0 ||
        end != text.data() + text.size()) {
        return std::nullopt;
    }
    bytes.resize(length);
    return bytes;
}

}  // namespace sluice
