// SPDX-License-Identifier: Apache-2.0
//
// Packets and bytes by rule. A live session's stand in its flow entries; only when it ends, or when somebody
// reads, are they added to the rule's. A read in slices goes over the entries once a round and shows whole
// rounds, so that nothing is counted twice or lost when sessions end meanwhile. Owner shard only. Allocates in
// the constructor only.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/image/image.h"
#include "runtime/state/counters.h"
#include "runtime/state/session_table.h"

namespace sluice {

class RuleLedger {
  public:
    explicit RuleLedger(std::span<const TenantView> tenants);

    /// What is certain: packets that belong to no session, sessions that were opened.
    RuleCount& settled(std::uint16_t tenant, std::uint32_t rule) noexcept {
        return settled_[place(tenant, rule)];
    }
    void prefetch(std::uint16_t tenant, std::uint32_t rule) const noexcept {
        __builtin_prefetch(&settled_[place(tenant, rule)], 1);
    }
    /// A session's direction ended. `visited`: the round in progress has counted its entry already.
    void end(std::uint16_t tenant, std::uint32_t rule, std::uint32_t packets, std::uint64_t bytes,
             bool visited) noexcept {
        add((visited ? late_ : settled_)[place(tenant, rule)], packets, bytes);
    }
    /// A live entry, met by the round.
    void visit(std::uint16_t tenant, std::uint32_t rule, std::uint32_t packets, std::uint64_t bytes) noexcept {
        add(round_[place(tenant, rule)], packets, bytes);
    }
    /// Ends a round: what it found becomes the rules' counters.
    void publish(std::vector<TenantCount>& tenants) noexcept;
    /// Gives up the round in progress.
    void restart() noexcept;
    /// Goes on where `before`, which has no round in progress, was: that of the image that `image` follows.
    void take_over(const RuleLedger& before, const Image& image) noexcept;

  private:
    static void add(RuleCount& count, std::uint64_t packets, std::uint64_t bytes) noexcept {
        count.packets += packets;
        count.bytes += bytes;
    }
    std::size_t place(std::uint16_t tenant, std::uint32_t rule) const noexcept {
        const std::uint32_t first = first_[tenant], end = first_[tenant + 1u];
        return rule < end - first ? first + rule : end - 1;
    }

    std::vector<std::uint32_t> first_;  // by tenant, and the end
    std::vector<RuleCount> settled_, late_, round_;
};

}  // namespace sluice
