// SPDX-License-Identifier: Apache-2.0
#include "compiler/lower/address_classes.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "compiler/lower/address_comb.h"

namespace sluice::lower {
namespace {

struct Member {
    Prefix prefix;
    std::uint32_t set;
};

// Members of one family, sorted: the prefixes that cover one stand before it.
std::vector<Member> members_of(const std::vector<policy::AddressSet>& sets,
                               const std::vector<std::uint32_t>& set_of, Family family) {
    std::vector<Member> members;
    for (std::size_t set = 0; set < sets.size(); ++set) {
        for (const Prefix& prefix : sets[set].prefixes) {
            if (prefix.family == family) members.push_back({prefix, set_of[set]});
        }
    }
    std::sort(members.begin(), members.end(), [](const Member& a, const Member& b) {
        return std::tie(a.prefix.ip, a.prefix.length, a.set) < std::tie(b.prefix.ip, b.prefix.length, b.set);
    });
    return members;
}

// The value of an entry is its class's handle. `open` holds the prefixes that cover the present one, shortest
// first.
std::vector<LpmEntry> entries_of(const std::vector<Member>& members, ClassNumbering& numbering) {
    std::vector<LpmEntry> entries;
    std::vector<LpmEntry> open;
    Membership membership;
    for (std::size_t i = 0; i < members.size();) {
        const Prefix& prefix = members[i].prefix;
        while (!open.empty() && !open.back().prefix.contains(prefix.ip)) open.pop_back();
        membership = numbering.membership_of(open.empty() ? 0 : open.back().value);
        for (; i < members.size() && members[i].prefix == prefix; ++i) {
            const auto place = std::lower_bound(membership.begin(), membership.end(), members[i].set);
            if (place == membership.end() || *place != members[i].set) membership.insert(place, members[i].set);
        }
        open.push_back({prefix, numbering.handle_of(membership)});
        entries.push_back(open.back());
    }
    return entries;
}

void number_values(std::vector<LpmEntry>& entries, const ClassNumbering& numbering) {
    for (LpmEntry& entry : entries) entry.value = numbering.class_of(entry.value);
}

LpmTable lpm_of(std::vector<LpmEntry> entries) {
    const unsigned root_bits = lpm_host_root_bits(entries.size());
    return build_lpm(std::move(entries), root_bits);
}

// Rules often write out the same addresses: they are one set then.
std::vector<std::uint32_t> distinct_sets(const std::vector<policy::AddressSet>& sets, std::uint32_t& count) {
    std::map<std::vector<Prefix>, std::uint32_t> known;
    std::vector<std::uint32_t> set_of;
    for (const policy::AddressSet& set : sets) {
        std::vector<Prefix> prefixes = set.prefixes;
        std::sort(prefixes.begin(), prefixes.end());
        prefixes.erase(std::unique(prefixes.begin(), prefixes.end()), prefixes.end());
        const auto next = static_cast<std::uint32_t>(known.size());
        set_of.push_back(known.try_emplace(std::move(prefixes), next).first->second);
    }
    count = static_cast<std::uint32_t>(known.size());
    return set_of;
}

}  // namespace

std::vector<ClassRange> AddressClasses::ranges_of(const std::vector<std::uint32_t>& sets) const {
    std::vector<std::uint32_t> distinct;
    for (const std::uint32_t set : sets) distinct.push_back(set_of[set]);
    return numbering.ranges_of(distinct);
}

AddressClasses classify_addresses(const std::vector<policy::AddressSet>& sets) {
    AddressClasses result;
    std::uint32_t count = 0;
    result.set_of = distinct_sets(sets, count);
    std::vector<LpmEntry> entries4 = entries_of(members_of(sets, result.set_of, Family::v4), result.numbering);
    std::vector<LpmEntry> entries6 = entries_of(members_of(sets, result.set_of, Family::v6), result.numbering);
    result.numbering.number(count);
    number_values(entries4, result.numbering);
    number_values(entries6, result.numbering);
    if (auto comb = build_address_comb(entries4)) {
        result.table4.comb = std::move(*comb);
    } else {
        result.table4.lpm = lpm_of(std::move(entries4));
    }
    result.table6 = lpm_of(std::move(entries6));
    return result;
}

}  // namespace sluice::lower
