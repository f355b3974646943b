// SPDX-License-Identifier: Apache-2.0
//
// What other threads may read while packets run: for metrics.
#include "runtime/shard/shard_state.h"

namespace sluice {

const Counters& Shard::live_counters() const {
    return state_->counters;
}

Shard::Levels Shard::live_levels() const {
    const State& state = *state_;
    return {.held = std::uint64_t{state.neighbours.held_packets()} + state.fragments.held_fragments(),
            .sessions = state.sessions.size(),
            .mappings = state.nat.size(),
            .blocks = state.nat.blocks()};
}

PoolUse Shard::live_use_of_pool(std::uint16_t tenant, std::uint32_t position) const {
    return state_->nat.use_of_pool(tenant, position);
}

}  // namespace sluice
