// SPDX-License-Identifier: Apache-2.0
#include "runtime/shard/dry_run.h"

#include "runtime/shard/shard_state.h"

namespace sluice {

void Shard::dry_run(const PacketView& packet, InterfaceRef ingress, DryRun& run) const {
    const State& state = *state_;
    const TenantView& entered = state.image->tenants()[ingress.tenant];
    run.came_by = ingress;
    ingress = entered.ref(entered.entered_by(entered.interface_position(ingress.interface)));
    run.packet = packet;
    run.neighbour.reset();
    run.remote.reset();
    run_pipeline(*state.image, {state.sessions, state.nat, state.key, state.link_states}, {&run.packet, 1},
                 true, ingress, run.trace);
    if (run.trace.fate != Fate::forward) return;
    const Hop& last = run.trace.last_hop();
    const std::uint32_t found = state.neighbours.find(
        state.image->tenants()[last.tenant].ref(last.out_interface), last.next_hop, run.trace.leaving.family);
    if (found == no_neighbour) return;
    run.neighbour = state.neighbours[found];
    const std::uint32_t way = run.neighbour->tunnel;
    if (way != no_tunnel && !is_attachment(way)) run.remote = state.tunnels[way].remote.ip;
}

void Shard::dry_switch(InterfaceRef came_by, Mac mac, SwitchRun& run) const {
    const State& state = *state_;
    run = switch_by_policy(*state.image, came_by, mac);
    const TenantView& tenant = state.image->tenants()[came_by.tenant];
    const InterfaceRef segment = tenant.ref(tenant.entered_by(tenant.interface_position(came_by.interface)));
    const std::uint32_t set = state.stations.set_way(segment, mac);
    if (set == no_tunnel && run.known_by == SwitchRun::KnownBy::policy) return;
    const std::uint32_t way = state.stations.find(segment, mac, state.now);
    if (way == no_tunnel) return;
    run.known_by = set != no_tunnel ? SwitchRun::KnownBy::command : SwitchRun::KnownBy::frames;
    run.remote.reset();
    if (is_attachment(way)) {
        run.attachment = attachment_of(way);
    } else {
        run.remote = state.tunnels[way].remote.ip;
    }
}

}  // namespace sluice
