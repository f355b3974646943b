// SPDX-License-Identifier: Apache-2.0
//
// From prefixes to the longest-prefix-match table of image.fbs (schemas/layout/lpm.h reads it).
// Any thread. Cost: a sort of the prefixes, then one visit of each prefix a level; 900,000 IPv4 prefixes take
// well under a second and about twice their own memory.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "schemas/layout/address.h"
#include "schemas/layout/lpm.h"

namespace sluice::lower {

/// `value` is what a look-up below `prefix` returns where no longer prefix covers the address; below 2^31.
struct LpmEntry {
    Prefix prefix;
    std::uint32_t value = 0;
};

struct LpmTable {
    std::vector<std::uint32_t> root;
    std::vector<std::uint64_t> records;
    std::uint32_t first_level_words = 0;
    bool wide = false;
    std::uint32_t prefix_count = 0;

    bool empty() const { return root.empty(); }
    std::size_t bytes() const { return root.size() * sizeof root[0] + records.size() * sizeof records[0]; }
    LpmView view() const;  // as long as the table is
};

/// How many bits the root of a table of so many prefixes has: the most, in steps of a record's six, for which
/// it takes at most 16 bytes a prefix: 18 bits for the tables of the Internet, six for a router with 1,000
/// routes, which then needs about 50 bytes a prefix.
unsigned lpm_root_bits(std::size_t prefix_count);

/// The same for sets of addresses and what NAT knows, which often end in single hosts: roots of 2, 8 or 14
/// bits, from which steps of six end at the last bit of both families. They are looked up for each new session
/// by all, so they may take 128 bytes a prefix: 14 bits, 64 KiB, from 512 prefixes on.
unsigned lpm_host_root_bits(std::size_t prefix_count);

/// All entries are of one family and have their host bits clear. Where a prefix stands more than once, the last
/// one counts. `root_bits`: another root than lpm_root_bits() chooses. Throws std::length_error for a table
/// that no image can hold.
LpmTable build_lpm(std::vector<LpmEntry> entries, std::optional<unsigned> root_bits = std::nullopt);

/// Sorts by address, then from short to long (a prefix stands behind all that cover it), and keeps the last of
/// equal prefixes.
void sort_prefixes(std::vector<LpmEntry>& entries);

}  // namespace sluice::lower
