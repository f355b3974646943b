// SPDX-License-Identifier: Apache-2.0
//
// From rows to the walk by digits of image.fbs (schemas/layout/comb.h reads it): pushes the rows of each step
// into each other's gaps. Any thread. Cost: a few tries a row, each as long as its teeth are many.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "schemas/layout/comb.h"

namespace sluice::lower {

/// Targets: numbers of the next step's rows; of the last step's rows, values.
struct CombRow {
    std::uint32_t usual = 0;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> teeth;  // digit, target; digits ascend
    friend bool operator==(const CombRow&, const CombRow&) = default;

    /// The row in which intervals of digits have these targets: the first from 0 on, each as long as until the
    /// next one's beginning, the last as long as `last_digit`.
    static CombRow of(const std::vector<std::pair<std::uint32_t, std::uint32_t>>& intervals,
                      std::uint32_t last_digit);
};

struct CombStage {
    std::uint8_t field = 0, shift = 0;
    std::uint16_t mask = 0;  // the greatest digit, too: below CombSlot::no_digit, but for the first stage
    std::vector<CombRow> rows;
};

struct CombTable {
    std::vector<std::uint32_t> slots;
    std::vector<image::CombStep> steps;
    std::uint32_t made_of = 0;  // prefixes or boxes: for people

    bool empty() const { return steps.empty(); }
    std::size_t bytes() const { return slots.size() * sizeof slots[0] + steps.size() * sizeof steps[0]; }
    CombView view() const { return {slots.data(), steps.data(), static_cast<std::uint32_t>(steps.size())}; }
};

/// The first stage has one row. Nothing where the slots or a value would pass what a slot can lead to.
std::optional<CombTable> pack_comb(const std::vector<CombStage>& stages);

}  // namespace sluice::lower
