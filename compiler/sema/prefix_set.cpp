// SPDX-License-Identifier: Apache-2.0
#include "compiler/sema/prefix_set.h"

#include <algorithm>

namespace sluice::sema {
namespace {

// The address behind this one; `ip` is not the last one of its family.
Ip next(Family family, Ip ip) {
    if (family == Family::v4) return Ip::from_v4(ip.v4() + 1);
    return {ip.hi + (ip.lo + 1 == 0 ? 1 : 0), ip.lo + 1};
}

Ip last_of(Family family) {
    return prefix_mask(address_bits(family));
}

}  // namespace

PrefixSet::PrefixSet(const std::vector<Prefix>& prefixes) {
    std::vector<IpRange> all;
    all.reserve(prefixes.size());
    for (const auto& prefix : prefixes) {
        const Ip hosts = ~prefix_mask(prefix.length) & last_of(prefix.family);
        all.push_back({prefix.family, prefix.ip, prefix.ip | hosts});
    }
    std::sort(all.begin(), all.end(), [](const IpRange& a, const IpRange& b) {
        return std::tuple(a.family, a.first) < std::tuple(b.family, b.first);
    });
    for (const auto& range : all) {
        const bool joins = !ranges_.empty() && ranges_.back().family == range.family &&
                           (ranges_.back().last == last_of(range.family) ||
                            range.first <= next(range.family, ranges_.back().last));
        if (joins) {
            ranges_.back().last = std::max(ranges_.back().last, range.last);
        } else {
            ranges_.push_back(range);
        }
    }
}

bool PrefixSet::contains(const IpRange& range) const {
    const auto after =
        std::upper_bound(ranges_.begin(), ranges_.end(), range, [](const IpRange& wanted, const IpRange& have) {
            return std::tuple(wanted.family, wanted.first) < std::tuple(have.family, have.first);
        });
    if (after == ranges_.begin()) return false;
    const auto& candidate = *std::prev(after);
    return candidate.family == range.family && candidate.last >= range.last;
}

bool PrefixSet::contains(const PrefixSet& other) const {
    return std::all_of(other.ranges_.begin(), other.ranges_.end(),
                       [&](const IpRange& range) { return contains(range); });
}

}  // namespace sluice::sema
