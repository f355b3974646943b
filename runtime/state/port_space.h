// SPDX-License-Identifier: Apache-2.0
//
// The ports of one external address and protocol that are in use, and where free ones are: a bit a port, a bit
// a word and parity above, so that the next free port from anywhere is a few words away, however full it is.
// Owner shard only. Zeroed memory is a space with every port free.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace sluice {

class PortSpace {
  public:
    static constexpr std::uint32_t words = 65536 / 64;
    using Bits = std::array<std::uint64_t, words>;
    /// The ports of a word that have a parity (of even ones: 0).
    static constexpr std::uint64_t of_parity(std::uint32_t parity) { return 0x5555555555555555 << parity; }

    bool used(std::uint16_t port) const noexcept { return (used_[port >> 6] >> (port & 63) & 1) != 0; }
    void set(std::uint16_t port, bool used, const Bits& ours) noexcept {
        const std::uint32_t word = port >> 6;
        const std::uint64_t bit = std::uint64_t{1} << (port & 63);
        const std::uint32_t parity = port & 1;
        const std::uint64_t others = ours[word] & ~used_[word] & of_parity(parity) & ~bit;
        used_[word] = used ? used_[word] | bit : used_[word] & ~bit;
        // With another one free the word was not full and is not: the summary, another line, stays untouched.
        if (others != 0) return;
        const bool room = !used && (ours[word] & bit) != 0;
        const std::uint64_t summary = std::uint64_t{1} << (word & 63);
        std::uint64_t& full = full_[parity][word >> 6];
        full = room ? full & ~summary : full | summary;
    }
    /// The first free one of `ours` with this parity in [low, high]; 0 where there is none.
    std::uint16_t first_free(std::uint32_t low, std::uint32_t high, std::uint32_t parity,
                             const Bits& ours) const noexcept;
    /// Whether any of [low, high] is in use.
    bool any_used(std::uint32_t low, std::uint32_t high) const noexcept {
        for (std::uint32_t word = low >> 6; word <= high >> 6; ++word) {
            std::uint64_t bits = used_[word];
            if (word == low >> 6) bits &= ~std::uint64_t{0} << (low & 63);
            if (word == high >> 6) bits &= ~std::uint64_t{0} >> (63 - (high & 63));
            if (bits != 0) return true;
        }
        return false;
    }
    const void* line_of(std::uint16_t port) const noexcept { return &used_[port >> 6]; }

  private:
    std::uint32_t next_with_room(std::uint32_t word, std::uint32_t parity) const noexcept;

    Bits used_;
    std::array<std::array<std::uint64_t, words / 64>, 2> full_;  // words without a free port of a parity
};

inline std::uint32_t PortSpace::next_with_room(std::uint32_t word, std::uint32_t parity) const noexcept {
    std::uint64_t below = ~std::uint64_t{0} << (word & 63);
    for (std::uint32_t at = word >> 6; at < words / 64; ++at, below = ~std::uint64_t{0}) {
        const std::uint64_t room = ~full_[parity][at] & below;
        if (room != 0) return at * 64 + static_cast<std::uint32_t>(std::countr_zero(room));
    }
    return words;
}

inline std::uint16_t PortSpace::first_free(std::uint32_t low, std::uint32_t high, std::uint32_t parity,
                                           const Bits& ours) const noexcept {
    for (std::uint32_t word = low >> 6; word <= high >> 6; word = next_with_room(word + 1, parity)) {
        std::uint64_t bits = ours[word] & ~used_[word] & of_parity(parity);
        if (word == low >> 6) bits &= ~std::uint64_t{0} << (low & 63);
        if (word == high >> 6) bits &= ~std::uint64_t{0} >> (63 - (high & 63));
        if (bits != 0)
            return static_cast<std::uint16_t>(word << 6 | static_cast<unsigned>(std::countr_zero(bits)));
        if (word + 1 == words) break;
    }
    return 0;
}

}  // namespace sluice
