// SPDX-License-Identifier: Apache-2.0
#include "compiler/lower/lpm_builder.h"

#include <algorithm>
#include <array>
#include <bit>
#include <tuple>

#include "compiler/lower/lpm_records.h"
#include "compiler/lower/prefix_slots.h"

namespace sluice::lower {
namespace {

constexpr unsigned branches = 1U << lpm_stride_bits;

// A child whose record is not written yet, and the leaf that shall lead to it.
struct Pending {
    PrefixSlot slot;
    std::size_t parent;  // the word at which the parent's record begins
    unsigned run;        // of the parent
};

class Builder {
  public:
    Builder(const std::vector<LpmEntry>& entries, bool wide) : entries_(entries), records_(wide) {}

    LpmTable build(unsigned root_bits) {
        LpmTable table;
        std::vector<PrefixSlot> slots(std::size_t{1} << root_bits);
        divide_slot(entries_, {0, 0, static_cast<std::uint32_t>(entries_.size())}, 0, root_bits, slots.data());
        write_first_level(slots, root_bits, table);
        table.first_level_words = static_cast<std::uint32_t>(records_.words().size());
        for (unsigned depth = root_bits + lpm_stride_bits; !next_level_.empty(); depth += lpm_stride_bits) {
            std::vector<Pending> level;
            level.swap(next_level_);
            for (const Pending& child : level) {
                records_.point_to_end(child.parent, child.run);
                write(child.slot, depth);
            }
        }
        table.records = records_.take();
        return table;
    }

  private:
    // Entries that need the same record share it. Those that a single value decides come first: most addresses
    // without a route, and whole blocks of one, then meet in few cache lines.
    void write_first_level(const std::vector<PrefixSlot>& slots, unsigned root_bits, LpmTable& table) {
        table.root.resize(slots.size());
        for (const bool going_on : {false, true}) {
            for (std::size_t i = 0; i < slots.size(); ++i) {
                if (slots[i].goes_on() != going_on) continue;
                const std::size_t children_before = next_level_.size();
                const std::size_t record = write(slots[i], root_bits);
                const bool childless = next_level_.size() == children_before;
                table.root[i] = static_cast<std::uint32_t>(childless ? records_.share(record) : record);
            }
        }
    }

    // Appends the record of `slot` and remembers its children.
    std::size_t write(const PrefixSlot& slot, unsigned depth) {
        const std::size_t record = records_.begin();
        if (!slot.goes_on()) {
            records_.add_run(0, slot.value);
            records_.end();
            return record;
        }
        std::array<PrefixSlot, branches> slots;
        divide_slot(entries_, slot, depth, lpm_stride_bits, slots.data());
        bool after_child = true;
        for (unsigned branch = 0; branch < branches; ++branch) {
            if (slots[branch].goes_on()) {
                next_level_.push_back({slots[branch], record, records_.add_run(branch, 0)});
                after_child = true;
            } else if (after_child || slots[branch].value != slots[branch - 1].value) {
                records_.add_run(branch, slots[branch].value);
                after_child = false;
            }
        }
        records_.end();
        return record;
    }

    const std::vector<LpmEntry>& entries_;
    LpmRecords records_;
    std::vector<Pending> next_level_;
};

}  // namespace

LpmView LpmTable::view() const {
    if (empty()) return {};
    return {root.data(), records.data(), static_cast<std::uint8_t>(std::countr_zero(root.size())), wide};
}

unsigned lpm_root_bits(std::size_t prefix_count) {
    constexpr std::size_t root_bytes_a_prefix = 16;
    unsigned bits = lpm_longest_root_bits;
    while (bits != 0 && (sizeof(std::uint32_t) << bits) > prefix_count * root_bytes_a_prefix) {
        bits -= lpm_stride_bits;
    }
    return bits;
}

unsigned lpm_host_root_bits(std::size_t prefix_count) {
    constexpr std::size_t root_bytes_a_prefix = 128;
    unsigned bits = 14;
    while (bits > lpm_stride_bits && (sizeof(std::uint32_t) << bits) > prefix_count * root_bytes_a_prefix) {
        bits -= lpm_stride_bits;
    }
    return bits;
}

void sort_prefixes(std::vector<LpmEntry>& entries) {
    const auto key = [](const LpmEntry& entry) { return std::tie(entry.prefix.ip, entry.prefix.length); };
    std::stable_sort(entries.begin(), entries.end(),
                     [&](const LpmEntry& a, const LpmEntry& b) { return key(a) < key(b); });
    std::size_t kept = 0;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        if (kept != 0 && key(entries[kept - 1]) == key(entries[i])) --kept;
        entries[kept++] = entries[i];
    }
    entries.resize(kept);
}

LpmTable build_lpm(std::vector<LpmEntry> entries, std::optional<unsigned> root_bits) {
    if (entries.empty()) return {};
    sort_prefixes(entries);
    const auto greatest = std::max_element(entries.begin(), entries.end(),
                                           [](const auto& a, const auto& b) { return a.value < b.value; });
    const bool wide = greatest->value >= lpm_narrow_end;
    LpmTable table = Builder(entries, wide).build(root_bits.value_or(lpm_root_bits(entries.size())));
    table.wide = wide;
    table.prefix_count = static_cast<std::uint32_t>(entries.size());
    return table;
}

}  // namespace sluice::lower
