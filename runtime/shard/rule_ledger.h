// SPDX-License-Identifier: Apache-2.0
//
// Packets and bytes by rule. A live session's stand in its flow entries; only when it ends, or when somebody
// reads, are they added to the rule's. A read in slices goes over the entries once a round and shows whole
// rounds, so that nothing is counted twice or lost when sessions end meanwhile. Owner shard only. Allocates in
// the constructor only.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "runtime/image/image.h"
#include "runtime/state/counters.h"
#include "runtime/state/fetch_line.h"
#include "runtime/state/session_table.h"

namespace sluice {

class RuleLedger {
  public:
    explicit RuleLedger(std::span<const TenantView> tenants);

    /// What is certain: packets that belong to no session, sessions that were opened.
    RuleCount& settled(std::uint16_t tenant, std::uint32_t rule) noexcept {
        Rows& rows = rows_[tenant];
        return rows.counts[rows.place(rule)];
    }
    const RuleCount& settled(std::uint16_t tenant, std::uint32_t rule) const noexcept {
        const Rows& rows = rows_[tenant];
        return rows.counts[rows.place(rule)];
    }
    void prefetch(std::uint16_t tenant, std::uint32_t rule) const noexcept {
        const Rows& rows = rows_[tenant];
        fetch_line(&rows.counts[rows.place(rule)]);
    }
    /// What prefetch() and settled() read of a tenant.
    void prefetch(std::uint16_t tenant) const noexcept { fetch_line(&rows_[tenant]); }
    /// A session's direction ended. `visited`: the round in progress has counted its entry already.
    void end(std::uint16_t tenant, std::uint32_t rule, std::uint32_t packets, std::uint64_t bytes,
             bool visited) noexcept {
        Rows& rows = rows_[tenant];
        add(rows.counts[rows.place(rule) + (visited ? rows.late() : 0)], packets, bytes);
    }
    /// A live entry, met by the round.
    void visit(std::uint16_t tenant, std::uint32_t rule, std::uint32_t packets, std::uint64_t bytes) noexcept {
        Rows& rows = rows_[tenant];
        add(rows.counts[rows.place(rule) + rows.round()], packets, bytes);
    }
    /// Ends a round: what it found becomes the rules' counters.
    void publish(std::vector<TenantCount>& tenants) noexcept;
    /// Gives up the round in progress.
    void restart() noexcept;
    /// Goes on where `before` was, which is of no use afterwards; a round in progress goes on too. Costs as
    /// much as changed.
    void take_over(RuleLedger& before, const SlotChanges& changes) noexcept;

  private:
    static void add(RuleCount& count, std::uint64_t packets, std::uint64_t bytes) noexcept {
        count.packets += packets;
        count.bytes += bytes;
    }
    /// Of a tenant, by slot, the default's at the end: what is certain, then what ended behind the round, then
    /// what the round has found.
    struct Rows {
        explicit Rows(std::uint32_t rule_slots)
            : counts(std::make_unique<RuleCount[]>(3 * (rule_slots + std::size_t{1}))), rules(rule_slots) {}
        std::unique_ptr<RuleCount[]> counts;
        std::uint32_t rules;  // the default's not among them

        std::size_t place(std::uint32_t rule) const noexcept { return std::min(rule, rules); }
        std::size_t late() const noexcept { return rules + std::size_t{1}; }
        std::size_t round() const noexcept { return 2 * late(); }
        std::size_t end() const noexcept { return 3 * late(); }
        void end_round() noexcept;
        void copy_from(const Rows& other) noexcept;
    };

    std::vector<Rows> rows_;  // by tenant
};

}  // namespace sluice
