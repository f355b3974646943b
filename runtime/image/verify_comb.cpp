// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "runtime/image/tenant_view.h"
#include "runtime/image/verify_tenant.h"

namespace sluice::verify {
namespace {

class CombCheck {
  public:
    CombCheck(const image::Comb& table, unsigned fields, std::uint64_t values)
        : slots_(scalars_of(table.slots())), steps_(rows_of(table.steps())), fields_(fields), values_(values) {}

    Refusal run() {
        if (steps_.empty() || steps_.size() > comb_most_steps)
            return fmt::format("has {} steps, expected 1 to {}", steps_.size(), comb_most_steps);
        if (slots_.size() > CombSlot::target_end)
            return fmt::format("has {} slots, expected at most {}", slots_.size(), CombSlot::target_end);
        for (std::size_t step = 0; step < steps_.size(); ++step) {
            if (auto refusal = check_step(step)) return fmt::format("step {} {}", step, *refusal);
        }
        for (std::size_t step = 0; step < steps_.size(); ++step) {
            if (auto refusal = check_targets(step)) return fmt::format("step {} {}", step, *refusal);
        }
        return std::nullopt;
    }
    std::uint64_t values_end() const { return values_end_; }

  private:
    std::uint64_t first_of(std::size_t step) const { return steps_[step].first(); }
    std::uint64_t end_of(std::size_t step) const {
        return step + 1 < steps_.size() ? first_of(step + 1) : slots_.size();
    }
    // What reading one row may touch: the first step's has no head.
    std::uint64_t row_slots(std::size_t step) const {
        return std::uint64_t{steps_[step].mask()} + (step == 0 ? 1 : 2);
    }

    Refusal check_step(std::size_t step) const {
        const image::CombStep& row = steps_[step];
        if (row.field() >= fields_ || row.shift() >= 32) {
            return fmt::format("reads field {} from bit {} on, expected one of {} with 32 bits", row.field(),
                               row.shift(), fields_);
        }
        if (step != 0 && row.mask() >= CombSlot::no_digit)
            return fmt::format("has digits up to {}, expected less than {}", row.mask(), CombSlot::no_digit);
        const std::uint64_t first = first_of(step);
        const std::uint64_t end = end_of(step);
        if ((step == 0 && first != 0) || end > slots_.size() || !fits(first, row_slots(step), end)) {
            return fmt::format("has the slots {} to {} of {} for rows of {}", first, end, slots_.size(),
                               row_slots(step));
        }
        return std::nullopt;
    }

    Refusal check_targets(std::size_t step) {
        const auto slots = slots_.subspan(first_of(step), end_of(step) - first_of(step));
        const bool is_last = step + 1 == steps_.size();
        const std::uint64_t least = is_last ? 0 : first_of(step + 1);
        // Each place from which a whole row fits is safe to read as one.
        const std::uint64_t end = is_last ? values_ : end_of(step + 1) - row_slots(step + 1) + 1;
        for (const std::uint32_t slot : slots) {
            const std::uint64_t target = CombSlot::target(slot);
            if (target < least || target >= end) {
                return fmt::format("leads to {} {}, expected {} to less than {}",
                                   is_last ? "the value" : "slot", target, least, end);
            }
            if (is_last) values_end_ = std::max(values_end_, target + 1);
        }
        return std::nullopt;
    }

    std::span<const std::uint32_t> slots_;
    std::span<const image::CombStep> steps_;
    unsigned fields_;
    std::uint64_t values_;
    std::uint64_t values_end_ = 0;
};

}  // namespace

Refusal check_comb(const image::Comb& table, unsigned fields, std::uint64_t values, std::string_view what,
                   std::uint64_t* values_end) {
    CombCheck check(table, fields, values);
    if (auto refusal = check.run()) return fmt::format("{}: {}", what, *refusal);
    if (values_end != nullptr) *values_end = check.values_end();
    return std::nullopt;
}

}  // namespace sluice::verify
