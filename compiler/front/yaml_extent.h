// SPDX-License-Identifier: Apache-2.0
//
// Where the parts of a YAML text end. yaml-cpp says only where they begin; a diagnostic underlines all of it.
// Any thread; each call reads what it measures once, and never leaves the text, whatever it holds.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace sluice::front {

/// After the closing quote of the text in quotes at `begin`; nothing where it is never closed.
std::optional<std::size_t> quoted_end(std::string_view text, std::size_t begin);

/// After the last character of `value`, which is written from `begin` on. Line folding (YAML 1.2.2 §6.5)
/// changes nothing but white space, so the characters between are compared.
std::size_t folded_end(std::string_view text, std::size_t begin, std::string_view value);

/// As folded_end() for the | or > at `begin`, whose value begins on the line after it.
std::size_t block_scalar_end(std::string_view text, std::size_t begin, std::string_view value);

/// After the bracket that closes a collection whose last value ends at `from`; `from` where there is none.
std::size_t flow_end(std::string_view text, std::size_t from, char bracket);

/// After the anchor, alias or tag at `begin`.
std::size_t decoration_end(std::string_view text, std::size_t begin);

/// The next character that is neither white space nor part of a comment, or the end.
std::size_t skip_space(std::string_view text, std::size_t from);

/// The bytes of the word at `begin` that YAML takes for nothing: ~, null, Null or NULL; 0 where there is none.
std::size_t null_word_bytes(std::string_view text, std::size_t begin);

/// Whether a colon that makes a key of what ends at `end` follows it on its line.
bool is_key(std::string_view text, std::size_t end);

/// The first quote from `from` on that opens a text and has no partner.
std::optional<std::size_t> unclosed_quote(std::string_view text, std::size_t from);

}  // namespace sluice::front
