// SPDX-License-Identifier: Apache-2.0
//
// A rule is shadowed where one earlier rule takes everything it wants: each zone and each address of both sides
// and each service. Rules by the hundred thousand: an earlier rule is filed under the pairs (one part of its
// from, one part of its to), and a rule asks only for the pairs that could cover its own first parts. What a
// pair's rules take on top of that is compared exactly.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "compiler/sema/passes.h"
#include "compiler/sema/prefix_set.h"

namespace sluice::sema {
namespace {

constexpr std::size_t most_comparisons = 10'000'000;
constexpr std::size_t most_pairs = 64;

struct SideMeaning {
    bool any = false;
    std::vector<std::uint16_t> zones;
    std::vector<std::uint32_t> sets;  // as the rule names them: equal lists need no look at the addresses
    PrefixSet addresses;

    bool covers(const SideMeaning& other) const {
        if (any) return true;
        if (other.any) return false;
        return std::includes(zones.begin(), zones.end(), other.zones.begin(), other.zones.end()) &&
               (sets == other.sets || addresses.contains(other.addresses));
    }
};

// (family, protocol) and a range of ports or of ICMP types and codes; sorted, none touches the next.
struct ServiceRange {
    std::uint8_t protocol = 0, family = 0;
    std::uint32_t low = 0, high = 0;
};

struct ServicesMeaning {
    std::vector<ServiceRange> ranges;  // none: any

    explicit ServicesMeaning(const std::vector<policy::Service>& services) {
        std::vector<ServiceRange> all;
        for (const auto& service : services)
            all.push_back({service.protocol, service.family, service.low, service.high});
        const auto order = [](const ServiceRange& range) {
            return std::tuple(range.protocol, range.family, range.low);
        };
        std::sort(all.begin(), all.end(), [&](const auto& a, const auto& b) { return order(a) < order(b); });
        for (const auto& range : all) {
            const bool joins = !ranges.empty() && ranges.back().protocol == range.protocol &&
                               ranges.back().family == range.family && range.low <= ranges.back().high + 1;
            if (joins) {
                ranges.back().high = std::max(ranges.back().high, range.high);
            } else {
                ranges.push_back(range);
            }
        }
    }

    bool covers(const ServicesMeaning& other) const {
        if (ranges.empty()) return true;
        if (other.ranges.empty()) return false;
        return std::all_of(other.ranges.begin(), other.ranges.end(), [&](const ServiceRange& wanted) {
            return std::any_of(ranges.begin(), ranges.end(), [&](const ServiceRange& have) {
                return have.protocol == wanted.protocol && have.family == wanted.family &&
                       have.low <= wanted.low && wanted.high <= have.high;
            });
        });
    }
};

struct Meaning {
    SideMeaning from, to;
    ServicesMeaning services;

    bool covers(const Meaning& other) const {
        return services.covers(other.services) && from.covers(other.from) && to.covers(other.to);
    }
};

// A part of a side: everything, a zone, or a prefix.
using Part = std::tuple<std::uint8_t, std::uint64_t, std::uint64_t, std::uint8_t>;

Part part_of_zone(std::uint16_t zone) {
    return {1, zone, 0, 0};
}
Part part_of_prefix(const Prefix& prefix) {
    return {static_cast<std::uint8_t>(prefix.family), prefix.ip.hi, prefix.ip.lo, prefix.length};
}
constexpr Part part_of_any{0, 0, 0, 0};

struct PairHash {
    std::size_t operator()(const std::pair<Part, Part>& pair) const {
        std::uint64_t hash = 0x9e3779b97f4a7c15ULL;
        const auto mix = [&](std::uint64_t value) {
            hash = (hash ^ value) * 0xff51afd7ed558ccdULL, hash ^= hash >> 29;
        };
        const auto mix_part = [&](const Part& part) {
            mix(std::get<0>(part) | std::uint64_t{std::get<3>(part)} << 8);
            mix(std::get<1>(part));
            mix(std::get<2>(part));
        };
        mix_part(pair.first);
        mix_part(pair.second);
        return hash;
    }
};

class ShadowLint {
  public:
    ShadowLint(Context& context, const TenantScope& scope)
        : context_(context), scope_(scope), tenant_(context.tenant(scope)) {}

