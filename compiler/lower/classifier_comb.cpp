// SPDX-License-Identifier: Apache-2.0
#include "compiler/lower/classifier_comb.h"

#include <immintrin.h>

#include <algorithm>
#include <bit>
#include <numeric>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sluice::lower {
namespace {

using BoxList = std::vector<std::uint32_t>;  // ascending, which is the order of the rules
using Intervals = std::vector<std::pair<std::uint32_t, std::uint32_t>>;  // first digit, target

struct Digit {
    std::uint8_t field = 0, shift = 0;
    std::uint32_t last = 0;   // its greatest value
    std::uint32_t after = 0;  // digits that stand before it on each walk, a bit each
    std::uint16_t mask() const { return static_cast<std::uint16_t>((1u << std::bit_width(last)) - 1); }
};

struct alignas(32) DigitBox {
    std::array<std::uint16_t, comb_most_steps> low{}, high{};
    std::uint32_t rule = 0;
};

std::vector<Digit> digits_of(const ClassifierLimits& last, CombDigits digits) {
    const unsigned most_bits = digits == CombDigits::few ? 9 : 6;
    constexpr unsigned low_bits = 5;
    std::vector<Digit> result;
    for (std::uint8_t field = 0; field < classifier_fields; ++field) {
        std::uint8_t shift = 0;
        std::size_t first = result.size();
        while (static_cast<unsigned>(std::bit_width(last[field] >> shift)) > most_bits) {
            result.push_back({field, shift, (1u << low_bits) - 1, 0});
            shift += low_bits;
        }
        result.push_back({field, shift, last[field] >> shift, 0});
        for (; first + 1 < result.size(); ++first) result[first].after = 1u << (first + 1);
    }
    return result;
}

/// The boxes that make up one in the digits of one of its fields: all of them equal in the others.
class BoxSplitter {
  public:
    explicit BoxSplitter(const std::vector<Digit>& digits) : digits_(digits) {}

    std::vector<DigitBox> split(const ClassifierBox& box, const ClassifierLimits& last) const {
        std::vector<DigitBox> boxes(1);
        boxes[0].rule = box.rule;
        for (std::size_t digit = digits_.size(); digit != 0;) {  // the highest of a field stands last
            const std::size_t top = digit - 1;
            const unsigned field = digits_[top].field;
            while (digit != 0 && digits_[digit - 1].field == field) --digit;
            std::vector<DigitBox> next;
            for (const DigitBox& part : boxes) {
                add(part, top, digit, box.low[field], std::min(box.high[field], last[field]), last[field],
                    next);
            }
            boxes = std::move(next);
        }
        return boxes;
    }

  private:
    // Cuts low..high at the digit's boundaries; what is left below goes to the digits under it.
    void add(DigitBox box, std::size_t digit, std::size_t lowest, std::uint32_t low, std::uint32_t high,
             std::uint32_t last, std::vector<DigitBox>& boxes) const {
        const auto set = [&](std::uint32_t from, std::uint32_t to) {
            box.low[digit] = static_cast<std::uint16_t>(from);
            box.high[digit] = static_cast<std::uint16_t>(to);
        };
        const unsigned shift = digits_[digit].shift;
        if (digit == lowest) {
            set(low, high == last ? digits_[digit].last : high);
            boxes.push_back(box);
            return;
        }
        const std::uint32_t below = (1u << shift) - 1;
        std::uint32_t from = low >> shift;
        std::uint32_t to = high >> shift;
        if (high == last) high |= below;  // beyond the last value there is nothing
        const auto go_down = [&](std::uint32_t first, std::uint32_t end) {
            add(box, digit - 1, lowest, first, end, below, boxes);
        };
        if (from == to) {
            set(from, from);
            go_down(low & below, high & below);
            return;
        }
        if ((low & below) != 0) {
            set(from, from);
            go_down(low & below, below);
            ++from;
        }
        if ((high & below) != below) {
            set(to, to);
            go_down(0, high & below);
            --to;
        }
        if (from > to) return;
        set(from, to);
        go_down(0, below);
    }

