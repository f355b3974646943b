// SPDX-License-Identifier: Apache-2.0
//
// The first rule that matches a packet, over the table layout of image.fbs (Classifier). Two fields of 32 bits
// (addresses, or better their classes: what a longest-prefix match returned) and three of 16 (port classes,
// protocol, zones). Each node cuts one field at every boundary that its rules have there, so that no path meets
// a field twice; rules too wide for a cut are not copied under it but stand in the node's `rest`, which is
// searched as well (EffiCuts separates rules so, Vamanan, Voskuilen and Vijaykumar, SIGCOMM 2010; here at every
// node). Equal subtrees are stored once. Written by the compiler, verified at load, read in place.
//
// Any thread, read only, no allocation. Cost: a table read or a short binary search a node, then two rows a
// cache line. Checks nothing: the image verifier has. Any key is safe.
#pragma once

#include <immintrin.h>

#include <array>
#include <cstdint>

#include "schemas/image_generated.h"
#include "schemas/layout/comb.h"

namespace sluice {

constexpr unsigned classifier_fields = 5;
constexpr unsigned classifier_wide_fields = 2;  // fields 0 and 1 have 32 bits, the others 16
constexpr std::uint32_t classifier_no_rule = 0xffffffff;
constexpr unsigned classifier_node_words = 4;    // before its references; nodes begin at multiples
constexpr unsigned classifier_most_pending = 8;  // rests put off on any path

constexpr std::uint32_t classifier_field_max(unsigned field) {
    return field < classifier_wide_fields ? 0xffffffff : 0xffff;
}

using ClassifierKey = std::array<std::uint32_t, classifier_fields>;  // values of the narrow fields fit 16 bits

/// What a node refers to; image.fbs says which bits mean what.
struct ClassifierReference {
    static constexpr std::uint32_t nothing = 0xffffffff;
    static constexpr std::uint32_t end_bit = 0x80000000;
    static constexpr std::uint32_t most_rows = 126;
    static constexpr std::uint32_t place_end = 1u << 24;  // of first rows, and of rules

    static constexpr std::uint32_t to_node(std::uint32_t first_word) {
        return first_word / classifier_node_words;
    }
    static constexpr std::uint32_t to_rows(std::uint32_t first, std::uint32_t count) {
        return end_bit | count << 24 | first;
    }
    static constexpr std::uint32_t to_rule(std::uint32_t rule) { return end_bit | rule; }

    static constexpr bool is_node(std::uint32_t reference) { return (reference & end_bit) == 0; }
    static constexpr std::uint32_t row_count(std::uint32_t reference) { return reference >> 24 & 0x7f; }
    static constexpr std::uint32_t place(std::uint32_t reference) { return reference & (place_end - 1); }
};

/// A node as it stands in memory; its bounds and references follow.
struct ClassifierNode {
    std::uint32_t shape, base, rest, rest_rule;

    static constexpr std::uint32_t shape_of(unsigned field, bool direct, std::uint32_t count) {
        return field | (direct ? 8u : 0u) | count << 4;
    }
    std::uint32_t field() const { return shape & 7; }
    bool direct() const { return (shape & 8) != 0; }
    std::uint32_t count() const { return shape >> 4; }
    std::uint64_t bounds() const { return direct() ? 0 : count(); }
    std::uint64_t references() const { return std::uint64_t{count()} + (direct() ? 0 : 1); }
    /// Words it takes, padding included.
    std::uint64_t words() const {
        const std::uint64_t used = classifier_node_words + bounds() + references();
        return (used + classifier_node_words - 1) / classifier_node_words * classifier_node_words;
    }
};

struct ClassifierView {
    const std::uint32_t* nodes = nullptr;
    const image::ClassifierRow* rows = nullptr;
    std::uint32_t root = ClassifierReference::nothing;
    CombView comb = {};  // instead of the tree, where it is not empty: its values are rules + 1, 0 for none

    /// The least rule that matches, if it is less than `below`; else `below`.
    std::uint32_t lookup(const ClassifierKey& key, std::uint32_t below = classifier_no_rule) const noexcept;

    static std::uint32_t rule_of(const image::ClassifierRow& row) {
        return row.rule_low() | std::uint32_t{row.rule_high()} << 16;
    }
};

/// One look-up, step by step, for those that take many together (classifier_burst.h).
class ClassifierSearch {
  public:
    void begin(const ClassifierView& view, const ClassifierKey& key, std::uint32_t below) noexcept {
        key_ = key;
        packed_ = pack(key);
        reference_ = view.root;
        below_ = below;
        pending_count_ = 0;
    }

