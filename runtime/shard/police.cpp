// SPDX-License-Identifier: Apache-2.0
//
// What a tenant may have done for it in a second, whoever floods it: packets that enter by its interfaces,
// known flows' too, and packets that run the stages because no known flow or trace carries them. Refused before
// any table of flows is read, so that the excess costs the other tenants little. The limit of new sessions is
// kept where sessions begin (commit.cpp, start.cpp).
#include "runtime/shard/shard_state.h"

namespace sluice {

void Shard::State::police(std::span<const Frame> frames, Glances& glances) {
    for (std::size_t i = 0; i < frames.size(); ++i) {
        Glance& glance = glances[i];
        Arrival& arrival = arrivals[i];
        const std::uint16_t number = glance.matched ? glance.ingress : arrival.ingress_number;
        if (number == no_ingress) continue;
        const InterfaceRef ingress = ingresses[number].interface;
        const std::uint32_t rate = image->tenants()[ingress.tenant].packets_a_second;
        RateMeter& meter = meters[ingress.tenant].packets;
        if (meter.allows(now, rate)) {
            meter.count(now, rate);
            continue;
        }
        if (glance.matched) arrival.packet.frame = frames[i];
        glance.matched = false;
        arrival.kind = Arrival::Kind::dropped;
        arrival.probe = arrival.switched = arrival.flooded = false;
        arrival.ingress_number = number;
        arrival.ingress = ingress;
        arrival.component = counters.interface_component(ingress.tenant, ingress.interface);
        arrival.reason = DropReason::PACKET_RATE;
    }
}

bool Shard::State::may_take_slow_path(std::uint16_t tenant) {
    const std::uint32_t rate = image->tenants()[tenant].slow_path_a_second;
    RateMeter& meter = meters[tenant].slow_path;
    if (!meter.allows(now, rate)) return false;
    meter.count(now, rate);
    return true;
}

}  // namespace sluice
