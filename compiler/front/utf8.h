// SPDX-License-Identifier: Apache-2.0
//
// The first byte that keeps a text from being readable; the YAML library would take it in silence. Any thread;
// one pass.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace sluice::front {

struct BadByte {
    std::size_t offset = 0;
    bool is_control =
        false;  // else not UTF-8 (RFC 3629 §4: overlong forms, surrogates and beyond U+10FFFF included)
};

/// Tab and line ends are no control characters here; a carriage return alone ends no line.
std::optional<BadByte> first_bad_byte(std::string_view text);

}  // namespace sluice::front
