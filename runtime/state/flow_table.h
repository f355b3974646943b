// SPDX-License-Identifier: Apache-2.0
//
// All flow entries of one shard and the index over them. Three regions: sessions of one line a direction,
// sessions of two (wide), and stateless flows. A session is the pair 2n, 2n + 1 (forward, reverse), so a
// direction's partner is index ^ 1. Session entries stay until their session ends; stateless ones give way.
//
// Owner shard only. Allocates in the constructor only. A hit: one line of tags and the entry's line.
#pragma once

#include <array>
#include <cstdint>

#include "runtime/state/big_array.h"
#include "runtime/state/fetch_line.h"
#include "runtime/state/flow_entry.h"
#include "runtime/state/tag_index.h"

namespace sluice {

constexpr std::uint32_t no_flow = TagIndex::none;

/// How much a shard can hold.
struct FlowCapacity {
    std::uint32_t sessions = 0;       // in all
    std::uint32_t wide_sessions = 0;  // of them: IPv6, both sides translated, several on a path
    std::uint32_t stateless_flows = 0;
};

class FlowTable {
  public:
    FlowTable(const FlowCapacity& capacity, const HashKey& key);

    const HashKey& hash_key() const noexcept { return key_; }
    const TagIndex& index() const noexcept { return index_; }
    std::uint32_t find(const FlowProbe& probe) const noexcept;
    /// IPv4, whose key is all there is.
    std::uint32_t find(const FlowKey& wanted, std::uint64_t hash) const noexcept {
        return find(wanted, index_.home_of(hash));
    }
    std::uint32_t find(const FlowKey& wanted, const TagIndex::Home& home) const noexcept {
        return index_.find(home, [&](std::uint32_t at) { return entries_[at].key == wanted; });
    }

    /// Makes entry `at`, which must be empty, findable; everything but the key is reset. False: no room.
    bool put(std::uint32_t at, const FlowProbe& probe) noexcept;
    /// IPv4, by where the index is to have it.
    bool put(std::uint32_t at, const FlowKey& key, const TagIndex::Home& home) noexcept {
        if (!index_.insert(home, at, [this](std::uint32_t other) { return hash(other); })) return false;
        FlowEntry& entry = entries_[at];
        entry = FlowEntry{};
        entry.key = key;
        entry.program = no_program;
        newcomers_[home.tag >> 29] |= std::uint64_t{1} << (home.first & 63);
        return true;
    }
    void remove(std::uint32_t at) noexcept { remove(at, index_.home_of(hash(at))); }
    void remove(std::uint32_t at, const TagIndex::Home& home) noexcept {
        index_.erase(home, at);
        entries_[at].key = FlowKey{};
    }

    // For bursts: what was not there when they began need not be looked for again when its turn comes.
    void forget_newcomers() noexcept { newcomers_.fill(0); }
    /// False: no entry of this home was put in since. True: perhaps.
    bool may_have_come(const TagIndex::Home& home) const noexcept {
        return (newcomers_[home.tag >> 29] >> (home.first & 63) & 1) != 0;
    }

    /// Of a live entry's key: where the index has it.
    std::uint64_t hash(std::uint32_t at) const noexcept { return hash_of(entries_[at].key, key_); }
    /// Where the next stateless flow goes: an empty entry, or of the next few the one not used for longest,
    /// which the caller must remove first.
    std::uint32_t place_for_stateless(std::uint32_t tick) noexcept;

    FlowEntry* data() noexcept { return &entries_[0]; }
    FlowEntry& operator[](std::uint32_t at) noexcept { return entries_[at]; }
    const FlowEntry& operator[](std::uint32_t at) const noexcept { return entries_[at]; }
    void prefetch(std::uint32_t at) const noexcept { fetch_line(&entries_[at]); }
    bool live(std::uint32_t at) const noexcept { return entries_[at].key.kind != FlowKind::none; }

    std::uint32_t first_wide() const noexcept { return first_wide_; }
    std::uint32_t first_stateless() const noexcept { return first_stateless_; }
    std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(entries_.size()); }
    bool is_session(std::uint32_t at) const noexcept { return at < first_stateless_; }
    bool is_wide(std::uint32_t at) const noexcept { return at >= first_wide_; }
    WideLine& wide(std::uint32_t at) noexcept { return wide_[at - first_wide_]; }
    const WideLine& wide(std::uint32_t at) const noexcept { return wide_[at - first_wide_]; }

    /// What the packets of an entry carry before any translation.
    Tuple tuple(std::uint32_t at) const noexcept;
    /// One address of it.
    Ip address(std::uint32_t at, bool source) const noexcept {
        const FlowKey& key = entries_[at].key;
        if (key.kind == FlowKind::session4 || key.kind == FlowKind::stateless4) {
            return Ip::from_v4(__builtin_bswap32(source ? key.source : key.destination));
        }
        return source ? wide(at).source : wide(at).destination;
    }

  private:
    HashKey key_;
    std::uint32_t first_wide_, first_stateless_;
    std::uint32_t hand_;
    TagIndex index_;
    std::array<std::uint64_t, 8> newcomers_{};  // bits by tag and line: a Bloom filter
    BigArray<FlowEntry> entries_;
    BigArray<WideLine> wide_;
};

}  // namespace sluice
