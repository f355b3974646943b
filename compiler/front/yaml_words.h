// SPDX-License-Identifier: Apache-2.0
//
// What yaml-cpp has against a text, in words for people who don't know its parser. Any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice::front {

struct SyntaxWords {
    std::string text;
    std::string_view help;  // empty where the text says it all
};

/// `message` is that of a YAML::ParserException, `place` where it points in `text`; the last value that was
/// read ends at `last_end`.
SyntaxWords syntax_words(std::string_view message, std::string_view text, std::size_t place,
                         std::size_t last_end);

}  // namespace sluice::front
