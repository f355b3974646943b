// SPDX-License-Identifier: Apache-2.0
//
// From a hash to the number of a thing kept elsewhere: the index of the big tables (flows, NAT). Sixteen slots
// of tag and number share a cache line; a key has two lines it may be in, and one that finds both full moves
// another entry to its other line (cuckoo hashing: Pagh and Rodler 2004; Erlingsson et al. 2006 for buckets).
// Five bytes a number at 81 % load, whatever the capacity.
//
// A bit a line says whether some key found it full and went to its second line: where none did, which is nearly
// everywhere, nobody looks there. Of random lines a new session touches eight, and three of them for nothing
// otherwise. How many went is counted apart, in half a byte: the bits of a million sessions stay in the
// processor's caches, the counts would not.
//
// Owner shard only. Allocates in the constructor only. find: one line and a bit, two lines for the few per
// cent that share their first one with too many.
#pragma once

#include <immintrin.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "runtime/state/big_array.h"
#include "runtime/state/fetch_line.h"

namespace sluice {

class TagIndex {
  public:
    static constexpr std::uint32_t none = 0xffffffff;
    static constexpr std::uint32_t slots_per_line = 16;
    static constexpr std::uint32_t wished_per_line = 13;

    /// Numbers 0 .. numbers - 1, each at most once.
    explicit TagIndex(std::uint32_t numbers);

    /// Where a key of this hash may be, and what marks it there: for those who ask more than once. Valid as
    /// long as the index.
    struct Home {
        std::uint32_t first = 0, second = 0, tag = 0;
    };
    Home home_of(std::uint64_t hash) const noexcept {
        return {first_line(hash), second_line(hash), tag_of(hash)};
    }

    void prefetch(const Home& home) const noexcept { fetch_line(&lines_[home.first]); }
    /// Where there is anything to be found.
    void prefetch_both(const Home& home) const noexcept {
        fetch_line(&lines_[home.first]);
        if (any_elsewhere(home.first)) fetch_line(&lines_[home.second]);
    }
    /// `first`: the first line of this hash.
    void prefetch_second(std::uint32_t first, std::uint64_t hash) const noexcept {
        if (any_elsewhere(first)) fetch_line(&lines_[second_line(hash)]);
    }
    /// A number whose tag fits, of the second line; none: not there.
    std::uint32_t second_candidate(const Home& home) const noexcept {
        if (!any_elsewhere(home.first)) return none;
        return candidate_of(lines_[home.second], home.tag, tag_mask_);
    }

    class FirstLines;
    /// For the passes over a burst, which keep it in registers. Valid as long as the index.
    FirstLines first_lines() const noexcept;

    /// The first number under `hash` for which same(number) holds; none where there is none.
    template <typename Same>
    std::uint32_t find(std::uint64_t hash, Same&& same) const noexcept {
        return find(home_of(hash), same);
    }
    template <typename Same>
    [[gnu::always_inline]] std::uint32_t find(const Home& home, Same&& same) const noexcept {
        const std::uint32_t number = find_in(lines_[home.first], home.tag, same);
        if (number != none || !any_elsewhere(home.first)) return number;
        return find_in(lines_[home.second], home.tag, same);
    }

    /// The caller has made sure that its key is not there yet. hash_of(number): the hash it was inserted under,
    /// asked for where something must move. False: no room (both lines full of what cannot move, which at the
    /// promised load needs luck or knowledge of the secret).
    template <typename HashOf>
    bool insert(std::uint64_t hash, std::uint32_t number, HashOf&& hash_of) noexcept {
        return insert(home_of(hash), number, hash_of);
    }
    template <typename HashOf>
    bool insert(const Home& home, std::uint32_t number, HashOf&& hash_of) noexcept {
        const std::uint32_t slot = home.tag | number;
        return put(home.first, slot) || put_elsewhere(home.first, home.second, slot) ||
               make_room(home, slot, hash_of);
    }
    /// No-op where the number is not there under this hash.
    void erase(std::uint64_t hash, std::uint32_t number) noexcept { erase(home_of(hash), number); }
    void erase(const Home& home, std::uint32_t number) noexcept {
        const std::uint32_t slot = home.tag | number;
        if (!take_out(home.first, slot)) take_out_elsewhere(home.first, home.second, slot);
    }

    std::size_t bytes() const noexcept { return lines_.bytes() + elsewhere_.bytes() + any_elsewhere_.bytes(); }

  private:
    struct alignas(64) Line {
        std::array<std::uint32_t, slots_per_line> slots;  // tag << number_bits | number; 0: empty
    };

    /// Moves one of those in both lines to the other line it may be in, and puts the new one in its place.
    template <typename HashOf>
    [[gnu::noinline]] bool make_room(const Home& home, std::uint32_t slot, HashOf&& hash_of) noexcept {
        for (const std::uint32_t at : {home.first, home.second}) {
            for (std::uint32_t& other : lines_[at].slots) {
                const Home its = home_of(hash_of(other & ~tag_mask_));
                if (its.first == at) {
                    if (!put_elsewhere(its.first, its.second, other)) continue;
                } else {
                    if (!put(its.first, other)) continue;
                    came_back(its.first);
                }
                other = slot;
                if (at != home.first) went_elsewhere(home.first);
                return true;
            }
        }
        return false;
    }

    template <typename Same>
    std::uint32_t find_in(const Line& line, std::uint32_t tag, Same&& same) const noexcept {
        for (unsigned found = matches(line, tag, tag_mask_); found != 0; found &= found - 1) {
            const std::uint32_t number =
                line.slots[static_cast<unsigned>(std::countr_zero(found))] & ~tag_mask_;
            if (same(number)) return number;
        }
        return none;
    }

