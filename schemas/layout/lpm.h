// SPDX-License-Identifier: Apache-2.0
//
// Longest-prefix match over the table layout of image.fbs (Lpm, LpmNode): a trie of 6 bits a level with
// popcount-compressed children and runs of equal leaves, after Asai and Ohara, "Poptrie" (SIGCOMM 2015).
// Written by the compiler, verified at load, read in place.
//
// Any thread, read only. Cost: one cache line a level; levels end where no longer prefix exists (an IPv4 /24
// ends within four). Worst case 6 levels for IPv4, 22 for IPv6. Checks nothing: the image verifier has.
#pragma once

#include <bit>
#include <cstdint>
#include <span>

#include "schemas/image_generated.h"
#include "schemas/layout/address.h"

namespace sluice {

constexpr unsigned lpm_stride_bits = 6;

struct LpmView {
    const image::LpmNode* nodes = nullptr;  // null: an empty table
    const std::uint32_t* leaves = nullptr;

    /// The leaf of the longest prefix that covers `ip`, 0 where none does.
    std::uint32_t lookup(Ip ip) const noexcept {
        if (nodes == nullptr) return 0;
        const image::LpmNode* node = nodes;
        for (unsigned depth = 0;; depth += lpm_stride_bits) {
            const unsigned branch = branch_at(ip, depth);
            const std::uint64_t below = (1ULL << branch) - 1;
            if ((node->children() >> branch & 1) == 0) {
                const std::uint64_t through = below | 1ULL << branch;
                return leaves[node->first_leaf() + std::popcount(node->leaf_starts() & through) - 1];
            }
            node = nodes + node->first_child() + std::popcount(node->children() & below);
        }
    }

    /// The six bits that start at bit `depth`; bits past the 128th read as zero.
    static constexpr unsigned branch_at(Ip ip, unsigned depth) noexcept {
        if (depth <= 58) return ip.hi >> (58 - depth) & 63;
        if (depth < 64) return (ip.hi << (depth - 58) | ip.lo >> (122 - depth)) & 63;
        if (depth <= 122) return ip.lo >> (122 - depth) & 63;
        return ip.lo << (depth - 122) & 63;
    }
};

}  // namespace sluice
