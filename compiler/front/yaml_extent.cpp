// SPDX-License-Identifier: Apache-2.0
#include "compiler/front/yaml_extent.h"

#include <algorithm>

namespace sluice::front {
namespace {

constexpr std::string_view blanks = " \t";
constexpr std::string_view white_space = " \t\r\n";
constexpr std::string_view brackets = "[]{},";

bool is_one_of(std::string_view set, std::string_view text, std::size_t at) {
    return at < text.size() && set.find(text[at]) != std::string_view::npos;
}

std::size_t or_end(std::string_view text, std::size_t found) {
    return std::min(found, text.size());
}

// The end of the text counts as white space: whatever stands there ends.
bool is_white_space(std::string_view text, std::size_t at) {
    return at >= text.size() || is_one_of(white_space, text, at);
}

}  // namespace

std::optional<std::size_t> quoted_end(std::string_view text, std::size_t begin) {
    const char quote = text[begin];
    for (std::size_t i = begin + 1; i < text.size(); ++i) {
        if (quote == '"' && text[i] == '\\') {
            ++i;
        } else if (text[i] == quote) {
            const bool is_doubled = quote == '\'' && i + 1 < text.size() && text[i + 1] == quote;
            if (!is_doubled) return i + 1;
            ++i;
        }
    }
    return std::nullopt;
}

std::size_t folded_end(std::string_view text, std::size_t begin, std::string_view value) {
    std::size_t end = begin;
    std::size_t at = begin;
    for (std::size_t i = 0; i < value.size(); ++i) {
        if (is_one_of(white_space, value, i)) continue;
        at = or_end(text, text.find_first_not_of(white_space, at));
        if (at == text.size() || text[at] != value[i]) return end;
        end = ++at;
    }
    return end;
}

std::size_t block_scalar_end(std::string_view text, std::size_t begin, std::string_view value) {
    const std::size_t line_end = or_end(text, text.find_first_of("\r\n", begin));
    const std::size_t end = folded_end(text, line_end, value);
    if (end != line_end) return end;
    return or_end(text, text.find_first_of(white_space, begin));
}

std::size_t flow_end(std::string_view text, std::size_t from, char bracket) {
    std::size_t at = skip_space(text, from);
    while (is_one_of(",:?", text, at)) at = skip_space(text, at + 1);
    return at < text.size() && text[at] == bracket ? at + 1 : from;
}

std::size_t decoration_end(std::string_view text, std::size_t begin) {
    if (text.substr(begin, 2) == "!<") {
        const std::size_t end = text.find('>', begin);
        if (end != std::string_view::npos) return end + 1;
    }
    std::size_t end = std::min(begin + 1, text.size());
    while (!is_white_space(text, end) && !is_one_of(brackets, text, end)) ++end;
    return end;
}

std::size_t skip_space(std::string_view text, std::size_t from) {
    std::size_t at = or_end(text, text.find_first_not_of(white_space, from));
    while (at < text.size() && text[at] == '#') {
        at = or_end(text, text.find_first_not_of(white_space, or_end(text, text.find('\n', at))));
    }
    return at;
}

std::size_t null_word_bytes(std::string_view text, std::size_t begin) {
    for (const std::string_view word : {"~", "null", "Null", "NULL"}) {
        const std::size_t end = begin + word.size();
        if (text.substr(begin, word.size()) != word) continue;
        if (is_white_space(text, end) || text[end] == ':' || is_one_of(brackets, text, end)) return word.size();
    }
    return 0;
}

bool is_key(std::string_view text, std::size_t end) {
    const std::size_t colon = text.find_first_not_of(blanks, end);
    if (colon >= text.size() || text[colon] != ':') return false;
    return is_white_space(text, colon + 1) || is_one_of(brackets, text, colon + 1);
}

std::optional<std::size_t> unclosed_quote(std::string_view text, std::size_t from) {
    for (std::size_t at = skip_space(text, from); at < text.size(); at = skip_space(text, at)) {
        if (is_one_of("\"'", text, at)) {
            const auto end = quoted_end(text, at);
            if (!end) return at;
            at = *end;
        } else if (is_one_of("[]{},:", text, at)) {
            ++at;
        } else {
            // Inside a word a quote is a character like others.
            while (!is_white_space(text, at) && !is_one_of(brackets, text, at)) ++at;
        }
    }
    return std::nullopt;
}

}  // namespace sluice::front
