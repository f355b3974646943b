// SPDX-License-Identifier: Apache-2.0
#include "compiler/lower/prefix_slots.h"

#include <algorithm>

namespace sluice::lower {
namespace {

// Bits past the 128th read as zero.
std::size_t bits_at(Ip ip, unsigned depth, unsigned bits) {
    if (bits == 0) return 0;
    const std::uint64_t from_depth = depth == 0   ? ip.hi
                                     : depth < 64 ? ip.hi << depth | ip.lo >> (64 - depth)
                                                  : ip.lo << (depth - 64);
    return from_depth >> (64 - bits);
}

}  // namespace

void divide_slot(const std::vector<LpmEntry>& entries, const PrefixSlot& from, unsigned depth, unsigned bits,
                 PrefixSlot* slots) {
    std::fill_n(slots, std::size_t{1} << bits, PrefixSlot{from.value});
    // Whatever covers a slot was painted before the first entry that goes deeper in it.
    for (std::uint32_t i = from.begin; i < from.end; ++i) {
        const Prefix& prefix = entries[i].prefix;
        const std::size_t place = bits_at(prefix.ip, depth, bits);
        if (prefix.length <= depth + bits) {
            const std::size_t width = std::size_t{1} << (depth + bits - prefix.length);
            std::fill_n(slots + place, width, PrefixSlot{entries[i].value});
        } else {
            if (!slots[place].goes_on()) slots[place].begin = i;
            slots[place].end = i + 1;
        }
    }
}

}  // namespace sluice::lower
