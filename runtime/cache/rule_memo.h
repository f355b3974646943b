// SPDX-License-Identifier: Apache-2.0
//
// The firewall rules that decided lately, by question (stages/deciding_rule.h): what stands before the
// classifier, because real filter sets are asked far fewer questions in a while than they could be, and far
// more than they have rules. Of fixed size; sets of four. A full set gives up an entry that the newcomer's
// tenant may take (tenant_shares.h); where there is none, the newcomer is not stored.
//
// An answer is right as long as its tenant's section has the version it was given under. Owner shard only.
// Allocates in the constructor only. find: one pair of adjacent lines.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "runtime/cache/tenant_shares.h"
#include "runtime/stages/deciding_rule.h"
#include "runtime/state/fetch_line.h"
#include "runtime/state/keyed_hash.h"

namespace sluice {

class RuleMemo {
  public:
    RuleMemo(std::uint32_t capacity, const HashKey& key);

    /// What answer_to() says, from the memo or into it.
    RuleAnswer decide(const TenantView& tenant, const FirewallQuestion& question) noexcept {
        return decide(tenant, tenant.index, tenant.section_changed, question, hash(tenant.index, question));
    }
    /// The same by hash(), whose set may have been fetched ahead. Reads the tenant only where the memo does not
    /// know.
    RuleAnswer decide(const TenantView& tenant, std::uint16_t slot, std::uint32_t version,
                      const FirewallQuestion& question, std::uint64_t hash) noexcept {
        const Entry* known = find(slot, version, question, hash);
        return known != nullptr ? known->answer() : ask(tenant, question);
    }
    std::uint64_t hash(std::uint16_t tenant, const FirewallQuestion& question) const noexcept;
    void prefetch(std::uint64_t hash) const noexcept {
        const char* set = reinterpret_cast<const char*>(&sets_[hash & mask_]);
        fetch_line(set);
        fetch_line(set + 64);
    }

    /// By the tenant's slot and the version of its section.
    std::optional<RuleAnswer> find(std::uint16_t tenant, std::uint32_t version,
                                   const FirewallQuestion& question) const noexcept {
        const Entry* entry = find(tenant, version, question, hash(tenant, question));
        return entry == nullptr ? std::nullopt : std::optional(entry->answer());
    }
    void insert(std::uint16_t tenant, std::uint32_t version, const FirewallQuestion& question,
                const RuleAnswer& answer) noexcept;

    std::uint32_t capacity() const noexcept { return static_cast<std::uint32_t>(sets_.size()) * ways; }
    const TenantShares& shares() const noexcept { return shares_; }
    static constexpr std::size_t bytes_an_answer() { return sizeof(Set) / ways; }

  private:
    static constexpr std::uint32_t ways = 4;
    static constexpr std::uint16_t nobody = 0xffff;
    struct Entry {
        FirewallQuestion question;
        std::uint32_t rule = 0, slot = 0;
        std::uint32_t version = 0;
        std::uint16_t tenant = nobody;
        image::FirewallAction action{};
        bool logs = false;
        RuleAnswer answer() const noexcept { return {rule, slot, action, logs}; }
    };
    struct alignas(128) Set {
        Entry entries[ways];
    };
    static_assert(sizeof(Set) == 128);

    RuleAnswer ask(const TenantView& tenant, const FirewallQuestion& question) noexcept;
    const Entry* find(std::uint16_t tenant, std::uint32_t version, const FirewallQuestion& question,
                      std::uint64_t hash) const noexcept {
        for (const Entry& entry : sets_[hash & mask_].entries) {
            if (entry.question == question && entry.tenant == tenant && entry.version == version) return &entry;
        }
        return nullptr;
    }

    HashKey key_;
    std::uint32_t mask_;
    std::vector<Set> sets_;
    TenantShares shares_;
};

inline std::uint64_t RuleMemo::hash(std::uint16_t tenant, const FirewallQuestion& question) const noexcept {
    return KeyedHash(key_)
        .add(std::uint64_t{question.source_class} << 32 | question.destination_class,
             std::uint64_t{question.asked_service} << 48 | std::uint64_t{question.real_service} << 32 |
                 std::uint64_t{question.from_zone} << 16 | question.to_zone)
        .add(tenant, 0)
        .value();
}

}  // namespace sluice
