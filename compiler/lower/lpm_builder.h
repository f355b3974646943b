// SPDX-License-Identifier: Apache-2.0
//
// From prefixes to the longest-prefix-match table of image.fbs (schemas/layout/lpm.h reads it).
// Any thread. Cost: a sort of the prefixes, then one visit of each prefix a level; 900,000 IPv4 prefixes take
// well under a second and about twice their own memory.
#pragma once

#include <cstdint>
#include <vector>

#include "schemas/image_generated.h"
#include "schemas/layout/address.h"

namespace sluice::lower {

/// `value` is what a look-up below `prefix` returns where no longer prefix covers the address.
struct LpmEntry {
    Prefix prefix;
    std::uint32_t value = 0;
};

struct LpmTable {
    std::vector<image::LpmNode> nodes;  // breadth first: the verifier relies on it
    std::vector<std::uint32_t> leaves;
    std::uint32_t prefix_count = 0;
};

/// All entries are of one family and have their host bits clear. Where a prefix stands more than once, the last
/// one counts.
LpmTable build_lpm(std::vector<LpmEntry> entries);

/// Sorts by address, then from short to long (a prefix stands behind all that cover it), and keeps the last of
/// equal prefixes.
void sort_prefixes(std::vector<LpmEntry>& entries);

}  // namespace sluice::lower
