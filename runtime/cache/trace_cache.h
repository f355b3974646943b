// SPDX-License-Identifier: Apache-2.0
//
// The traces of one shard: from a key to the program that carries its packets out, or to the fact that the
// firewall denies them. Of fixed size; sets of eight with a tag each. A full set gives up the trace that was
// used longest ago among those that the newcomer's tenant may take (tenant_shares.h), so one tenant's scan
// cannot empty another's; where it may take none, the newcomer is not stored.
//
// A trace is right as long as what packets of its ingress can read is what it was made from: its epoch. Owner
// shard only. Allocates in the constructor only. find: half a line of tags, one line of the trace, two where it
// passes several routers.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "runtime/cache/program_store.h"
#include "runtime/cache/tenant_shares.h"
#include "runtime/cache/trace_key.h"
#include "runtime/state/fetch_line.h"

namespace sluice {

struct NeighbourHint {
    std::uint32_t neighbour = no_neighbour;
    std::uint32_t life = 0;  // of its slot, when it was found
};

class TraceCache {
  public:
    /// In place of a program: the packets are denied.
    static constexpr std::uint32_t denied = 0xfffffffe;
    static constexpr std::uint32_t unknown = 0xffffffff;

    TraceCache(std::uint32_t capacity, const HashKey& key);

    /// The program, denied or unknown. `tick` stamps its use.
    std::uint32_t find(const TraceKey& key, std::uint32_t epoch, std::uint32_t tick) noexcept;

    /// Stores a trace of a tenant, in place of what it knew of the same key. Returns the program that is no
    /// longer needed: the former one, that of the trace given up, or `program` itself where it found no room;
    /// unknown where there is none (denials need none). `ttl_cost`: what the routers take off that the packet
    /// has passed when its fate is decided.
    std::uint32_t insert(const TraceKey& key, std::uint16_t tenant, std::uint32_t epoch, std::uint32_t program,
                         std::uint32_t tick, std::uint8_t ttl_cost = 0) noexcept;

    // The same in steps, for bursts. A place holds what was found there until the next insert().
    using Words = std::span<const std::uint32_t>;
    template <typename TheirWords>
    std::uint64_t hash(const TheirWords& words) const noexcept {
        return hash_of(words, key_);
    }
    void prefetch(std::uint64_t hash) const noexcept { fetch_line(&tags_[set_of(hash)]); }
    /// A place whose tag fits, fetched; unknown where there is none.
    std::uint32_t prefetch_place(std::uint64_t hash) const noexcept;
    /// unknown where it is not.
    std::uint32_t place_of(Words words, std::uint64_t hash, std::uint32_t epoch) const noexcept {
        const std::uint32_t place = place_of(words, hash);
        return place == unknown || entries_[place].epoch != epoch ? unknown : place;
    }
    /// What carries the packets out, or denied.
    std::uint32_t program(std::uint32_t place) const noexcept { return entries_[place].program; }
    std::uint8_t ttl_cost(std::uint32_t place) const noexcept { return entries_[place].ttl_cost; }
    void use(std::uint32_t place, std::uint32_t tick) noexcept { entries_[place].last_used = tick; }
    /// Where packets of a trace went last, for those that all go to one gateway.
    const NeighbourHint& neighbour(std::uint32_t place) const noexcept { return entries_[place].neighbour; }
    void set_neighbour(std::uint32_t place, const NeighbourHint& hint) noexcept {
        entries_[place].neighbour = hint;
    }
    /// How often something was inserted.
    std::uint32_t changes() const noexcept { return changes_; }

    std::uint32_t capacity() const noexcept { return static_cast<std::uint32_t>(entries_.size()); }
    const TenantShares& shares() const noexcept { return shares_; }
    static constexpr std::size_t bytes_a_trace() { return sizeof(Entry) + sizeof(std::uint32_t); }

  private:
    static constexpr std::uint32_t ways = 8;
    using Tags = std::array<std::uint32_t, ways>;  // 0: empty

    struct alignas(64) Entry {
        std::uint32_t program = unknown;
        std::uint32_t epoch = 0;
        std::uint32_t last_used = 0;
        std::uint16_t tenant = 0;
        std::uint8_t ttl_cost = 0;
        NeighbourHint neighbour;
        TraceKey key;
    };
    static_assert(sizeof(Entry) == 128);

    static std::uint32_t tag_of(std::uint64_t hash) noexcept {
        return static_cast<std::uint32_t>(hash >> 32) | 1;
    }
    std::uint32_t set_of(std::uint64_t hash) const noexcept {
        return static_cast<std::uint32_t>(hash) & set_mask_;
    }
    std::uint32_t place_of(Words words, std::uint64_t hash) const noexcept;
    std::uint32_t place_for(std::uint16_t tenant, std::uint64_t hash) const noexcept;

    HashKey key_;
    std::uint32_t set_mask_;
    std::vector<Tags> tags_;
    std::vector<Entry> entries_;
    TenantShares shares_;
    std::uint32_t changes_ = 0;
};

}  // namespace sluice
