// SPDX-License-Identifier: Apache-2.0
//
// From a hash to the number of a thing kept elsewhere: the index under the fragment and neighbour tables (the
// big ones have tag_index.h). Open addressing with linear probing at no more than 50 % load; erasing shifts the
// followers back, so there are no tombstones and a miss always ends at the first empty slot. A slot's home
// comes from its own tag: neither probing nor erasing touches the things themselves, except where tags are
// equal.
//
// Owner shard only. Allocates in the constructor only. Cost: one cache line in the usual case.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice {

class IndexTable {
  public:
    static constexpr std::uint32_t none = 0xffffffff;

    /// Room for `entries` numbers at half load.
    explicit IndexTable(std::uint32_t entries);

    /// The first number under `hash` for which same(number) holds; none where there is none.
    template <typename Same>
    std::uint32_t find(std::uint64_t hash, Same&& same) const noexcept {
        const std::uint32_t tag = tag_of(hash);
        for (std::uint32_t at = home_of(tag);; at = (at + 1) & mask_) {
            const Slot slot = slots_[at];
            if (slot.tag == 0) return none;
            if (slot.tag == tag && same(slot.number)) return slot.number;
        }
    }
    /// The caller has made sure that its key is not there yet and that no more than `entries` are.
    void insert(std::uint64_t hash, std::uint32_t number) noexcept;
    /// The number must be there under this hash.
    void erase(std::uint64_t hash, std::uint32_t number) noexcept;

    static constexpr std::size_t slot_bytes = 8;
    std::size_t bytes() const noexcept { return slots_.size() * sizeof(Slot); }

  private:
    struct Slot {
        std::uint32_t tag = 0;  // the hash's upper half with the lowest bit set; 0: empty
        std::uint32_t number = 0;
    };
    static_assert(sizeof(Slot) == slot_bytes);
    static std::uint32_t tag_of(std::uint64_t hash) noexcept {
        return static_cast<std::uint32_t>(hash >> 32) | 1;
    }
    std::uint32_t home_of(std::uint32_t tag) const noexcept { return tag >> 1 & mask_; }

    std::uint32_t mask_;
    std::vector<Slot> slots_;
};

}  // namespace sluice
