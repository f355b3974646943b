// SPDX-License-Identifier: Apache-2.0
#include "runtime/shard/rule_ledger.h"

#include <algorithm>

#include "runtime/state/slot_changes.h"

namespace sluice {

RuleLedger::RuleLedger(std::span<const TenantView> tenants) {
    rows_.reserve(tenants.size());
    for (const TenantView& tenant : tenants) rows_.emplace_back(tenant.rule_slots());
}

void RuleLedger::publish(std::vector<TenantCount>& tenants) noexcept {
    for (std::size_t tenant = 0; tenant < tenants.size(); ++tenant) {
        Rows& rows = rows_[tenant];
        for (std::size_t rule = 0; rule < rows.late(); ++rule) {
            RuleCount& shown = tenants[tenant].rules[rule];
            const RuleCount& found = rows.counts[rows.round() + rule];
            shown = rows.counts[rule];
            add(shown, found.packets, found.bytes);
        }
        rows.end_round();
    }
}

void RuleLedger::restart() noexcept {
    for (Rows& rows : rows_) rows.end_round();
}

void RuleLedger::Rows::end_round() noexcept {
    for (std::size_t at = 0; at < late(); ++at)
        add(counts[at], counts[late() + at].packets, counts[late() + at].bytes);
    std::fill(&counts[late()], counts.get() + end(), RuleCount{});
}

void RuleLedger::Rows::copy_from(const Rows& other) noexcept {
    const std::uint32_t both = std::min(rules, other.rules);
    for (std::size_t part = 0; part < 3; ++part) {
        RuleCount* to = &counts[part * late()];
        const RuleCount* from = &other.counts[part * other.late()];
        std::copy_n(from, both, to);
        to[rules] = from[other.rules];
    }
}

void RuleLedger::take_over(RuleLedger& before, const SlotChanges& changes) noexcept {
    for (const std::uint16_t tenant : changes.kept_tenants) {
        Rows &now = rows_[tenant], &then = before.rows_[tenant];
        if (now.rules == then.rules) {
            now.counts.swap(then.counts);
        } else {
            now.copy_from(then);
        }
    }
    for (const SlotChanges::Rule& rule : changes.new_rules) {
        Rows& rows = rows_[rule.tenant];
        rows.counts[rule.slot] = rows.counts[rows.late() + rule.slot] =
            rows.counts[rows.round() + rule.slot] = {};
    }
}

}  // namespace sluice
