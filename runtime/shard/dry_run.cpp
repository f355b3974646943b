// SPDX-License-Identifier: Apache-2.0
#include "runtime/shard/dry_run.h"

#include "runtime/shard/shard_state.h"

namespace sluice {

void Shard::dry_run(const PacketView& packet, InterfaceRef ingress, DryRun& run) const {
    const State& state = *state_;
    run.packet = packet;
    run.neighbour.reset();
    run.remote.reset();
    run_pipeline(*state.image, {state.sessions, state.nat, state.key, state.link_states}, {&run.packet, 1},
                 true, ingress, run.trace);
    if (run.trace.fate != Fate::forward) return;
    const Hop& last = run.trace.last_hop();
    const std::uint32_t found = state.neighbours.find(
        state.image->tenants()[last.tenant].ref(last.out_interface), last.next_hop, packet.ip.family);
    if (found == no_neighbour) return;
    run.neighbour = state.neighbours[found];
    const std::uint32_t tunnel = run.neighbour->tunnel;
    if (tunnel != no_tunnel) run.remote = state.tunnels[tunnel].remote;
}

}  // namespace sluice
