// SPDX-License-Identifier: Apache-2.0
#include "compiler/lower/address_comb.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>

#include "compiler/lower/prefix_slots.h"

namespace sluice::lower {
namespace {

/// The first step reads `root_bits`, the others `step_bits` each.
struct Shape {
    unsigned root_bits, step_bits;
};

std::vector<CombStage> stages_of(const std::vector<LpmEntry>& entries, const Shape& shape) {
    std::vector<CombStage> stages;
    std::vector<PrefixSlot> rows{{0, 0, static_cast<std::uint32_t>(entries.size())}};
    for (unsigned depth = 0, bits = shape.root_bits; depth < 32;
         depth += std::exchange(bits, shape.step_bits)) {
        const bool is_last = depth + bits == 32;
        CombStage stage;
        stage.shift = static_cast<std::uint8_t>(32 - depth - bits);
        stage.mask = static_cast<std::uint16_t>((std::uint64_t{1} << bits) - 1);
        std::vector<PrefixSlot> next;
        std::unordered_map<std::uint32_t, std::uint32_t> decided;  // by value: the next step's row for it
        const auto target_of = [&](const PrefixSlot& slot) {
            if (is_last) return slot.value;
            const auto number = static_cast<std::uint32_t>(next.size());
            if (!slot.goes_on()) {
                const auto [place, is_new] = decided.try_emplace(slot.value, number);
                if (!is_new) return place->second;
            }
            next.push_back(slot);
            return number;
        };
        std::vector<PrefixSlot> slots(std::size_t{1} << bits);
        for (const PrefixSlot& row : rows) {
            if (!row.goes_on()) {
                stage.rows.push_back({target_of(row), {}});
                continue;
            }
            divide_slot(entries, row, depth, bits, slots.data());
            std::vector<std::pair<std::uint32_t, std::uint32_t>> intervals;
            for (std::uint32_t digit = 0; digit < slots.size(); ++digit) {
                const std::uint32_t target = target_of(slots[digit]);
                if (intervals.empty() || intervals.back().second != target)
                    intervals.emplace_back(digit, target);
            }
            stage.rows.push_back(CombRow::of(intervals, stage.mask));
        }
        stages.push_back(std::move(stage));
        rows = std::move(next);
    }
    return stages;
}

}  // namespace

std::optional<CombTable> build_address_comb(std::vector<LpmEntry> entries) {
    constexpr std::size_t most_entries = 1u << 18;
    if (entries.empty() || entries.size() > most_entries) return std::nullopt;
    sort_prefixes(entries);
    // Of those with the fewest steps the smallest, if it is no more than this for each prefix.
    const std::vector<std::vector<Shape>> choices{{{14, 9}}, {{5, 9}, {8, 8}, {11, 7}}, {{8, 6}}, {{4, 4}}};
    const std::size_t most_bytes = 4096 + 192 * entries.size();
    for (const auto& shapes : choices) {
        std::optional<CombTable> best;
        for (const Shape& shape : shapes) {
            if ((sizeof(std::uint32_t) << shape.root_bits) > most_bytes) continue;
            std::optional<CombTable> table = pack_comb(stages_of(entries, shape));
            if (table && table->bytes() <= (best ? best->bytes() - 1 : most_bytes)) best = std::move(table);
        }
        if (!best) continue;
        best->made_of = static_cast<std::uint32_t>(entries.size());
        return best;
    }
    return std::nullopt;
}

}  // namespace sluice::lower
