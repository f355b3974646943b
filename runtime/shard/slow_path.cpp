// SPDX-License-Identifier: Apache-2.0
//
// What the cache does not serve: the pipeline, and the fates it ends in.
#include <bit>

#include "runtime/cache/synthesize.h"
#include "runtime/shard/shard_state.h"

namespace sluice {

void Shard::State::run_slow_path(Arrival& arrival) {
    PacketView& packet = arrival.packet;
    if (receive_neighbour_message(arrival)) return;
    if (packet.l2.destination.is_group()) {
        ++counters.cache.uncacheable[static_cast<std::size_t>(NoCacheReason::GROUP)];
        const Component interface =
            counters.interface_component(arrival.ingress.tenant, arrival.ingress.interface);
        return leave_to_others(arrival, interface, DropReason::NOT_OURS);
    }
    // A known flow's packets are only judged anew: a change of the policy costs none of them.
    const bool of_known_flow = arrival.probe && !arrival.absent;
    if (!of_known_flow && !may_take_slow_path(arrival.ingress.tenant)) {
        const Component interface =
            counters.interface_component(arrival.ingress.tenant, arrival.ingress.interface);
        return drop(packet.frame, interface, DropReason::SLOW_PATH_RATE);
    }
    if (settings.cache == CacheTiers::trace_cache && serve_by_trace(arrival)) return;
    judge({&packet, 1}, !packet.ip.fragment, arrival);
}

void Shard::State::judge(std::span<PacketView> packets, bool whole, Arrival& arrival) {
    const InterfaceRef ingress = arrival.ingress;
    ++counters.cache.pipeline_runs;
    run_pipeline(*image, {sessions, nat, key, link_states}, packets, whole, ingress, trace);
    while (trace.fate == Fate::no_session) {
        end_session(trace.last_hop().session);
        ++counters.sessions.ended;
        run_pipeline(*image, {sessions, nat, key, link_states}, packets, whole, ingress, trace);
    }
    const Component component = component_of_trace();
    switch (trace.fate) {
        case Fate::forward:
            return forward(packets, arrival);
        case Fate::reassemble:
            return add_fragment(arrival, component);
        case Fate::echo:
            answer_echo(packets, ingress, component);
            break;
        case Fate::unreachable:
            refuse(packets.front(), ingress, component, IcmpError::port_unreachable);
            for (const PacketView& packet : packets) consume(packet.frame);
            break;
        case Fate::reject:
            refuse(packets.front(), ingress, component, *trace.error);
            [[fallthrough]];
        case Fate::no_session:  // ended above
        case Fate::drop:
            if (trace.fate == Fate::drop && trace.error) {
                send_icmp_error(*trace.error, packets.front(), ingress, component, trace.mtu,
                                speaker_of_trace(packets.front().ip));
            }
            count_denied(packets);
            if (trace.reason == DropReason::FW_REEVAL_DENY) {
                end_session(trace.last_hop().session);
                ++counters.sessions.ended;
            }
            for (const PacketView& packet : packets) drop(packet.frame, component, trace.reason);
            break;
    }
    count_uncacheable(trace.no_cache);
}

void Shard::State::count_uncacheable(std::uint32_t no_cache) {
    if (no_cache == 0) return;
    ++counters.cache.uncacheable[static_cast<std::size_t>(std::countr_zero(no_cache))];
}

void Shard::State::count_denied(std::span<const PacketView> packets) {
    if (!trace.denied_by_firewall) return;
    const Hop& hop = trace.last_hop();
    const IpView& first = packets.front().ip;
    log_decision(hop, Endpoints::of(first).tuple(hop.tenant, first.protocol));
    RuleCount& rule = ledger.settled(hop.tenant, hop.rule);
    for (const PacketView& packet : packets) {
        ++rule.packets;
        rule.bytes += packet.frame.length;
    }
}

void Shard::State::log_decision(const Hop& hop, const Tuple& packet) {
    if (hop.rule == default_rule) return;
    const TenantView& tenant = image->tenants()[hop.tenant];
    const image::FirewallRule& rule = tenant.rules[tenant.rule_position(hop.rule)];
    if (rule.log() != 0) output->add({now, packet, hop.rule, rule.action()});
}

void Shard::State::refuse(const PacketView& packet, InterfaceRef ingress, Component component,
                          IcmpError error) {
    if (packet.ip.l4_kind == L4Kind::tcp) {
        send_reset(packet, ingress, component);
    } else {
        send_icmp_error(error, packet, ingress, component, 0, speaker_of_trace(packet.ip));
    }
}

void Shard::State::forward(std::span<PacketView> packets, Arrival& arrival, std::uint32_t program) {
    PacketView& first = packets.front();
    const Component component = component_of_trace();
    const Hop& last = trace.last_hop();
    // What cannot even wait for its neighbour opens no session.
    const std::uint32_t next = neighbours.use(image->tenants()[last.tenant].ref(last.out_interface),
                                              last.next_hop, trace.leaving.family, now);
    if (next == no_neighbour || neighbours[next].state == NeighbourState::failed) {
        trace.forbid_cache(NoCacheReason::NEIGH);
        count_uncacheable(trace.no_cache);
        const auto reason = next == no_neighbour ? DropReason::NEIGH_QUEUE_FULL : DropReason::NEIGH_FAILED;
        for (const PacketView& packet : packets) drop(packet.frame, component, reason);
        return;
    }
    if (const auto reason = commit(packets)) {
        // SYN_LIMIT protects servers from floods, whose sources are forged.
        if (*reason != DropReason::SYN_LIMIT && comes_from_inside(*image, trace)) {
            send_icmp_error(IcmpError::admin_prohibited, first, arrival.ingress, component, 0,
                            speaker_of_trace(first.ip));
        }
        for (const PacketView& packet : packets) drop(packet.frame, component, *reason);
        return;
    }
    Plan plan;
    plan.program = program == no_program ? synthesize(*image, trace, first.ip) : programs[program];
    plan.values.translation = translation_by(trace, first.ip);
    plan.values.neighbour = next;
    plan.crosses = trace.leaving.family != first.ip.family;
    const bool needs_id = plan.crosses ? trace.leaving.family == Family::v4
                                       : first.ip.family == Family::v4 && IpIds::needs_id(first.ip) &&
                                             trace.leaving.source != first.ip.source;
    if (needs_id) {
        plan.new_ip_id = true;
        plan.ip_id = ip_ids.next(ip_ids.slot_of(trace.leaving.source, trace.leaving.destination));
    } else if (plan.crosses) {
        plan.ip_id = static_cast<std::uint16_t>(first.ip.id);  // of the pieces it may have to be cut into
    }
    if (trace.quoted) {
        if (!translate_error(packets, plan)) {
            for (const PacketView& packet : packets)
                drop(packet.frame, component, DropReason::BUFFER_EXHAUSTED);
            return;
        }
        plan.translated = true;
        if (plan.crosses) plan.crosses = plan.new_ip_id = false;
    } else if (plan.crosses) {
        plan.datagram = whole_datagram(packets);
    }
    const Neighbour& neighbour = neighbours[next];
    if (!neighbour.usable()) {
        trace.forbid_cache(NoCacheReason::NEIGH);
        count_uncacheable(trace.no_cache);
        note_sessions(plan);
        for (const PacketView& packet : packets) {
            if (!neighbours.hold(next, {packet, plan}, now)) {
                drop(packet.frame, component, DropReason::NEIGH_FAILED);
            }
        }
        return;
    }
    if (settings.before_insert != nullptr) settings.before_insert(settings.before_insert_argument);
    if (trace.no_cache == 0 && arrival.probe) {
        if (arrival.stale != no_flow) {
            const FlowEntry& known = sessions.flows[arrival.stale];
            if (known.program != no_program && programs[known.program] == plan.program) {
                // The look-ups alone were made again, and came out the same.
                if (!arrival.trace_known) --counters.cache.pipeline_runs;
                ++counters.cache.revalidated;
            }
        }
        install(plan, program, arrival);
    }
    count_uncacheable(trace.no_cache);
    for (PacketView& packet : packets) execute_plan(packet, plan, neighbour.station());
}

void Shard::State::note_sessions(Plan& plan) const {
    std::uint32_t count = 0;
    for (std::uint32_t i = 0; i < trace.hop_count; ++i) {
        if (!trace.hops[i].stateful) continue;
        plan.sessions[count] = trace.hops[i].session;
        plan.directions[count++] = trace.hops[i].direction;
    }
}

bool Shard::State::translate_error(std::span<PacketView> packets, const Plan& plan) {
    const Endpoints& outer = trace.leaving;
    const Endpoints& quoted = trace.quoted_leaving;
    PacketView& first = packets.front();
    if (plan.crosses) {  // whole: fragments of errors have no counterpart
        const auto id = plan.new_ip_id ? std::optional(plan.ip_id) : std::nullopt;
        return translate_error_across(
            first, {outer.source, outer.destination, 0, 0}, *trace.quoted,
            {quoted.source, quoted.destination, quoted.source_port, quoted.destination_port}, id);
    }
    apply_icmp_error_translation(first.l3(), first.ip,
                                 Translation::between(first.ip, outer.source, outer.destination, 0, 0),
                                 *trace.quoted,
                                 Translation::between(trace.quoted->view, quoted.source, quoted.destination,
                                                      quoted.source_port, quoted.destination_port));
    for (PacketView& packet : packets.subspan(1)) {  // the rest of its fragments: addresses alone
        apply_translation(packet.l3(), packet.ip,
                          Translation::between(packet.ip, outer.source, outer.destination, 0, 0));
    }
    return true;
}

void Shard::State::add_fragment(Arrival& arrival, Component component) {
    const IpView& ip = arrival.packet.ip;
    ++counters.cache.uncacheable[static_cast<std::size_t>(NoCacheReason::FRAGMENT)];
    // RFC 8200 4.5: an IPv6 datagram is known by addresses and ID alone; its fragments may name other
    // protocols.
    const FragmentKey fragment_key{.source = ip.source,
                                   .destination = ip.destination,
                                   .id = ip.id,
                                   .tenant = arrival.ingress.tenant,
                                   .interface = arrival.ingress.interface,
                                   .protocol = ip.family == Family::v4 ? ip.protocol : std::uint8_t{0},
                                   .family = ip.family};
    const auto result = fragments.add(fragment_key, arrival.packet, now);
    if (result.outcome == FragmentTable::Outcome::held) return;
    if (result.outcome == FragmentTable::Outcome::refused) {
        for (const HeldFragment& fragment : result.given_back) drop(fragment.frame, component, result.reason);
        return;
    }
    std::array<PacketView, most_fragments> datagram;
    std::copy(result.given_back.begin(), result.given_back.end(), datagram.begin());
    Arrival whole;
    whole.ingress = arrival.ingress;
    whole.ingress_number = arrival.ingress_number;
    judge({datagram.data(), result.given_back.size()}, true, whole);
}

}  // namespace sluice
