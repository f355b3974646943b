// SPDX-License-Identifier: Apache-2.0
#include "runtime/cache/rule_memo.h"

#include <algorithm>
#include <bit>

namespace sluice {

RuleMemo::RuleMemo(std::uint32_t capacity, const HashKey& key)
    : key_(key),
      mask_(std::bit_ceil(std::max(capacity, ways)) / ways - 1),
      sets_(std::size_t{mask_} + 1),
      shares_((mask_ + 1) * ways) {}

std::uint64_t RuleMemo::hash(std::uint16_t tenant, const FirewallQuestion& question) const noexcept {
    return KeyedHash(key_)
        .add(std::uint64_t{question.source_class} << 32 | question.destination_class,
             std::uint64_t{question.asked_service} << 48 | std::uint64_t{question.real_service} << 32 |
                 std::uint64_t{question.from_zone} << 16 | question.to_zone)
        .add(tenant, 0)
        .value();
}

std::uint32_t RuleMemo::decide(const TenantView& tenant, const FirewallQuestion& question) noexcept {
    const std::uint32_t version = tenant.section_changed;
    if (const auto known = find(tenant.index, version, question)) return *known;
    const std::uint32_t rule = deciding_rule(tenant, question);
    insert(tenant.index, version, question, rule);
    return rule;
}

std::optional<std::uint32_t> RuleMemo::find(std::uint16_t tenant, std::uint32_t version,
                                            const FirewallQuestion& question) const noexcept {
    for (const Entry& entry : sets_[hash(tenant, question) & mask_].entries) {
        if (entry.tenant != tenant || !(entry.question == question)) continue;
        if (entry.version == version) return entry.rule;
    }
    return std::nullopt;
}

void RuleMemo::insert(std::uint16_t tenant, std::uint32_t version, const FirewallQuestion& question,
                      std::uint32_t rule) noexcept {
    const std::uint64_t place = hash(tenant, question);
    Set& set = sets_[place & mask_];
    const auto first_way =
        static_cast<std::uint32_t>(place >> 32);  // which of several to give up is a matter of luck
    Entry* at = nullptr;
    for (std::uint32_t i = 0; i < ways; ++i) {
        Entry& entry = set.entries[(first_way + i) % ways];
        const bool outdated = entry.tenant == nobody || (entry.tenant == tenant && entry.question == question);
        if (outdated) {
            at = &entry;
            break;
        }
        if (at == nullptr && shares_.may_take(tenant, entry.tenant)) at = &entry;
    }
    if (at == nullptr) return;
    if (at->tenant != nobody) shares_.remove(at->tenant);
    shares_.add(tenant);
    *at = {question, rule, version, tenant};
}

}  // namespace sluice
