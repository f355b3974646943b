// SPDX-License-Identifier: Apache-2.0
//
// Many look-ups in one classifier, one step of all of them at a time, so that their cache misses overlap. The
// answers are those of ClassifierView::lookup. Any thread, read only, no allocation. Cost: somewhat more
// instructions than look-ups one by one, so it pays where the table does not fit the nearest cache.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "schemas/layout/classifier.h"

namespace sluice {

constexpr std::size_t classifier_most_burst = 32;

/// `rules` has room for as many as there are keys, at most classifier_most_burst.
inline void lookup_burst(const ClassifierView& view, std::span<const ClassifierKey> keys,
                         std::uint32_t* rules) noexcept {
    if (!view.comb.empty()) {
        const ClassifierKey* const all = keys.data();
        view.comb.lookup_burst(
            keys.size(), [=](std::size_t i, unsigned field) { return all[i][field]; }, rules);
        for (std::size_t i = 0; i < keys.size(); ++i) --rules[i];
        return;
    }
    std::array<ClassifierSearch, classifier_most_burst> searches;
    std::array<const std::uint32_t*, classifier_most_burst> children;
    using List = std::array<std::uint8_t, classifier_most_burst>;
    List at_nodes, at_rows;
    std::size_t node_count = 0, row_count = 0;
    const auto nodes_at = reinterpret_cast<std::uintptr_t>(view.nodes);
    const auto rows_at = reinterpret_cast<std::uintptr_t>(view.rows);
    // Without a branch: which of the two a search meets next is hard to foretell.
    const auto enlist = [&](std::size_t i) {
        const std::uint32_t reference = searches[i].reference();
        const bool node = ClassifierReference::is_node(reference);
        const std::uintptr_t next =
            node ? nodes_at + std::size_t{reference} * classifier_node_words * sizeof(std::uint32_t)
                 : rows_at + std::size_t{ClassifierReference::place(reference)} * sizeof(image::ClassifierRow);
        __builtin_prefetch(reinterpret_cast<const void*>(next));  // harmless where nothing stands there
        at_nodes[node_count] = at_rows[row_count] = static_cast<std::uint8_t>(i);
        node_count += node ? 1 : 0;
        row_count += node ? 0 : 1;
    };
    for (std::size_t i = 0; i < keys.size(); ++i) {
        searches[i].begin(view, keys[i], classifier_no_rule);
        enlist(i);
    }
    while (node_count + row_count != 0) {
        const List nodes = at_nodes, rows = at_rows;
        const std::size_t nodes_now = node_count, rows_now = row_count;
        node_count = row_count = 0;
        for (std::size_t n = 0; n < nodes_now; ++n) {
            children[nodes[n]] = searches[nodes[n]].leave_node(view);
            __builtin_prefetch(children[nodes[n]]);
        }
        for (std::size_t n = 0; n < rows_now; ++n) {
            if (searches[rows[n]].leave_rows(view)) enlist(rows[n]);
        }
        for (std::size_t n = 0; n < nodes_now; ++n) {
            searches[nodes[n]].go_to(*children[nodes[n]]);
            enlist(nodes[n]);
        }
    }
    for (std::size_t i = 0; i < keys.size(); ++i) rules[i] = searches[i].least_rule();
}

}  // namespace sluice
