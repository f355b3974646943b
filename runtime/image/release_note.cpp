// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/release_note.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace sluice {
namespace {

constexpr std::string_view revision_key = "revision=";
constexpr std::string_view digest_key = "digest=";
constexpr std::string_view parent_key = "parent=";

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace

bool is_digest_text(std::string_view text) {
    return text.size() == 64 && std::ranges::all_of(text, [](char digit) {
               return (digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f');
           });
}

std::string release_note_text(const ReleaseNote& note) {
    std::string text;
    const auto add = [&](std::string_view key, const std::string& value) {
        text += fmt::format("{}{}{}", text.empty() ? "" : " ", key, value);
    };
    if (note.revision) add(revision_key, std::to_string(*note.revision));
    if (note.digest) add(digest_key, *note.digest);
    if (note.parent) add(parent_key, *note.parent);
    return text;
}

ReleaseNote parse_release_note(std::string_view trusted_comment) {
    ReleaseNote note;
    const auto digest_of_word = [](std::string_view value) -> std::optional<std::string> {
        if (!is_digest_text(value)) return std::nullopt;
        return std::string(value);
    };
    while (!trusted_comment.empty()) {
        const std::size_t end = trusted_comment.find_first_of(" \t");
        const std::string_view word = trusted_comment.substr(0, end);
        if (word.starts_with(revision_key)) note.revision = number(word.substr(revision_key.size()));
        if (word.starts_with(digest_key)) note.digest = digest_of_word(word.substr(digest_key.size()));
        if (word.starts_with(parent_key)) note.parent = digest_of_word(word.substr(parent_key.size()));
        trusted_comment.remove_prefix(end == std::string_view::npos ? trusted_comment.size() : end + 1);
    }
    return note;
}

}  // namespace sluice
