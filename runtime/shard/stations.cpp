// SPDX-License-Identifier: Apache-2.0
//
// Where somebody says that stations are: over the control socket, while packets flow.
#include "runtime/shard/shard_state.h"

namespace sluice {

std::optional<std::uint32_t> Shard::set_station(InterfaceRef segment, Mac mac, const StationPlace& place) {
    State& state = *state_;
    std::uint32_t way = no_tunnel;
    if (place.attachment) {
        way = way_by_attachment(*place.attachment);
    } else {
        const TenantView& tenant = state.image->tenants()[segment.tenant];
        way = state.tunnel_to(tenant, tenant.interface_position(segment.interface), *place.remote);
    }
    if (way == no_tunnel || !state.stations.set(segment, mac, way, state.now)) return std::nullopt;
    return state.neighbours.move(segment, mac, way);
}

std::optional<std::uint32_t> Shard::unset_station(InterfaceRef segment, Mac mac) {
    State& state = *state_;
    if (!state.stations.unset(segment, mac)) return std::nullopt;
    std::uint32_t found = 0;
    const auto is_it = [&](const Neighbour& neighbour) {
        return neighbour.interface == segment && neighbour.mac == mac;
    };
    state.neighbours.renew_if([&](const Neighbour& neighbour) {
        found += is_it(neighbour) ? 1 : 0;
        return is_it(neighbour);
    });
    // Who was found by asking is asked again; who stands in the policy is where that says.
    state.neighbours.forget_if([&](const Neighbour& neighbour) {
        return is_it(neighbour) && neighbour.state != NeighbourState::permanent;
    });
    state.add_static_neighbours(state.image->tenants()[segment.tenant]);
    return found;
}

std::optional<StationSummary> Shard::station(std::uint32_t place) const {
    const State& state = *state_;
    const StationTable::Entry* const entry = state.stations.at(place, state.now);
    if (entry == nullptr) return std::nullopt;
    StationSummary summary{
        .segment = entry->interface, .mac = entry->mac, .set = entry->set, .seen = entry->seen};
    if (is_attachment(entry->way)) {
        summary.place.attachment = attachment_of(entry->way);
    } else {
        summary.place.remote = state.tunnels[entry->way].remote.ip;
    }
    return summary;
}

std::uint32_t Shard::station_places() const {
    return state_->settings.stations;
}

}  // namespace sluice
