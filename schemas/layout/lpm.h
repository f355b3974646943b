// SPDX-License-Identifier: Apache-2.0
//
// Longest-prefix match over the table layout of image.fbs (Lpm): a root that the first bits index directly,
// then records of six bits each, with one bit a run of equal leaves and the leaves right behind, so that most
// levels cost one cache line. Runs and popcount are from Asai and Ohara, "Poptrie" (SIGCOMM 2015), the short
// leaves behind a direct root from Zec, Rizzo and Mikuc, "DXR" (CCR 2012). Written by the compiler, verified at
// load, read in place.
//
// Any thread, read only. Cost: one root entry, then a record a level; levels end where no longer prefix exists
// (behind an 18-bit root an IPv4 /24 ends in the first). Checks nothing: the image verifier has.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "schemas/layout/address.h"

namespace sluice {

constexpr unsigned lpm_stride_bits = 6;
constexpr unsigned lpm_longest_root_bits = 18;    // the first record then ends at an IPv4 /24
constexpr std::size_t lpm_leaves_offset = 12;     // bytes into a record: behind run starts and children
constexpr std::uint32_t lpm_narrow_end = 0x8000;  // 16-bit leaves hold values below

/// Words of 8 bytes that a record takes.
constexpr std::size_t lpm_record_words(std::uint64_t run_starts, bool wide) noexcept {
    const auto runs = static_cast<std::size_t>(std::popcount(run_starts));
    return (lpm_leaves_offset + runs * (wide ? 4 : 2) + 7) / 8;
}

/// What a look-up in an empty table finds: one run, and 0 for all of it.
inline constexpr std::uint32_t lpm_empty_root = 0;
inline constexpr std::uint64_t lpm_empty_record[2] = {1, 0};

struct LpmView {
    const std::uint32_t* root = &lpm_empty_root;
    const std::uint64_t* records = lpm_empty_record;
    std::uint8_t root_bits = 0;
    bool wide = false;  // leaves of 32 bits, not 16

    bool empty() const noexcept { return records == lpm_empty_record; }

    /// The value of the longest prefix that covers `ip`, 0 where none does.
    std::uint32_t lookup(Ip ip) const noexcept {
        const std::uint64_t* record = records + *root_entry(ip);
        for (unsigned depth = root_bits;; depth += lpm_stride_bits) {
            const std::int32_t leaf = leaf_at(leaf_place(record, branch_at(ip, depth)));
            if (leaf >= 0) return static_cast<std::uint32_t>(leaf);
            record = child_of(record, leaf);
        }
    }

    // The steps of a look-up, for those that take many together (lpm_burst.h) or walk the table.

    const std::uint32_t* root_entry(Ip ip) const noexcept { return root + (ip.hi >> 1 >> (63U - root_bits)); }
    /// Of an IPv4 address in host order.
    const std::uint32_t* root_entry(std::uint32_t ip) const noexcept {
        return root + (std::uint64_t{ip} >> (32U - root_bits));
    }

    /// Where the leaf of a branch stands: as many leaves on as runs start up to that branch.
    const char* leaf_place(const std::uint64_t* record, unsigned branch) const noexcept {
        const auto run = static_cast<std::size_t>(std::popcount(*record << (63 - branch)) - 1);
        return reinterpret_cast<const char*>(record) + lpm_leaves_offset + (run << (wide ? 2 : 1));
    }

    /// Negative: the branch goes on at child_of().
    std::int32_t leaf_at(const char* place) const noexcept {
        if (wide) return load<std::int32_t>(place);
        return load<std::int16_t>(place);
    }

    const std::uint64_t* child_of(const std::uint64_t* record, std::int32_t leaf) const noexcept {
        const auto children = load<std::uint32_t>(reinterpret_cast<const char*>(record + 1));
        return records + children + (static_cast<std::uint32_t>(leaf) & (lpm_narrow_end - 1));
    }

    /// The six bits that start at bit `depth`; bits past the 128th read as zero.
    static constexpr unsigned branch_at(Ip ip, unsigned depth) noexcept {
        if (depth <= 58) return ip.hi >> (58 - depth) & 63;
        if (depth < 64) return (ip.hi << (depth - 58) | ip.lo >> (122 - depth)) & 63;
        if (depth <= 122) return ip.lo >> (122 - depth) & 63;
        return ip.lo << (depth - 122) & 63;
    }
    /// Of an IPv4 address in host order; no level of it begins behind its last bit.
    static constexpr unsigned branch_at(std::uint32_t ip, unsigned depth) noexcept {
        return std::uint64_t{ip} << 32 >> (58 - depth) & 63;
    }

  private:
    template <typename Value>
    static Value load(const char* place) noexcept {
        Value value;
        std::memcpy(&value, place, sizeof value);
        return value;
    }
};

}  // namespace sluice
