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

RuleAnswer RuleMemo::ask(const TenantView& tenant, const FirewallQuestion& question) noexcept {
    const RuleAnswer answer = answer_to(tenant, question);
    insert(tenant.index, tenant.section_changed, question, answer);
    return answer;
}

void RuleMemo::insert(std::uint16_t tenant, std::uint32_t version, const FirewallQuestion& question,
                      const RuleAnswer& answer) noexcept {
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
    *at = {question, answer.rule, answer.slot, version, tenant, answer.action, answer.logs};
}

}  // namespace sluice
