// SPDX-License-Identifier: Apache-2.0
//
// Prefixes level by level, for builders of tables that read a few bits of an address at a time. Any thread.
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/lower/lpm_builder.h"

namespace sluice::lower {

/// What one value of the bits read so far says: `value`, unless the entries begin..end, which are longer, know
/// better.
struct PrefixSlot {
    std::uint32_t value = 0;
    std::uint32_t begin = 0;  // an empty range where the slot is decided
    std::uint32_t end = 0;

    bool goes_on() const { return begin != end; }
};

/// The slots that `bits` from bit `depth` on divide `from` into; `slots` has room for 2^bits. `entries` are as
/// sort_prefixes() leaves them. Cost: linear in the slots that each entry of `from` covers.
void divide_slot(const std::vector<LpmEntry>& entries, const PrefixSlot& from, unsigned depth, unsigned bits,
                 PrefixSlot* slots);

}  // namespace sluice::lower
