// SPDX-License-Identifier: Apache-2.0
//
// The exact flow cache of one shard: (ingress, tuple) to a program and this flow's own values. Sets of eight
// with a line of tags in front; a full set gives up its least recently used flow, so an insert never fails and
// never waits.
//
// An entry counts the packets it served; whoever clears it folds those counts first (take()), so none is lost.
// Owner shard only. Allocates in the constructor only. A hit: one line of tags and the entry's lines.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "runtime/cache/program.h"
#include "runtime/packet/frame.h"
#include "runtime/state/keyed_hash.h"

namespace sluice {

struct FlowKey {
    Tuple tuple;  // scope = the ingress tenant
    std::uint16_t interface = 0;
    friend bool operator==(const FlowKey&, const FlowKey&) = default;
};

struct Flow {
    FlowKey key;
    std::uint32_t program = 0;
    std::uint32_t neighbour_version = 0;
    Mac neighbour_mac;
    bool seen_ack = false;
    bool live = false;
    std::uint32_t last_ack = 0;  // TCP: what this direction acknowledged last, for RST plausibility
    FlowValues values;
    Time last_seen = 0;
    std::uint64_t packets = 0, rx_bytes = 0;             // since the last fold
    std::uint64_t folded_packets = 0, folded_bytes = 0;  // before it
};

class FlowTable {
  public:
    FlowTable(std::uint32_t capacity, const HashKey& key);

    std::uint64_t hash(const FlowKey& key) const noexcept;
    void prefetch(std::uint64_t hash) const noexcept { __builtin_prefetch(&tags_[set_of(hash)]); }
    /// The second pass over a burst: the entry that the tag points to, if any.
    void prefetch_entry(std::uint64_t hash) const noexcept;
    /// no_flow where there is none.
    std::uint32_t find(const FlowKey& key, std::uint64_t hash) const noexcept;
    /// Where a flow of this hash would go: an empty place, or the set's least recently used flow, which the
    /// caller must fold and clear first.
    std::uint32_t place_for(std::uint64_t hash) const noexcept;
    /// `index` from place_for, empty.
    Flow& occupy(std::uint32_t index, const FlowKey& key, std::uint64_t hash) noexcept;
    void clear(std::uint32_t index) noexcept;

    Flow& operator[](std::uint32_t index) noexcept { return flows_[index]; }
    const Flow& operator[](std::uint32_t index) const noexcept { return flows_[index]; }
    std::uint32_t capacity() const noexcept { return static_cast<std::uint32_t>(flows_.size()); }

  private:
    static constexpr std::uint32_t ways = 8;
    using Tags = std::array<std::uint32_t, ways>;  // 0: empty
    std::uint64_t set_of(std::uint64_t hash) const noexcept { return hash & set_mask_; }
    static std::uint32_t tag_of(std::uint64_t hash) noexcept {
        return static_cast<std::uint32_t>(hash >> 32) | 1;
    }

    HashKey key_;
    std::uint64_t set_mask_;
    std::vector<Tags> tags_;
    std::vector<Flow> flows_;
};

}  // namespace sluice