    const std::vector<Digit>& digits_;
};

struct ListHash {
    std::size_t operator()(const BoxList& list) const {
        std::uint64_t hash = list.size();
        for (const std::uint32_t box : list) hash = (hash ^ box) * 0x9e3779b97f4a7c15 + (hash >> 29);
        return hash;
    }
};

/// All rows of one step, before equal ones are found, and the lists that they lead to.
struct Stage {
    std::size_t digit = 0;
    std::vector<Intervals> rows;
    std::vector<BoxList> next;
    std::size_t slots = 0;
    std::size_t cost = 0;
    bool tells_apart = false;
};

class Builder {
  public:
    Builder(std::span<const ClassifierBox> boxes, const ClassifierLimits& last, CombDigits digits,
            std::size_t most_slots)
        : digits_(digits_of(last, digits)),
          most_slots_(most_slots),
          made_of_(static_cast<std::uint32_t>(boxes.size())) {
        const BoxSplitter splitter(digits_);
        for (const ClassifierBox& box : boxes) {
            const auto parts = splitter.split(box, last);
            boxes_.insert(boxes_.end(), parts.begin(), parts.end());
        }
        work_left_ = std::min<std::size_t>(2'000'000 + 2'000 * boxes_.size(), 64'000'000);
    }

    std::optional<CombTable> build() && {
        open_ = (1u << digits_.size()) - 1;
        std::vector<BoxList> lists(1, BoxList(boxes_.size()));
        std::iota(lists[0].begin(), lists[0].end(), 0);
        drop_hidden(lists[0], open_);
        std::vector<Stage> stages;
        std::size_t slots = 0;
        while (open_ != 0) {
            std::optional<Stage> stage = best_stage(lists, stages.empty());
            if (!stage) return std::nullopt;
            open_ &= ~(1u << stage->digit);
            lists = std::move(stage->next);
            // Digits that decide nothing take no step, but a table has one.
            if (!stage->tells_apart && !(open_ == 0 && stages.empty())) continue;
            slots += stage->slots;
            if (slots > most_slots_) return std::nullopt;
            stages.push_back(std::move(*stage));
        }
        std::vector<std::uint32_t> values;
        for (const BoxList& list : lists) values.push_back(list.empty() ? 0 : boxes_[list[0]].rule + 1);
        auto table = pack_comb(finished(stages, std::move(values)));
        if (!table || table->slots.size() > most_slots_) return std::nullopt;
        table->made_of = made_of_;
        return table;
    }

  private:
    // The choice is made by a sample where there are many lists.
    std::optional<Stage> best_stage(const std::vector<BoxList>& lists, bool first) {
        constexpr std::size_t most_sampled = 64;
        std::vector<BoxList> sample;
        if (lists.size() > most_sampled) {
            for (std::size_t i = 0; i < most_sampled; ++i)
                sample.push_back(lists[i * lists.size() / most_sampled]);
        }
        const std::vector<BoxList>& tried = sample.empty() ? lists : sample;
        std::optional<Stage> best;
        for (std::size_t digit = 0; digit < digits_.size(); ++digit) {
            if ((open_ >> digit & 1) == 0 || (open_ & digits_[digit].after) != 0) continue;
            const std::size_t most_cost = best ? best->cost : SIZE_MAX;
            Stage stage = stage_of(digit, tried, first, most_cost);
            if (work_left_ == 0) return std::nullopt;
            if (stage.cost < most_cost) best = std::move(stage);
        }
        if (!sample.empty()) best = stage_of(best->digit, lists, first, SIZE_MAX);
        if (work_left_ == 0) return std::nullopt;
        return best;
    }

    // Left unfinished when its cost has reached `most_cost`.
    Stage stage_of(std::size_t digit, const std::vector<BoxList>& lists, bool first, std::size_t most_cost) {
        Stage stage;
        stage.digit = digit;
        const unsigned open = open_ & ~(1u << digit);
        std::unordered_map<BoxList, std::uint32_t, ListHash> known;
        for (const BoxList& list : lists) {
            const std::vector<std::uint32_t> bounds = bounds_of(list, digit);
            stage.tells_apart |= !bounds.empty();
            std::vector<BoxList> parts(bounds.size() + 1);
            for (const std::uint32_t box : list) {
                const auto part_of = [&](std::uint32_t value) {
                    return std::upper_bound(bounds.begin(), bounds.end(), value) - bounds.begin();
                };
                const auto last = part_of(boxes_[box].high[digit]);
                for (auto part = part_of(boxes_[box].low[digit]); part <= last; ++part) {
                    parts[static_cast<std::size_t>(part)].push_back(box);
                }
            }
            Intervals row;
            for (std::size_t i = 0; i < parts.size(); ++i) {
                take_work(parts[i].size() + 1);
                if (work_left_ == 0) return stage;
                drop_hidden(parts[i], open);
                const auto [place, is_new] =
                    known.try_emplace(std::move(parts[i]), static_cast<std::uint32_t>(stage.next.size()));
                if (is_new) {
                    stage.next.push_back(place->first);
                    stage.cost += place->first.size();  // what is left to tell apart
                }
                if (row.empty() || row.back().second != place->second)
                    row.emplace_back(i == 0 ? 0 : bounds[i - 1], place->second);
            }
            const std::size_t slots =
                first ? digits_[digit].last : 1 + CombRow::of(row, digits_[digit].last).teeth.size();
            stage.slots += slots;
            stage.cost += slots;
            if (stage.cost >= most_cost) return stage;
            stage.rows.push_back(std::move(row));
        }
        return stage;
    }

    std::vector<std::uint32_t> bounds_of(const BoxList& list, std::size_t digit) const {
        std::vector<std::uint32_t> bounds;
        for (const std::uint32_t box : list) {
            if (boxes_[box].low[digit] != 0) bounds.push_back(boxes_[box].low[digit]);
            if (boxes_[box].high[digit] != digits_[digit].last) bounds.push_back(boxes_[box].high[digit] + 1u);
        }
        std::sort(bounds.begin(), bounds.end());
        bounds.erase(std::unique(bounds.begin(), bounds.end()), bounds.end());
        return bounds;
    }

    // Boxes that an earlier one hides in all digits still open match nothing here.
    void drop_hidden(BoxList& list, unsigned open) {
        constexpr std::size_t few = 48;  // to compare with: the work stays linear
        std::array<std::uint16_t, comb_most_steps> is_closed;
        for (std::size_t digit = 0; digit < comb_most_steps; ++digit) {
            is_closed[digit] = (open >> digit & 1) != 0 ? 0 : 0xffff;
        }
        const __m256i closed = load(is_closed);
        std::size_t kept = 0;
        for (const std::uint32_t box : list) {
            const __m256i low = load(boxes_[box].low);
            const __m256i high = load(boxes_[box].high);
            const auto end = list.begin() + static_cast<std::ptrdiff_t>(std::min(kept, few));
            take_work(static_cast<std::size_t>(end - list.begin()) / 4);
            const auto hides = [&](std::uint32_t other) { return covers(boxes_[other], low, high, closed); };
            if (std::any_of(list.begin(), end, hides)) continue;
            list[kept++] = box;
        }
        list.resize(kept);
    }
    static __m256i load(const std::array<std::uint16_t, comb_most_steps>& values) {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(values.data()));
    }
    /// Whether `inner` lies inside `outer` in every digit but those of `closed`.
    static bool covers(const DigitBox& outer, __m256i inner_low, __m256i inner_high, __m256i closed) {
        const __m256i low = _mm256_cmpeq_epi16(_mm256_max_epu16(load(outer.low), inner_low), inner_low);
        const __m256i high = _mm256_cmpeq_epi16(_mm256_min_epu16(load(outer.high), inner_high), inner_high);
        const __m256i inside = _mm256_or_si256(_mm256_and_si256(low, high), closed);
        return _mm256_movemask_epi8(inside) == -1;
    }

