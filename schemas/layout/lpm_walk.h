// SPDX-License-Identifier: Apache-2.0
//
// A longest-prefix-match table read from front to back instead of by address: for the verifier, for inspect and
// for tests. Any thread, read only; linear.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "schemas/layout/lpm.h"

namespace sluice {

/// One record, as image.fbs describes it. Reads as much of `words` as record_words(), which must be there.
struct LpmRecord {
    std::span<const std::uint64_t> words;  // from the record's first one on
    bool wide;

    std::uint64_t run_starts() const noexcept { return words[0]; }
    unsigned runs() const noexcept { return static_cast<unsigned>(std::popcount(words[0])); }
    std::uint32_t children() const noexcept { return static_cast<std::uint32_t>(words[1]); }
    std::size_t record_words() const noexcept { return lpm_record_words(words[0], wide); }

    /// Negative where the run goes on at a child.
    std::int32_t leaf(unsigned run) const noexcept {
        const LpmView reader{nullptr, nullptr, 0, wide};
        const char* leaves = reinterpret_cast<const char*>(words.data()) + lpm_leaves_offset;
        return reader.leaf_at(leaves + std::size_t{run} * (wide ? 4 : 2));
    }
};

/// visit(record) for each record of a table that is well-formed, level by level.
template <typename Visit>
void for_each_lpm_record(std::span<const std::uint64_t> records, bool wide, Visit&& visit) {
    while (!records.empty()) {
        const LpmRecord record{records, wide};
        visit(record);
        records = records.subspan(record.record_words());
    }
}

/// The records that the deepest look-up reads.
inline unsigned lpm_levels(std::span<const std::uint64_t> records, std::size_t first_level_words, bool wide) {
    unsigned levels = 0;
    std::size_t at = 0;
    std::size_t level_end = 0;
    std::size_t next_child = first_level_words;
    for_each_lpm_record(records, wide, [&](const LpmRecord& record) {
        if (at == level_end) {
            ++levels;
            level_end = next_child;
        }
        for (unsigned run = 0; run < record.runs(); ++run) {
            if (record.leaf(run) < 0) next_child += lpm_record_words(records[next_child], wide);
        }
        at += record.record_words();
    });
    return levels;
}

}  // namespace sluice
