// SPDX-License-Identifier: Apache-2.0
#include "runtime/shard/rule_ledger.h"

#include <algorithm>

namespace sluice {

RuleLedger::RuleLedger(std::span<const TenantView> tenants) {
    first_.push_back(0);
    for (const TenantView& tenant : tenants) {
        first_.push_back(first_.back() + tenant.rule_slots() + 1);
    }
    settled_.resize(first_.back());
    late_.resize(first_.back());
    round_.resize(first_.back());
}

void RuleLedger::publish(std::vector<TenantCount>& tenants) noexcept {
    for (std::size_t tenant = 0; tenant < tenants.size(); ++tenant) {
        for (std::size_t rule = 0; rule < tenants[tenant].rules.size(); ++rule) {
            const std::size_t at = first_[tenant] + rule;
            RuleCount& shown = tenants[tenant].rules[rule];
            shown = settled_[at];
            add(shown, round_[at].packets, round_[at].bytes);
        }
    }
    restart();
}

void RuleLedger::take_over(const RuleLedger& before, const Image& image) noexcept {
    for (std::uint16_t tenant = 0; tenant + 1u < before.first_.size(); ++tenant) {
        if (image.tenant_slots().since(tenant) == image.generation()) continue;
        const NameSlots& rules = image.tenants()[tenant].slots->rules;
        const std::uint32_t count = before.first_[tenant + 1u] - before.first_[tenant] - 1;
        for (std::uint32_t rule = 0; rule < count; ++rule) {
            if (rules.since(rule) == image.generation()) continue;
            settled_[place(tenant, rule)] = before.settled_[before.place(tenant, rule)];
        }
        settled_[place(tenant, default_rule)] = before.settled_[before.place(tenant, default_rule)];
    }
}

void RuleLedger::restart() noexcept {
    for (std::size_t at = 0; at < settled_.size(); ++at) {
        add(settled_[at], late_[at].packets, late_[at].bytes);
    }
    std::ranges::fill(late_, RuleCount{});
    std::ranges::fill(round_, RuleCount{});
}

}  // namespace sluice
