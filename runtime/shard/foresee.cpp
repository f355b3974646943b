// SPDX-License-Identifier: Apache-2.0
//
// Packets of a burst that no flow is known of will probably open sessions. What that touches, as far as it can
// be foreseen from the key and the tenant's first NAT rule, is fetched for all of them at once, in two rounds:
// where the choice of a port looks, then where the chosen tuple goes. A wrong guess costs a few useless lines
// and changes nothing.
#include "runtime/shard/shard_state.h"

namespace sluice {

void Shard::State::foresee(std::span<const Glance> all) {
    std::array<const Glance*, most_burst_frames> unknown;
    std::array<InsideEndpoint, most_burst_frames> inside;
    std::array<NatTable::Search, most_burst_frames> searches;
    std::size_t count = 0;
    std::uint32_t sessions_to_come = 0;
    for (const Glance& glance : all) {
        if (!glance.matched || glance.candidate != no_flow) continue;
        const Ingress& ingress = ingresses[glance.ingress];
        if (!ingress.stateful) continue;
        ++sessions_to_come;
        if (ingress.first_snat_rule == no_row) continue;
        unknown[count] = &glance;
        inside[count] = {.ip = Ip::from_v4(__builtin_bswap32(glance.key.source)),
                         .snat_rule = ingress.first_snat_rule,
                         .port = __builtin_bswap16(glance.key.source_port),
                         .tenant = glance.key.scope,
                         .protocol = glance.key.protocol,
                         .family = Family::v4};
        searches[count] = nat.foresee(inside[count]);
        ++count;
    }
    if (sessions_to_come == 0) return;
    sessions.prefetch_new(sessions_to_come);
    const TagIndex& index = sessions.flows.index();
    for (std::size_t i = 0; i < count; ++i) {
        const auto choice = nat.foresee(inside[i], searches[i]);
        if (!choice) continue;
        FlowKey reply = unknown[i]->key;
        reply.source = unknown[i]->key.destination;
        reply.source_port = unknown[i]->key.destination_port;
        reply.destination = __builtin_bswap32(choice->external_ip.v4());
        reply.destination_port = __builtin_bswap16(choice->external_port);
        const std::uint64_t hash = hash_of(reply, key);
        index.prefetch(hash);
        index.prefetch_second(hash);
    }
}

}  // namespace sluice
