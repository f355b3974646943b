// SPDX-License-Identifier: Apache-2.0
#include "compiler/lower/class_numbering.h"

#include <algorithm>
#include <numeric>

namespace sluice::lower {
namespace {

// As for words in a dictionary where whatever follows a word's end comes first: what is in a set stands
// together before what is not, and inside it the next smaller set decides.
bool stands_before(const Membership& a, const Membership& b) {
    const auto [in_a, in_b] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
    if (in_a == a.end()) return false;
    return in_b == b.end() || *in_a < *in_b;
}

}  // namespace

std::size_t ClassNumbering::Hash::operator()(const Membership& membership) const {
    std::uint64_t hash = membership.size();
    for (const std::uint32_t set : membership) hash = (hash ^ set) * 0x9e3779b97f4a7c15 + (hash >> 29);
    return hash;
}

std::uint32_t ClassNumbering::handle_of(const Membership& membership) {
    const auto [place, is_new] =
        handles_.try_emplace(membership, static_cast<std::uint32_t>(memberships_.size()));
    if (is_new) memberships_.push_back(&place->first);
    return place->second;
}

void ClassNumbering::number(std::size_t set_count) {
    std::vector<std::uint32_t> sizes(set_count);
    for (const Membership* membership : memberships_) {
        for (const std::uint32_t set : *membership) ++sizes[set];
    }
    std::vector<std::uint32_t> by_size(set_count);
    std::iota(by_size.begin(), by_size.end(), 0);
    std::stable_sort(by_size.begin(), by_size.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return sizes[a] > sizes[b]; });
    std::vector<std::uint32_t> ranks(set_count);
    for (std::uint32_t rank = 0; rank < set_count; ++rank) ranks[by_size[rank]] = rank;

    std::vector<Membership> ranked(memberships_.size());
    for (std::size_t handle = 0; handle < ranked.size(); ++handle) {
        for (const std::uint32_t set : *memberships_[handle]) ranked[handle].push_back(ranks[set]);
        std::sort(ranked[handle].begin(), ranked[handle].end());
    }
    std::vector<std::uint32_t> order(memberships_.size());
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin() + 1, order.end(),  // handle 0 is in no set
              [&](std::uint32_t a, std::uint32_t b) { return stands_before(ranked[a], ranked[b]); });

    classes_.resize(order.size());
    ranges_.assign(set_count, {});
    for (std::uint32_t number = 0; number < order.size(); ++number) {
        classes_[order[number]] = number;
        for (const std::uint32_t set : *memberships_[order[number]]) {
            auto& ranges = ranges_[set];
            if (!ranges.empty() && ranges.back().high + 1 == number) {
                ranges.back().high = number;
            } else {
                ranges.push_back({number, number});
            }
        }
    }
}

std::vector<ClassRange> ClassNumbering::ranges_of(std::span<const std::uint32_t> sets) const {
    std::vector<ClassRange> all;
    for (const std::uint32_t set : sets) all.insert(all.end(), ranges_[set].begin(), ranges_[set].end());
    std::sort(all.begin(), all.end(), [](const ClassRange& a, const ClassRange& b) { return a.low < b.low; });
    std::vector<ClassRange> merged;
    for (const ClassRange& range : all) {
        if (!merged.empty() && range.low <= merged.back().high + 1) {
            merged.back().high = std::max(merged.back().high, range.high);
        } else {
            merged.push_back(range);
        }
    }
    return merged;
}

}  // namespace sluice::lower