    static std::uint32_t candidate_of(const Line& line, std::uint32_t tag, std::uint32_t mask) noexcept {
        const unsigned found = matches(line, tag, mask);
        return found == 0 ? none : line.slots[static_cast<unsigned>(std::countr_zero(found))] & ~mask;
    }

    /// The upper halves of products: any number of lines serves, not just powers of two.
    std::uint32_t first_line(std::uint64_t hash) const noexcept {
        return static_cast<std::uint32_t>((hash >> 32) * lines_.size() >> 32);
    }
    std::uint32_t second_line(std::uint64_t hash) const noexcept {
        const auto line = static_cast<std::uint32_t>((hash & 0xffffffff) * lines_.size() >> 32);
        if (line != first_line(hash)) return line;
        return line + 1 == lines_.size() ? 0 : line + 1;
    }
    std::uint32_t tag_of(std::uint64_t hash) const noexcept {
        const auto tag = static_cast<std::uint32_t>(hash >> 32) << number_bits_;
        return tag == 0 ? std::uint32_t{1} << number_bits_ : tag;
    }
    static unsigned matches(const Line& line, std::uint32_t wanted, std::uint32_t mask) noexcept {
#ifdef __AVX2__
        const __m256i want = _mm256_set1_epi32(static_cast<int>(wanted));
        const __m256i care = _mm256_set1_epi32(static_cast<int>(mask));
        const auto* at = reinterpret_cast<const __m256i*>(line.slots.data());
        const __m256i low = _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_load_si256(at), care), want);
        const __m256i high = _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_load_si256(at + 1), care), want);
        return static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(low))) |
               static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(high))) << 8;
#else
        unsigned found = 0;
        for (unsigned i = 0; i < slots_per_line; ++i) found |= unsigned{(line.slots[i] & mask) == wanted} << i;
        return found;
#endif
    }
    bool put(std::uint32_t at, std::uint32_t slot) noexcept {
        const unsigned empty = matches(lines_[at], 0, 0xffffffff);
        if (empty == 0) return false;
        lines_[at].slots[static_cast<unsigned>(std::countr_zero(empty))] = slot;
        return true;
    }

    bool put_elsewhere(std::uint32_t first, std::uint32_t second, std::uint32_t slot) noexcept {
        if (!put(second, slot)) return false;
        went_elsewhere(first);
        return true;
    }
    void take_out_elsewhere(std::uint32_t first, std::uint32_t second, std::uint32_t slot) noexcept {
        if (take_out(second, slot)) came_back(first);
    }
    /// One that would be the 15th stays counted for good.
    void went_elsewhere(std::uint32_t first) noexcept {
        if (elsewhere(first) != uncountable) elsewhere_[first >> 1] += one_elsewhere(first);
        any_elsewhere_[first >> 6] |= std::uint64_t{1} << (first & 63);
    }
    void came_back(std::uint32_t first) noexcept {
        if (elsewhere(first) == uncountable) return;
        elsewhere_[first >> 1] -= one_elsewhere(first);
        if (elsewhere(first) == 0) any_elsewhere_[first >> 6] &= ~(std::uint64_t{1} << (first & 63));
    }
    std::uint32_t elsewhere(std::uint32_t first) const noexcept {
        return std::uint32_t{elsewhere_[first >> 1]} >> (first & 1) * 4 & uncountable;
    }
    static std::uint8_t one_elsewhere(std::uint32_t first) noexcept {
        return static_cast<std::uint8_t>(1u << (first & 1) * 4);
    }
    bool any_elsewhere(std::uint32_t first) const noexcept {
        return (any_elsewhere_[first >> 6] >> (first & 63) & 1) != 0;
    }

    bool take_out(std::uint32_t at, std::uint32_t slot) noexcept {
        const unsigned found = matches(lines_[at], slot, 0xffffffff);
        if (found == 0) return false;
        lines_[at].slots[static_cast<unsigned>(std::countr_zero(found))] = 0;
        return true;
    }

    std::uint32_t number_bits_;
    std::uint32_t tag_mask_;
    static constexpr std::uint32_t uncountable = 15;
    BigArray<Line> lines_;
    BigArray<std::uint8_t> elsewhere_;       // four bits a line: how many found it full and are in their second
    BigArray<std::uint64_t> any_elsewhere_;  // a bit a line: whether there are any
};

/// The line in which a key is looked for first.
class TagIndex::FirstLines {
  public:
    explicit FirstLines(const TagIndex& index) noexcept
        : lines_(&index.lines_[0]),
          count_(index.lines_.size()),
          number_bits_(index.number_bits_),
          tag_mask_(index.tag_mask_),
          tag_of_zero_(index.tag_of(0)) {}

    std::uint32_t of(std::uint64_t hash) const noexcept {
        return static_cast<std::uint32_t>((hash >> 32) * count_ >> 32);
    }
    void prefetch(std::uint32_t line) const noexcept { fetch_line(lines_ + line); }
    /// A number whose tag fits; none: not there, it may still be in the second line.
    std::uint32_t candidate(std::uint32_t at, std::uint64_t hash) const noexcept {
        auto tag = static_cast<std::uint32_t>(hash >> 32) << number_bits_;
        if (tag == 0) tag = tag_of_zero_;
        return candidate_of(lines_[at], tag, tag_mask_);
    }

  private:
    const Line* lines_;
    std::uint64_t count_;
    std::uint32_t number_bits_, tag_mask_, tag_of_zero_;
};

inline TagIndex::FirstLines TagIndex::first_lines() const noexcept {
    return FirstLines(*this);
}

}  // namespace sluice
