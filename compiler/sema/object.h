// SPDX-License-Identifier: Apache-2.0
//
// A mapping whose keys the language fixes: reads it against its table of keys and reports every key that is
// unknown, double, missing or of a later version.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "compiler/front/codes.h"
#include "compiler/front/node.h"

namespace sluice::sema {

struct Context;

enum class Need : std::uint8_t { optional, required, later };

struct KeyRow {
    std::string_view name;
    Need need = Need::optional;
    front::Code later{};  // the code that refuses a key of a later version
};

struct ObjectTable {
    std::string_view definition;  // its name in the JSON Schema
    std::string_view what;        // in messages: "a rule"
    std::span<const KeyRow> keys;
};

/// Of a mapping with 100,000 entries or of a value that is no mapping it keeps at most one value a key of the
/// table.
class Object {
  public:
    static constexpr std::size_t most_keys = 16;

    /// `owner` is where a missing key is reported.
    Object(Context& context, const front::Node& node, const ObjectTable& table, front::Span owner);

    bool is_map() const { return is_map_; }
    /// The value; null where the key is absent or was refused.
    const front::Node* operator[](std::string_view key) const;
    front::Span key_span(std::string_view key) const;
    front::Span owner() const { return owner_; }
    /// Whether a key of a later version stood here.
    bool has_later() const { return has_later_; }

  private:
    std::size_t row_of(std::string_view key) const;
    void report_unknown_key(Context& context, const front::Node& key) const;

    const ObjectTable* table_;
    front::Span owner_;
    std::array<const front::Node*, most_keys> keys_{};
    std::array<const front::Node*, most_keys> values_{};
    bool is_map_ = false;
    bool has_later_ = false;
};

}  // namespace sluice::sema
