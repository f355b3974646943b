// SPDX-License-Identifier: Apache-2.0
#include "runtime/state/index_table.h"

#include <bit>

namespace sluice {

IndexTable::IndexTable(std::uint32_t entries)
    : mask_(std::bit_ceil(entries < 2 ? 4u : entries * 2) - 1), slots_(std::size_t{mask_} + 1) {}

void IndexTable::insert(std::uint64_t hash, std::uint32_t number) noexcept {
    const std::uint32_t tag = tag_of(hash);
    std::uint32_t at = home_of(tag);
    while (slots_[at].tag != 0) at = (at + 1) & mask_;
    slots_[at] = {tag, number};
}

void IndexTable::erase(std::uint64_t hash, std::uint32_t number) noexcept {
    const std::uint32_t tag = tag_of(hash);
    std::uint32_t hole = home_of(tag);
    while (slots_[hole].tag != tag || slots_[hole].number != number) {
        if (slots_[hole].tag == 0) return;
        hole = (hole + 1) & mask_;
    }
    // Knuth, 6.4 algorithm R: whatever follows moves into the hole unless its home lies behind the hole.
    for (std::uint32_t at = (hole + 1) & mask_; slots_[at].tag != 0; at = (at + 1) & mask_) {
        const std::uint32_t distance = (at - home_of(slots_[at].tag)) & mask_;
        if (distance >= ((at - hole) & mask_)) {
            slots_[hole] = slots_[at];
            hole = at;
        }
    }
    slots_[hole] = {};
}

}  // namespace sluice
