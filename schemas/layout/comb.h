// SPDX-License-Identifier: Apache-2.0
//
// A walk by digits over the table layout of image.fbs (Comb): each step reads one digit of the key and goes
// from one row to another, the last one to a value; every key takes as many steps, so nothing is guessed wrong.
// A row says where most of its digits lead (its head) and which lead elsewhere (its teeth). Rows stand pushed
// into each other's gaps, and each tooth says of which digit it is (the comb vectors of parser tables; Tarjan
// and Yao, "Storing a sparse table", CACM 1979). Written by the compiler, verified at load, read in place.
//
// Any thread, read only, no allocation. Cost: two reads next to each other a step, about 13 instructions; steps
// of different keys overlap without a burst. Checks nothing: the image verifier has. Any key is safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "schemas/image_generated.h"

namespace sluice {

constexpr std::size_t comb_most_steps = 16;

/// A slot as it stands in memory: bits 0..9 the digit it is of, the others the row or value that it leads to.
struct CombSlot {
    static constexpr unsigned digit_bits = 10;
    static constexpr std::uint32_t digit_mask = (1u << digit_bits) - 1;
    static constexpr std::uint32_t no_digit = digit_mask;  // heads, and slots of no row
    static constexpr std::uint32_t target_end = 1u << (32 - digit_bits);

    static constexpr std::uint32_t of(std::uint32_t digit, std::uint32_t target) {
        return target << digit_bits | digit;
    }
    static constexpr std::uint32_t digit(std::uint32_t slot) { return slot & digit_mask; }
    static constexpr std::uint32_t target(std::uint32_t slot) { return slot >> digit_bits; }
};

struct CombView {
    const std::uint32_t* slots = nullptr;
    const image::CombStep* steps = nullptr;
    std::uint32_t step_count = 0;

    bool empty() const noexcept { return step_count == 0; }

    static std::uint32_t digit_of(const image::CombStep& step, std::uint32_t value) noexcept {
        return value >> step.shift() & step.mask();
    }
    /// The first row has a slot for each digit and no head.
    static std::uint32_t first(const std::uint32_t* slots, std::uint32_t digit) noexcept {
        return CombSlot::target(slots[digit]);
    }
    static std::uint32_t next(const std::uint32_t* slots, std::uint32_t row, std::uint32_t digit) noexcept {
        const std::uint32_t head = slots[row];
        const std::uint32_t tooth = slots[row + 1 + digit];
        return CombSlot::target(CombSlot::digit(tooth) == digit ? tooth : head);
    }

    /// What the walk ends with. Not for an empty table.
    template <typename FieldOf>  // the key's value in a field
    std::uint32_t lookup(const FieldOf& field_of) const noexcept {
        std::uint32_t row = first(slots, digit_of(steps[0], field_of(steps[0].field())));
        for (std::uint32_t step = 1; step < step_count; ++step) {
            row = next(slots, row, digit_of(steps[step], field_of(steps[step].field())));
        }
        return row;
    }

    /// values[i] = lookup of the key i, for all i < count: one step of all keys at a time.
    template <typename FieldOf>  // of a key's number and a field
    void lookup_burst(std::size_t count, const FieldOf& field_of, std::uint32_t* values) const noexcept {
        const std::uint32_t* const all = slots;
        for (std::uint32_t number = 0; number < step_count; ++number) {
            const unsigned field = steps[number].field();
            const unsigned shift = steps[number].shift();
            const std::uint32_t mask = steps[number].mask();
            if (number == 0) {
                for (std::size_t i = 0; i < count; ++i)
                    values[i] = first(all, field_of(i, field) >> shift & mask);
            } else {
                for (std::size_t i = 0; i < count; ++i)
                    values[i] = next(all, values[i], field_of(i, field) >> shift & mask);
            }
        }
    }
};

}  // namespace sluice
