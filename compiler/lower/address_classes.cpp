// SPDX-License-Identifier: Apache-2.0
#include "compiler/lower/address_classes.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace sluice::lower {
namespace {

using Membership = std::vector<std::uint64_t>;

struct Member {
    Prefix prefix;
    std::uint32_t set;
};

class ClassTable {
  public:
    explicit ClassTable(std::uint32_t words) : words_(words) { class_of(Membership(words)); }

    std::uint32_t class_of(const Membership& membership) {
        const auto [place, is_new] =
            classes_.try_emplace(membership, static_cast<std::uint32_t>(classes_.size()));
        if (is_new) rows_.insert(rows_.end(), membership.begin(), membership.end());
        return place->second;
    }
    const Membership& row(std::uint32_t index, Membership& into) const {
        into.assign(rows_.begin() + std::size_t{index} * words_,
                    rows_.begin() + (index + std::size_t{1}) * words_);
        return into;
    }
    std::vector<std::uint64_t> take_rows() { return std::move(rows_); }

  private:
    std::uint32_t words_;
    std::map<Membership, std::uint32_t> classes_;
    std::vector<std::uint64_t> rows_;
};

std::vector<Member> members_of(const std::vector<policy::AddressSet>& sets, Family family) {
    std::vector<Member> members;
    for (std::size_t set = 0; set < sets.size(); ++set) {
        for (const Prefix& prefix : sets[set].prefixes) {
            if (prefix.family == family) members.push_back({prefix, static_cast<std::uint32_t>(set)});
        }
    }
    std::sort(members.begin(), members.end(), [](const Member& a, const Member& b) {
        return std::tie(a.prefix.ip, a.prefix.length, a.set) < std::tie(b.prefix.ip, b.prefix.length, b.set);
    });
    return members;
}

// Members are sorted, so the prefixes that cover one stand before it: `open` holds them, shortest first, each
// with the class of its own addresses.
LpmTable build_table(const std::vector<Member>& members, ClassTable& classes) {
    std::vector<LpmEntry> entries;
    std::vector<LpmEntry> open;
    Membership membership;
    for (std::size_t i = 0; i < members.size();) {
        const Prefix& prefix = members[i].prefix;
        while (!open.empty() && !open.back().prefix.contains(prefix.ip)) open.pop_back();
        classes.row(open.empty() ? 0 : open.back().value, membership);
        for (; i < members.size() && members[i].prefix == prefix; ++i) {
            membership[members[i].set / 64] |= 1ULL << members[i].set % 64;
        }
        open.push_back({prefix, classes.class_of(membership)});
        entries.push_back(open.back());
    }
    return build_lpm(std::move(entries));
}

}  // namespace

AddressClasses classify_addresses(const std::vector<policy::AddressSet>& sets) {
    AddressClasses result;
    result.words = static_cast<std::uint32_t>((sets.size() + 63) / 64);
    if (result.words == 0) return result;
    ClassTable classes(result.words);
    result.table4 = build_table(members_of(sets, Family::v4), classes);
    result.table6 = build_table(members_of(sets, Family::v6), classes);
    result.rows = classes.take_rows();
    return result;
}

}  // namespace sluice::lower