    // From the last step back, so that rows which lead to the same are one row.
    std::vector<CombStage> finished(const std::vector<Stage>& stages,
                                    std::vector<std::uint32_t> targets) const {
        std::vector<CombStage> result(stages.size());
        for (std::size_t i = stages.size(); i-- != 0;) {
            const Digit& digit = digits_[stages[i].digit];
            result[i] = {digit.field, digit.shift, digit.mask(), {}};
            std::unordered_map<BoxList, std::uint32_t, ListHash> known;
            std::vector<std::uint32_t> numbers;
            for (const Intervals& row : stages[i].rows) {
                Intervals merged;
                for (const auto& [first, target] : row) {
                    if (merged.empty() || merged.back().second != targets[target])
                        merged.emplace_back(first, targets[target]);
                }
                BoxList content;
                for (const auto& [first, target] : merged) content.insert(content.end(), {first, target});
                const auto [place, is_new] =
                    known.try_emplace(std::move(content), static_cast<std::uint32_t>(result[i].rows.size()));
                if (is_new) result[i].rows.push_back(CombRow::of(merged, digit.last));
                numbers.push_back(place->second);
            }
            targets = std::move(numbers);
        }
        return result;
    }

    void take_work(std::size_t amount) { work_left_ -= std::min(work_left_, amount); }

    std::vector<Digit> digits_;
    std::vector<DigitBox> boxes_;
    std::size_t most_slots_;
    std::uint32_t made_of_;
    std::size_t work_left_ = 0;  // comparing four boxes, or copying one, is one
    unsigned open_ = 0;          // digits that no step has read yet, a bit each
};

}  // namespace

std::optional<CombTable> build_classifier_comb(std::span<const ClassifierBox> boxes,
                                               const ClassifierLimits& last, CombDigits digits,
                                               std::size_t most_slots) {
    return Builder(boxes, last, digits, most_slots).build();
}

}  // namespace sluice::lower