    std::uint32_t reference() const noexcept { return reference_; }
    bool at_node() const noexcept { return ClassifierReference::is_node(reference_); }
    std::uint32_t least_rule() const noexcept { return below_; }

    /// At a node: puts off its rest, and says where the reference to go on with stands.
    const std::uint32_t* leave_node(const ClassifierView& view) noexcept {
        const std::uint32_t* words = view.nodes + std::size_t{reference_} * classifier_node_words;
        const ClassifierNode node{words[0], words[1], words[2], words[3]};
        pending_[pending_count_] = {node.rest, node.rest_rule};
        pending_count_ += node.rest_rule < below_ ? 1 : 0;
        return child_place(node, words + classifier_node_words, key_[node.field()]);
    }
    void go_to(std::uint32_t reference) noexcept { reference_ = reference; }

    /// Not at a node: compares the rows, and goes to what was put off last; false where nothing is left.
    bool leave_rows(const ClassifierView& view) noexcept {
        compare(view);
        do {
            if (pending_count_ == 0) return false;
            --pending_count_;
            reference_ = pending_[pending_count_].reference;
        } while (pending_[pending_count_].rule >= below_);
        return true;
    }

  private:
    struct Pending {
        std::uint32_t reference, rule;
    };

    static const std::uint32_t* child_place(const ClassifierNode& node, const std::uint32_t* first,
                                            std::uint32_t value) noexcept {
        if (node.direct()) {
            const std::uint32_t slot = value < node.base ? 0 : value - node.base;
            const std::uint32_t last = node.count() - 1;
            return first + (slot < last ? slot : last);
        }
        const std::uint32_t* bound = first;
        for (std::uint32_t length = node.count(); length != 0;) {  // how many bounds the value has reached
            const std::uint32_t half = (length + 1) / 2;
            bound += value >= bound[half - 1] ? half : 0;
            length -= half;
        }
        return bound + node.count();
    }

    // The values and their complements, as a row stands in memory.
    static __m256i pack(const ClassifierKey& key) noexcept {
        const auto narrow =
            static_cast<long long>(key[2] | std::uint64_t{key[3]} << 16 | std::uint64_t{key[4]} << 32);
        const auto wide = static_cast<long long>(key[0] | std::uint64_t{key[1]} << 32);
        return _mm256_set_epi64x(~narrow, ~wide, narrow, wide);
    }

    void compare(const ClassifierView& view) noexcept {
        if (reference_ == ClassifierReference::nothing) return;
        const std::uint32_t count = ClassifierReference::row_count(reference_);
        const std::uint32_t place = ClassifierReference::place(reference_);
        if (count == 0) {
            below_ = place < below_ ? place : below_;
            return;
        }
        const image::ClassifierRow* row = view.rows + place;
        for (const image::ClassifierRow* const end = row + count; row != end; ++row) {
            if (!is_inside(packed_, *row)) continue;
            const std::uint32_t rule = ClassifierView::rule_of(*row);
            below_ = rule < below_ ? rule : below_;
            return;
        }
    }

    static bool is_inside(__m256i packed, const image::ClassifierRow& row) noexcept {
        const __m256i bounds = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(&row));
        const __m256i wide = _mm256_cmpeq_epi32(_mm256_max_epu32(packed, bounds), packed);
        const __m256i narrow = _mm256_cmpeq_epi16(_mm256_max_epu16(packed, bounds), packed);
        // Words 0 and 1 of each half are wide, 2 and 3 narrow; the last 16 bits of a half hold the rule.
        const auto inside =
            static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_blend_epi32(wide, narrow, 0xcc)));
        return (inside | 0xc000c000) == 0xffffffff;
    }

    __m256i packed_;
    ClassifierKey key_;
    std::uint32_t reference_;
    std::uint32_t below_;
    unsigned pending_count_;
    std::array<Pending, classifier_most_pending + 1> pending_;  // the last one is written, never kept
};

inline std::uint32_t ClassifierView::lookup(const ClassifierKey& key, std::uint32_t below) const noexcept {
    if (!comb.empty()) {
        const std::uint32_t rule = comb.lookup([&](unsigned field) { return key[field]; }) - 1;
        return rule < below ? rule : below;
    }
    ClassifierSearch search;
    search.begin(*this, key, below);
    do {
        while (search.at_node()) search.go_to(*search.leave_node(*this));
    } while (search.leave_rows(*this));
    return search.least_rule();
}

}  // namespace sluice
