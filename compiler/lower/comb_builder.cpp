// SPDX-License-Identifier: Apache-2.0
#include "compiler/lower/comb_builder.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace sluice::lower {
namespace {

/// Finds a place for each row of one step, so that no two rows take the same slot.
class Packing {
  public:
    explicit Packing(const CombStage& stage) : stage_(stage), places_(stage.rows.size()) {
        std::vector<std::uint32_t> by_size(stage.rows.size());
        std::iota(by_size.begin(), by_size.end(), 0);
        const auto teeth = [&](std::uint32_t row) { return stage.rows[row].teeth.size(); };
        std::stable_sort(by_size.begin(), by_size.end(),  // the long ones first: the short ones fill the gaps
                         [&](std::uint32_t a, std::uint32_t b) { return teeth(a) > teeth(b); });
        std::size_t size = SIZE_MAX;
        for (const std::uint32_t row : by_size) {
            if (teeth(row) != size) from_ = first_free_;
            size = teeth(row);
            places_[row] = place(stage.rows[row]);
        }
    }

    const std::vector<std::uint32_t>& places() const { return places_; }
    std::uint32_t slots() const { return end_; }

  private:
    std::uint32_t place(const CombRow& row) {
        constexpr unsigned most_tries = 1024;
        std::uint32_t at = from_;
        for (unsigned tries = 0; !fits(row, at); ++at) {
            if (++tries == most_tries) at = static_cast<std::uint32_t>(used_.size()) - 1;
        }
        from_ = at;
        end_ = std::max(end_, at + 2 + stage_.mask);
        if (used_.size() < end_) used_.resize(end_);
        used_[at] = true;
        for (const auto& [digit, target] : row.teeth) used_[at + 1 + digit] = true;
        while (first_free_ < used_.size() && used_[first_free_]) ++first_free_;
        return at;
    }
    bool fits(const CombRow& row, std::uint32_t at) const {
        return is_free(at) && std::all_of(row.teeth.begin(), row.teeth.end(),
                                          [&](const auto& tooth) { return is_free(at + 1 + tooth.first); });
    }
    bool is_free(std::size_t slot) const { return slot >= used_.size() || !used_[slot]; }

    const CombStage& stage_;
    std::vector<std::uint32_t> places_;
    std::vector<bool> used_;
    std::uint32_t end_ = 0;
    std::uint32_t first_free_ = 0;
    std::uint32_t from_ = 0;  // rows with as many teeth did not fit before
};

}  // namespace

CombRow CombRow::of(const std::vector<std::pair<std::uint32_t, std::uint32_t>>& intervals,
                    std::uint32_t last_digit) {
    const auto end_of = [&](std::size_t i) {
        return i + 1 < intervals.size() ? intervals[i + 1].first : last_digit + 1;
    };
    std::map<std::uint32_t, std::uint32_t> digits;  // of each target
    for (std::size_t i = 0; i < intervals.size(); ++i)
        digits[intervals[i].second] += end_of(i) - intervals[i].first;
    CombRow row;
    row.usual = std::max_element(digits.begin(), digits.end(), [](const auto& a, const auto& b) {
                    return a.second < b.second;
                })->first;
    for (std::size_t i = 0; i < intervals.size(); ++i) {
        if (intervals[i].second == row.usual) continue;
        for (std::uint32_t digit = intervals[i].first; digit != end_of(i); ++digit) {
            row.teeth.emplace_back(digit, intervals[i].second);
        }
    }
    return row;
}

std::optional<CombTable> pack_comb(const std::vector<CombStage>& stages) {
    CombTable table;
    std::vector<std::vector<std::uint32_t>> places{{0}};  // of each stage's rows, from the table's beginning
    std::vector<std::uint32_t> firsts{0};
    std::uint32_t end = std::uint32_t{stages[0].mask} + 1;
    for (std::size_t i = 1; i < stages.size(); ++i) {
        const Packing packing(stages[i]);
        places.push_back(packing.places());
        for (std::uint32_t& place : places.back()) place += end;
        firsts.push_back(end);
        end += packing.slots();
        if (end >= CombSlot::target_end) return std::nullopt;
    }
    table.slots.resize(end);
    for (std::size_t i = 0; i < stages.size(); ++i) {
        const bool is_last = i + 1 == stages.size();
        // What no row takes leads somewhere as well, so that the verifier need not know the rows.
        const std::uint32_t anywhere = is_last ? 0 : firsts[i + 1];
        const std::uint32_t stage_end = is_last ? end : firsts[i + 1];
        std::fill(table.slots.begin() + firsts[i], table.slots.begin() + stage_end,
                  CombSlot::of(CombSlot::no_digit, anywhere));
        for (std::size_t row = 0; row < stages[i].rows.size(); ++row) {
            const std::uint32_t place = places[i][row];
            const auto slot = [&](std::uint32_t digit, std::uint32_t target) {
                return CombSlot::of(digit, is_last ? target : places[i + 1][target]);
            };
            const auto& [usual, teeth] = stages[i].rows[row];
            const bool last_passes = is_last && (usual >= CombSlot::target_end ||
                                                 std::any_of(teeth.begin(), teeth.end(), [](const auto& tooth) {
                                                     return tooth.second >= CombSlot::target_end;
                                                 }));
            if (last_passes) return std::nullopt;
            if (i == 0) {
                std::fill_n(table.slots.begin(), std::size_t{stages[0].mask} + 1,
                            slot(CombSlot::no_digit, usual));
                for (const auto& [digit, target] : teeth) table.slots[digit] = slot(CombSlot::no_digit, target);
            } else {
                table.slots[place] = slot(CombSlot::no_digit, usual);
                for (const auto& [digit, target] : teeth) table.slots[place + 1 + digit] = slot(digit, target);
            }
        }
        table.steps.emplace_back(stages[i].field, stages[i].shift, stages[i].mask, firsts[i]);
    }
    return table;
}

}  // namespace sluice::lower
