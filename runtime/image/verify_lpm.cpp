// SPDX-License-Identifier: Apache-2.0
//
// A look-up cannot leave the table when: every entry of the root names a record of the first level; children
// stand behind their record, one record's after the other's (so the tree is finite and every record has one
// parent); every record decides all its branches; and the last level an address can reach has no children. The
// compiler writes level by level, so all of it is one pass with two running positions.
#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "runtime/image/tenant_view.h"
#include "runtime/image/verify_tenant.h"
#include "schemas/layout/lpm_walk.h"

namespace sluice::verify {
namespace {

class LpmCheck {
  public:
    LpmCheck(const image::Lpm& table, Family family, std::uint64_t values)
        : root_(scalars_of(table.root())),
          words_(scalars_of(table.records())),
          wide_(table.wide()),
          first_level_words_(table.first_level_words()),
          address_bits_(address_bits(family)),
          values_(values) {}

    Refusal run() {
        if (root_.empty() && words_.empty() && first_level_words_ == 0) return std::nullopt;
        if (auto refusal = check_sizes()) return refusal;
        if (auto refusal = check_records()) return refusal;
        return check_root();
    }
    LpmFacts facts() const { return facts_; }

  private:
    Refusal check_sizes() {
        if (!std::has_single_bit(root_.size()) || root_.size() >> lpm_longest_root_bits > 1) {
            return fmt::format("the root has {} entries, expected a power of two up to {}", root_.size(),
                               1U << lpm_longest_root_bits);
        }
        root_bits_ = static_cast<unsigned>(std::countr_zero(root_.size()));
        if (first_level_words_ == 0 || first_level_words_ > words_.size()) {
            return fmt::format("the first level has {} words of {}", first_level_words_, words_.size());
        }
        starts_.resize(first_level_words_);
        return std::nullopt;
    }

    Refusal check_records() {
        next_child_ = first_level_words_;
        std::size_t level_end = first_level_words_;
        depth_ = facts_.deepest_bits = root_bits_;
        for (std::size_t at = 0; at < words_.size();) {
            if (at == level_end) {
                level_end = next_child_;
                facts_.deepest_bits = depth_ += lpm_stride_bits;
            }
            if (at >= next_child_) return fmt::format("nothing leads to the record at word {}", at);
            if (!fits_at(at)) return fmt::format("the record at word {} ends beyond the table", at);
            const LpmRecord record{words_.subspan(at), wide_};
            const std::size_t end = at + record.record_words();
            if (at < first_level_words_) {
                if (end > first_level_words_) {
                    return fmt::format("the record at word {} ends at word {}, the first level at word {}", at,
                                       end, first_level_words_);
                }
                starts_[at] = true;
            }
            if (auto refusal = check_record(record))
                return fmt::format("the record at word {} {}", at, *refusal);
            at = end;
        }
        if (next_child_ != words_.size()) {
            return fmt::format("the records lead to {} words, the table has {}", next_child_, words_.size());
        }
        return std::nullopt;
    }

    Refusal check_record(const LpmRecord& record) {
        if ((record.run_starts() & 1) == 0) return "has no run at its first branch";
        const std::size_t children = next_child_;
        for (unsigned run = 0; run < record.runs(); ++run) {
            const std::int32_t leaf = record.leaf(run);
            if (leaf < 0) {
                if (auto refusal = check_child(static_cast<std::uint32_t>(leaf), children)) return refusal;
            } else if (static_cast<std::uint32_t>(leaf) >= values_) {
                return fmt::format("has the leaf {}, expected less than {}", leaf, values_);
            } else {
                facts_.values_end = std::max<std::uint64_t>(
                    facts_.values_end, std::uint64_t{1} + static_cast<std::uint32_t>(leaf));
            }
        }
        const std::size_t expected = next_child_ == children ? 0 : children;
        if (record.children() != expected) {
            return fmt::format("has its children at word {}, expected {}", record.children(), expected);
        }
        const std::size_t used_bytes = lpm_leaves_offset + record.runs() * (wide_ ? 4UL : 2UL);
        const std::uint64_t last = record.words[record.record_words() - 1];
        if (used_bytes % 8 != 0 && last >> used_bytes % 8 * 8 != 0) return "does not end in zeros";
        return std::nullopt;
    }

    Refusal check_child(std::uint32_t leaf, std::size_t children) {
        if (depth_ + lpm_stride_bits >= address_bits_) {
            return fmt::format("has a child, and decides the last of {} bits", address_bits_);
        }
        const std::size_t distance = leaf & (wide_ ? 0x7fff'ffffU : lpm_narrow_end - 1);
        if (distance != next_child_ - children) {
            return fmt::format("has a child {} words behind the first, expected {}", distance,
                               next_child_ - children);
        }
        if (!fits_at(next_child_))
            return fmt::format("has a child at word {} of {}", next_child_, words_.size());
        next_child_ += lpm_record_words(words_[next_child_], wide_);
        return std::nullopt;
    }

    Refusal check_root() {
        std::vector<bool> unreached = starts_;
        for (std::size_t i = 0; i < root_.size(); ++i) {
            if (root_[i] >= starts_.size() || !starts_[root_[i]]) {
                return fmt::format("entry {} of the root leads to word {}, where no record begins", i,
                                   root_[i]);
            }
            unreached[root_[i]] = false;
        }
        const auto first = std::find(unreached.begin(), unreached.end(), true);
        if (first == unreached.end()) return std::nullopt;
        return fmt::format("nothing leads to the record at word {}", first - unreached.begin());
    }

    bool fits_at(std::size_t at) const {
        return at < words_.size() && lpm_record_words(words_[at], wide_) <= words_.size() - at;
    }

    std::span<const std::uint32_t> root_;
    std::span<const std::uint64_t> words_;
    bool wide_;
    std::size_t first_level_words_;
    unsigned address_bits_;
    std::uint64_t values_;
    unsigned root_bits_ = 0;
    unsigned depth_ = 0;          // bits decided before the record at hand
    std::size_t next_child_ = 0;  // the word at which the next child must stand
    std::vector<bool> starts_;    // words of the first level at which a record begins
    LpmFacts facts_;
};

}  // namespace

Refusal check_lpm(const image::Lpm& table, Family family, std::uint64_t values, std::string_view what,
                  LpmFacts* facts) {
    LpmCheck check(table, family, values);
    if (auto refusal = check.run()) return fmt::format("{}: {}", what, *refusal);
    if (facts != nullptr) *facts = check.facts();
    return std::nullopt;
}

}  // namespace sluice::verify
