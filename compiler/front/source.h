// SPDX-License-Identifier: Apache-2.0
//
// The text of a policy's files while a run lasts: byte offsets inside, lines and columns for people. Filled by
// one thread; read by any. Finding a line costs a binary search.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::front {

constexpr std::uint32_t no_file = 0xffffffff;

/// Bytes [begin, end) of one file. `no_file` where a problem has no place in any text.
struct Span {
    std::uint32_t file = no_file;
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
};

/// Both count from 1; columns count characters, not bytes.
struct LineColumn {
    std::uint32_t line = 0;
    std::uint32_t column = 0;
};

class SourceFile {
  public:
    SourceFile(std::string name, std::string text);

    const std::string& name() const { return name_; }
    std::string_view text() const { return text_; }
    LineColumn at(std::uint32_t offset) const;
    /// Without its line end.
    std::string_view line(std::uint32_t number) const;
    /// Where the line that holds `offset` begins.
    std::uint32_t line_begin(std::uint32_t offset) const;

  private:
    std::string name_;
    std::string text_;
    std::vector<std::uint32_t> line_begins_;
};

class Sources {
  public:
    /// `name` is the path as the user would write it; a leading byte order mark is not part of the text.
    std::uint32_t add(std::string name, std::string text);
    const SourceFile& operator[](std::uint32_t file) const { return files_[file]; }
    std::uint32_t size() const { return static_cast<std::uint32_t>(files_.size()); }
    LineColumn at(Span span) const { return files_[span.file].at(span.begin); }

  private:
    std::deque<SourceFile> files_;  // a deque: texts never move, syntax trees point into them
};

/// How many characters a valid UTF-8 text has.
std::size_t character_count(std::string_view text);

}  // namespace sluice::front
