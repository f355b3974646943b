// SPDX-License-Identifier: Apache-2.0
#include "compiler/front/source.h"

#include <algorithm>
#include <utility>

namespace sluice::front {

std::size_t character_count(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char byte) { return (static_cast<unsigned char>(byte) & 0xc0) != 0x80; }));
}

SourceFile::SourceFile(std::string name, std::string text) : name_(std::move(name)), text_(std::move(text)) {
    line_begins_.push_back(0);
    for (std::size_t i = 0; i < text_.size(); ++i) {
        // A lone carriage return ends a line in YAML too.
        const bool ends_line =
            text_[i] == '\n' || (text_[i] == '\r' && (i + 1 == text_.size() || text_[i + 1] != '\n'));
        if (ends_line) line_begins_.push_back(static_cast<std::uint32_t>(i + 1));
    }
}

LineColumn SourceFile::at(std::uint32_t offset) const {
    const auto after = std::upper_bound(line_begins_.begin(), line_begins_.end(), offset);
    const auto line = static_cast<std::uint32_t>(after - line_begins_.begin());
    const std::uint32_t begin = line_begins_[line - 1];
    const auto before = std::string_view(text_).substr(begin, offset - begin);
    return {line, static_cast<std::uint32_t>(character_count(before)) + 1};
}

std::string_view SourceFile::line(std::uint32_t number) const {
    const std::size_t begin = line_begins_[number - 1];
    const std::size_t end = number < line_begins_.size() ? line_begins_[number] : text_.size();
    auto line = std::string_view(text_).substr(begin, end - begin);
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
    return line;
}

std::uint32_t SourceFile::line_begin(std::uint32_t offset) const {
    return line_begins_[at(offset).line - 1];
}

std::uint32_t Sources::add(std::string name, std::string text) {
    if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
    files_.emplace_back(std::move(name), std::move(text));
    return static_cast<std::uint32_t>(files_.size() - 1);
}

}  // namespace sluice::front
