// SPDX-License-Identifier: Apache-2.0
//
// Another image under a running shard. activate() swaps what was prepared, between two bursts; settle_in() does
// what needs the time and an output, before the next one.
#include <algorithm>

#include "runtime/shard/shard_state.h"
#include "runtime/state/nat_change.h"

namespace sluice {

Shard::Activation Shard::prepare(const Image& next) const {
    Counters counters(next);
    const std::size_t components = counters.drops.size();
    SlotChanges changes(*state_->image, state_->counters, next, counters);
    Activation activation(new ShardActivation{.next = &next,
                                              .changes = std::move(changes),
                                              .counters = std::move(counters),
                                              .ledger = RuleLedger(next.tenants()),
                                              .ingresses = IngressTable(next),
                                              .icmp_limiters = std::vector<IcmpLimiter>(components),
                                              .meters = std::vector<TenantMeters>(next.tenants().size()),
                                              .hosts = state_->hosts_for(next),
                                              .idle_times = state_->idle_times_of(next),
                                              .nat = state_->nat.prepare(next.tenants()),
                                              .judged_again = {}});
    activation->judged_again.reserve(most_held_packets_of_shard);
    return activation;
}

bool Shard::activate(ShardActivation& activation) {
    return state_->activate(activation);
}

std::uint32_t Shard::generation() const {
    return state_->image->generation();
}

std::uint32_t Shard::forgotten() const {
    return state_->forgotten;
}

void Shard::ActivationDeleter::operator()(ShardActivation* activation) const {
    delete activation;
}

bool Shard::State::activate(ShardActivation& activation) {
    const Image& next = *activation.next;
    if (output != nullptr || next.generation() != image->generation() + 1) return false;
    activation.ledger.take_over(ledger, activation.changes);
    activation.counters.take_over(counters, activation.changes);
    std::swap(ledger, activation.ledger);
    std::swap(counters, activation.counters);
    std::swap(ingresses, activation.ingresses);
    if (!activation.changes.same_components) {
        for (const auto& [then, now_] : activation.changes.kept_components) {
            activation.icmp_limiters[now_] = icmp_limiters[then];
        }
        icmp_limiters.swap(activation.icmp_limiters);
    }
    for (const std::uint16_t tenant : activation.changes.kept_tenants)
        activation.meters[tenant] = meters[tenant];
    meters.swap(activation.meters);
    if (activation.hosts != nullptr) hosts = std::move(activation.hosts);
    idle_times.swap(activation.idle_times);
    judged_again.swap(activation.judged_again);
    nat.activate(*activation.nat);
    image = &next;
    return true;
}

void Shard::State::settle_in() {
    const auto is_intact = [this](InterfaceRef ref) {
        return image->has(ref) && image->tenants()[ref.tenant].link_changed(ref.interface) <= settled;
    };
    judged_again.clear();
    neighbours.take_held(
        [&](const HeldPacket& held) {
            const Program& program = held.plan.program;
            if (image->tenants()[program.ingress.tenant].closure_changed <= settled) return false;
            // An ICMP error was translated when it came to wait: it cannot begin anew, but it can still leave.
            return !held.plan.translated || !is_intact(program.egress);
        },
        [&](const HeldPacket& held) { judged_again.push_back(held); });
    fragments.release_if(
        [&](const FragmentKey& of) {
            return !image->has({of.tenant, of.interface});
        },
        [&](const FragmentKey& of, const HeldFragment& fragment) {
            drop(fragment.frame, router_of(of.tenant), DropReason::LFE_GONE);
        });
    forget_stations();  // first: neighbours are where they are said to be
    forget_neighbours();
    settled = image->generation();
    for (const HeldPacket& held : judged_again) {
        if (image->has(held.plan.program.ingress) && !held.plan.translated) uncount(held);
    }
    for (HeldPacket& held : judged_again) judge_held(held);
    judged_again.clear();
    if (image->vanished() <= forgotten) {
        if (sweep_until == 0) forgotten = settled;
    } else if (sweep_until == 0) {
        sweep_until = settled;
        sweep_cursor = 0;
    }
}

void Shard::State::forget_neighbours() {
    neighbours.forget_if([this](const Neighbour& neighbour) {
        const InterfaceRef at = neighbour.interface;
        const TenantView& tenant = image->tenants()[at.tenant];
        if (tenant.section_changed <= settled) return false;
        if (!image->has(at) || tenant.link_changed(at.interface) > settled) return true;
        if (!has_way(at, neighbour.tunnel)) return true;
        const std::uint16_t position = tenant.interface_position(at.interface);
        if (neighbour.state != NeighbourState::permanent) return false;
        return std::ranges::none_of(tenant.neighbours, [&](const image::StaticNeighbour& row) {
            return row.interface() == position && from_image(row.ip()) == neighbour.ip &&
                   row.family() == static_cast<std::uint8_t>(neighbour.family);
        });
    });
    for (const TenantView& tenant : image->tenants()) {
        if (tenant.section_changed <= settled) continue;
        add_static_neighbours(tenant);
    }
}

void Shard::State::judge_held(HeldPacket& held) {
    const InterfaceRef ingress = held.plan.program.ingress;
    if (!image->has(ingress) || held.plan.translated) {
        return drop(held.packet.frame, router_of(ingress.tenant), DropReason::LFE_GONE);
    }
    if (held.plan.originated) return send_routed(held.packet, ingress, router_of(ingress.tenant));
    Arrival arrival;
    arrival.packet = held.packet;
    arrival.ingress = ingress;
    judge({&arrival.packet, 1}, !arrival.packet.ip.fragment, arrival);
}

// The sessions of its path counted it when it came to wait; they will again.
void Shard::State::uncount(const HeldPacket& held) {
    if (held.plan.originated) return;
    for (std::uint32_t i = 0; i < held.plan.program.session_count; ++i) {
        const SessionRef session = held.plan.sessions[i];
        if (!sessions.alive(session)) continue;
        sessions.flow(session, held.plan.directions[i]).uncount(held.packet.frame.length);
    }
}

}  // namespace sluice
