// SPDX-License-Identifier: Apache-2.0
//
// Look-ups cannot leave the table when: children of a node stand behind it, one node's after the other's (so
// the tree is finite and every node has one parent); every branch that is no child has a leaf run that begins
// at or below it; and the last level an address can reach has no children. The compiler writes nodes breadth
// first and leaves in the order of their nodes, so all of it is one pass with two running counts.
#include <fmt/format.h>

#include <bit>

#include "runtime/image/tenant_view.h"
#include "runtime/image/verify_tenant.h"

namespace sluice::verify {
namespace {

unsigned levels_of(Family family) {
    return (address_bits(family) + lpm_stride_bits - 1) / lpm_stride_bits;
}

Refusal check_node(const image::LpmNode& node, std::uint64_t index, std::uint64_t next_child,
                   std::uint64_t next_leaf, std::string_view what) {
    if (node.children() != 0 && node.first_child() != next_child) {
        return fmt::format("{}: the children of node {} begin at node {}, expected {}", what, index,
                           node.first_child(), next_child);
    }
    if (node.first_leaf() != next_leaf) {
        return fmt::format("{}: the leaves of node {} begin at leaf {}, expected {}", what, index,
                           node.first_leaf(), next_leaf);
    }
    if ((node.leaf_starts() & node.children()) != 0) {
        return fmt::format("{}: node {} has a branch that is both a child and the start of a leaf run", what,
                           index);
    }
    const std::uint64_t leaf_branches = ~node.children();
    const std::uint64_t lowest = leaf_branches & -leaf_branches;
    if ((node.leaf_starts() & lowest) != lowest) {
        return fmt::format("{}: the first leaf branch of node {} does not start a run", what, index);
    }
    return std::nullopt;
}

}  // namespace

Refusal check_lpm(const image::Lpm& table, Family family, std::uint64_t values, std::string_view what) {
    const auto nodes = rows_of(table.nodes());
    const auto leaves = scalars_of(table.leaves());
    if (nodes.empty() && !leaves.empty())
        return fmt::format("{} has {} leaves and no node", what, leaves.size());

    std::uint64_t next_child = 1;
    std::uint64_t next_leaf = 0;
    std::uint64_t level_end = 1;
    unsigned level = 1;
    for (std::uint64_t index = 0; index < nodes.size(); ++index) {
        if (index >= next_child) return fmt::format("{}: nothing leads to node {}", what, index);
        if (index == level_end) {
            ++level;
            level_end = next_child;
        }
        const image::LpmNode& node = nodes[index];
        if (auto refusal = check_node(node, index, next_child, next_leaf, what)) return refusal;
        if (node.children() != 0 && level == levels_of(family)) {
            return fmt::format("{}: node {} is on level {}, the last of its family, and has children", what,
                               index, level);
        }
        next_child += static_cast<unsigned>(std::popcount(node.children()));
        next_leaf += static_cast<unsigned>(std::popcount(node.leaf_starts()));
    }
    if (!nodes.empty() && next_child != nodes.size()) {
        return fmt::format("{} leads to {} nodes and has {}", what, next_child, nodes.size());
    }
    if (next_leaf != leaves.size())
        return fmt::format("{} leads to {} leaves and has {}", what, next_leaf, leaves.size());
    for (std::size_t i = 0; i < leaves.size(); ++i) {
        if (leaves[i] >= values) {
            return fmt::format("{}: leaf {} is {}, expected less than {}", what, i, leaves[i], values);
        }
    }
    return std::nullopt;
}

}  // namespace sluice::verify
