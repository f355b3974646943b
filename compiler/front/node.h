// SPDX-License-Identifier: Apache-2.0
//
// The syntax tree of a policy file: what the text says, with its place, before anyone asks what it means.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/front/source.h"

namespace sluice::front {

struct Node {
    enum class Kind : std::uint8_t { scalar, map, list };
    Kind kind = Kind::scalar;
    bool plain = true;           // a scalar without quotes
    Span span;                   // quotes and brackets included
    std::string_view text;       // scalar: its value, without quotes and escapes
    std::vector<Node> children;  // list: items; map: key, value, key, value …

    bool is_scalar() const { return kind == Kind::scalar; }
    bool is_map() const { return kind == Kind::map; }
    bool is_list() const { return kind == Kind::list; }
    /// What YAML takes for "nothing": no text, ~ or null, without quotes.
    bool is_null() const { return is_scalar() && plain && (text.empty() || text == "~" || text == "null"); }

    std::size_t entry_count() const { return children.size() / 2; }
    const Node& key(std::size_t entry) const { return children[entry * 2]; }
    const Node& value(std::size_t entry) const { return children[entry * 2 + 1]; }
};

/// A file's tree. Texts point into the source or into `made`, so it is moved, never copied.
struct Document {
    Node root;
    std::deque<std::string> made;  // values that differ from their own text: escapes, folded lines

    Document() = default;
    Document(Document&&) = default;
    Document& operator=(Document&&) = default;
    Document(const Document&) = delete;
    Document& operator=(const Document&) = delete;
};

}  // namespace sluice::front