    void run() {
        const auto& rules = tenant_.firewall->rules;
        meanings_.reserve(rules.size());
        for (std::uint32_t i = 0; i < rules.size(); ++i) {
            meanings_.push_back(
                {meaning(rules[i].from), meaning(rules[i].to), ServicesMeaning(rules[i].services)});
            if (const auto earlier = first_cover(i)) report(i, *earlier);
            if (work_ > most_comparisons) {
                context_.report(
                    Code::shadowing_unchecked, scope_.rule_spans[i],
                    "too many rules with long lists: from here on rules were not checked for shadowing");
                return;
            }
            file(i);
        }
    }

  private:
    // Rules that share a pair: those with one part a side and one range of services, of which only the widest
    // matter, by protocol and family; one that takes every service; and all others.
    struct Bucket {
        std::optional<std::uint32_t> whole;
        std::map<std::tuple<std::uint8_t, std::uint8_t, std::uint32_t>, std::pair<std::uint32_t, std::uint32_t>>
            by_range;  // low -> high, rule
        std::vector<std::uint32_t> mixed;
    };

    SideMeaning meaning(const policy::Side& side) const {
        SideMeaning result;
        result.any = side.any;
        result.zones = side.zones;
        result.sets = side.sets;
        result.addresses = PrefixSet(prefixes(side));
        return result;
    }

    std::vector<Prefix> prefixes(const policy::Side& side) const {
        std::vector<Prefix> all;
        for (const auto set : side.sets) {
            const auto& members = tenant_.sets[set].prefixes;
            all.insert(all.end(), members.begin(), members.end());
        }
        return all;
    }

    std::vector<Part> parts(const policy::Side& side) const {
        if (side.any) return {part_of_any};
        std::vector<Part> result;
        for (const auto zone : side.zones) result.push_back(part_of_zone(zone));
        for (const auto& prefix : prefixes(side)) result.push_back(part_of_prefix(prefix));
        return result;
    }

    static bool is_single(const policy::Side& side, const std::vector<Part>& parts) {
        return side.any || parts.size() == 1;
    }

    // What could stand in an earlier rule and cover the side's first part.
    std::vector<Part> covering_parts(const policy::Side& side,
                                     const std::set<std::pair<Family, std::uint8_t>>& lengths) const {
        std::vector<Part> result{part_of_any};
        if (side.any) return result;
        if (!side.zones.empty()) {
            result.push_back(part_of_zone(side.zones.front()));
            return result;
        }
        const auto all = prefixes(side);
        if (all.empty()) return result;
        for (const auto& [family, length] : lengths) {
            if (family != all.front().family || length > all.front().length) continue;
            result.push_back(part_of_prefix({all.front().ip & prefix_mask(length), length, family}));
        }
        return result;
    }

    bool covers(std::uint32_t earlier, std::uint32_t later) {
        ++work_;
        return meanings_[earlier].covers(meanings_[later]);
    }

    void consider(std::uint32_t candidate, std::uint32_t rule, std::optional<std::uint32_t>& best) {
        if ((!best || candidate < *best) && covers(candidate, rule)) best = candidate;
    }

    std::optional<std::uint32_t> first_cover(std::uint32_t rule) {
        const auto& text = tenant_.firewall->rules[rule];
        std::optional<std::uint32_t> best;
        const auto& ranges = meanings_[rule].services.ranges;
        for (const auto& from : covering_parts(text.from, from_lengths_)) {
            for (const auto& to : covering_parts(text.to, to_lengths_)) {
                const auto found = buckets_.find({from, to});
                if (found == buckets_.end()) continue;
                const auto& bucket = found->second;
                if (bucket.whole) consider(*bucket.whole, rule, best);
                if (!ranges.empty()) {
                    const auto& wanted = ranges.front();
                    auto at = bucket.by_range.upper_bound({wanted.protocol, wanted.family, wanted.low});
                    if (at != bucket.by_range.begin()) consider((--at)->second.second, rule, best);
                }
                for (const auto candidate : bucket.mixed) consider(candidate, rule, best);
                if (work_ > most_comparisons) return best;
            }
        }
        for (const auto candidate : large_) consider(candidate, rule, best);
        return best;
    }

