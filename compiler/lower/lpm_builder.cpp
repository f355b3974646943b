// SPDX-License-Identifier: Apache-2.0
#include "compiler/lower/lpm_builder.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <tuple>

#include "schemas/layout/lpm.h"

namespace sluice::lower {
namespace {

constexpr unsigned branches = 1U << lpm_stride_bits;

// A node that waits to be written: the sorted entries that are longer than its depth, and what covers all of
// it.
struct Pending {
    std::size_t begin;
    std::size_t end;
    std::uint32_t inherited;
};

struct Expanded {
    std::array<std::uint32_t, branches> values{};
    std::array<Pending, branches> children{};  // an empty range where the branch is a leaf
    std::uint64_t child_mask = 0;
};

// Entries are sorted, so whatever covers a branch was painted before the first entry that goes deeper in it.
Expanded expand(const std::vector<LpmEntry>& entries, const Pending& node, unsigned depth) {
    Expanded result;
    result.values.fill(node.inherited);
    for (std::size_t i = node.begin; i < node.end; ++i) {
        const Prefix& prefix = entries[i].prefix;
        const unsigned branch = LpmView::branch_at(prefix.ip, depth);
        if (prefix.length <= depth + lpm_stride_bits) {
            const unsigned width = 1U << (depth + lpm_stride_bits - prefix.length);
            std::fill_n(result.values.begin() + branch, width, entries[i].value);
        } else if ((result.child_mask >> branch & 1) == 0) {
            result.child_mask |= 1ULL << branch;
            result.children[branch] = {i, i + 1, result.values[branch]};
        } else {
            result.children[branch].end = i + 1;
        }
    }
    return result;
}

void write_node(const Expanded& expanded, std::size_t first_child, LpmTable& table) {
    const auto first_leaf = static_cast<std::uint32_t>(table.leaves.size());
    std::uint64_t leaf_starts = 0;
    bool in_run = false;
    for (unsigned branch = 0; branch < branches; ++branch) {
        if ((expanded.child_mask >> branch & 1) != 0) continue;  // a run goes on behind a child
        if (in_run && table.leaves.back() == expanded.values[branch]) continue;
        leaf_starts |= 1ULL << branch;
        table.leaves.push_back(expanded.values[branch]);
        in_run = true;
    }
    table.nodes.emplace_back(expanded.child_mask, leaf_starts, static_cast<std::uint32_t>(first_child),
                             first_leaf);
}

}  // namespace

void sort_prefixes(std::vector<LpmEntry>& entries) {
    const auto key = [](const LpmEntry& entry) { return std::tie(entry.prefix.ip, entry.prefix.length); };
    std::stable_sort(entries.begin(), entries.end(),
                     [&](const LpmEntry& a, const LpmEntry& b) { return key(a) < key(b); });
    std::size_t kept = 0;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        if (kept != 0 && key(entries[kept - 1]) == key(entries[i])) --kept;
        entries[kept++] = entries[i];
    }
    entries.resize(kept);
}

LpmTable build_lpm(std::vector<LpmEntry> entries) {
    LpmTable table;
    if (entries.empty()) return table;
    sort_prefixes(entries);
    table.prefix_count = static_cast<std::uint32_t>(entries.size());

    std::vector<Pending> level{{0, entries.size(), 0}};
    std::vector<Pending> next_level;
    for (unsigned depth = 0; !level.empty(); depth += lpm_stride_bits) {
        const std::size_t next_level_begin = table.nodes.size() + level.size();
        next_level.clear();
        for (const Pending& node : level) {
            const Expanded expanded = expand(entries, node, depth);
            const bool has_children = expanded.child_mask != 0;
            write_node(expanded, has_children ? next_level_begin + next_level.size() : 0, table);
            for (unsigned branch = 0; branch < branches; ++branch) {
                if ((expanded.child_mask >> branch & 1) != 0) next_level.push_back(expanded.children[branch]);
            }
        }
        level.swap(next_level);
    }
    return table;
}

}  // namespace sluice::lower