    void file(std::uint32_t rule) {
        const auto& text = tenant_.firewall->rules[rule];
        const auto from = parts(text.from);
        const auto to = parts(text.to);
        const auto remember = [](std::set<std::pair<Family, std::uint8_t>>& lengths,
                                 const std::vector<Part>& list) {
            for (const auto& part : list) {
                if (std::get<0>(part) >= 4)
                    lengths.emplace(static_cast<Family>(std::get<0>(part)), std::get<3>(part));
            }
        };
        // Prefixes that only together cover another are not found by their parts.
        const bool splits = meanings_[rule].from.addresses.ranges().size() != prefixes(text.from).size() ||
                            meanings_[rule].to.addresses.ranges().size() != prefixes(text.to).size();
        if (from.size() * to.size() > most_pairs || splits) {
            large_.push_back(rule);
            return;
        }
        remember(from_lengths_, from);
        remember(to_lengths_, to);
        const bool single = is_single(text.from, from) && is_single(text.to, to);
        const auto& ranges = meanings_[rule].services.ranges;
        for (const auto& from_part : from) {
            for (const auto& to_part : to) {
                auto& bucket = buckets_[{from_part, to_part}];
                if (single && ranges.empty()) {
                    if (!bucket.whole) bucket.whole = rule;
                } else if (single && ranges.size() == 1) {
                    widen(bucket, ranges.front(), rule);
                } else {
                    bucket.mixed.push_back(rule);
                }
            }
        }
    }

    // Keeps ranges of which none holds another, so that the one that begins last before a port is the only
    // candidate … and the one that reaches farthest of those that begin there or before.
    static void widen(Bucket& bucket, const ServiceRange& range, std::uint32_t rule) {
        auto at = bucket.by_range.upper_bound({range.protocol, range.family, range.low});
        if (at != bucket.by_range.begin()) {
            const auto before = std::prev(at);
            const auto& [protocol, family, low] = before->first;
            if (protocol == range.protocol && family == range.family && before->second.first >= range.high)
                return;
        }
        at = bucket.by_range.lower_bound({range.protocol, range.family, range.low});
        while (at != bucket.by_range.end() && std::get<0>(at->first) == range.protocol &&
               std::get<1>(at->first) == range.family && at->second.first <= range.high) {
            at = bucket.by_range.erase(at);
        }
        bucket.by_range[{range.protocol, range.family, range.low}] = {range.high, rule};
    }

    void report(std::uint32_t rule, std::uint32_t earlier) {
        const auto& rules = tenant_.firewall->rules;
        const bool is_same = rules[rule].action == rules[earlier].action;
        context_
            .report(Code::rule_shadowed, scope_.rule_spans[rule],
                    fmt::format("rule \"{}\" can never match", rules[rule].name))
            .with_label("an earlier rule takes everything it wants")
            .note(scope_.rule_spans[earlier],
                  fmt::format("\"{}\" takes all of it and does {}", rules[earlier].name,
                              is_same ? "the same" : "something else"))
            .help(is_same ? fmt::format("delete \"{}\"", rules[rule].name)
                          : fmt::format("move \"{}\" above \"{}\", or delete it", rules[rule].name,
                                        rules[earlier].name));
    }

    Context& context_;
    const TenantScope& scope_;
    const policy::Tenant& tenant_;
    std::vector<Meaning> meanings_;
    std::unordered_map<std::pair<Part, Part>, Bucket, PairHash> buckets_;
    std::set<std::pair<Family, std::uint8_t>> from_lengths_, to_lengths_;
    std::vector<std::uint32_t> large_;
    std::size_t work_ = 0;
};

}  // namespace

void lint_shadowed_rules(Context& context, const TenantScope& scope) {
    if (context.tenant(scope).firewall) ShadowLint(context, scope).run();
}

}  // namespace sluice::sema
