// SPDX-License-Identifier: Apache-2.0
//
// The flow table at work: guards, then the program. Whatever a guard refuses runs the pipeline and the entry
// stays.
#include "runtime/shard/shard_state.h"

namespace sluice {
namespace {

/// What a path with several sessions has in common with one that is served without a session of its own
/// ingress: where the first stateful router comes.
std::uint32_t first_stateful_hop(const Trace& trace) {
    std::uint32_t at = 0;
    while (at < trace.hop_count && !trace.hops[at].stateful) ++at;
    return at;
}

}  // namespace

bool Shard::State::serve_from_cache(Arrival& arrival) {
    FlowTable& flows = sessions.flows;
    std::uint32_t at = flows.find(arrival.flow);
    arrival.absent = at == no_flow;
    if (arrival.absent) return false;
    if (!flows.is_session(at) && flows[at].program == no_program) {
        // A stateful router comes behind the first one: its session is the flow.
        flows[at].last_seen = seen_tick();
        const IpView& ip = arrival.packet.ip;
        if (flows[at].aside == 0) return false;
        const auto scope = static_cast<std::uint16_t>(flows[at].aside - 1);
        at = flows.find(FlowProbe::of(Endpoints::of(ip).tuple(scope, ip.protocol), true, key));
        if (at == no_flow) return false;
    }
    return serve(arrival, at);
}

bool Shard::State::path_stands(const Program& program, std::uint32_t epoch) const {
    for (std::uint32_t i = 0; i < program.router_count; ++i) {
        if (image->tenants()[program.routers[i]].section_changed > epoch) return false;
    }
    return true;
}

bool Shard::State::serve(Arrival& arrival, std::uint32_t at) {
    FlowTable& flows = sessions.flows;
    FlowEntry& entry = flows[at];
    PacketView& packet = arrival.packet;
    if (entry.program == no_program || entry.ingress != arrival.ingress_number) return false;
    const Program& program = programs[entry.program];
    if (const std::uint32_t epoch = ingresses[arrival.ingress_number].epoch; entry.epoch != epoch) {
        if (!path_stands(program, entry.epoch)) {
            arrival.stale = at;
            return false;
        }
        entry.epoch = epoch;
        ++counters.cache.revalidated;
    }
    const IpView& ip = packet.ip;
    if (ip.ttl <= program.ttl_cost || ip.total_length > program.mtu) return false;
    const bool acknowledges = ip.l4_kind == L4Kind::tcp && (ip.tcp_flags & tcp_ack) != 0;
    if (acknowledges && !entry.seen_ack) return false;
    const std::uint32_t neighbour = entry.neighbour;
    if (neighbours.use_of(neighbour).life != entry.neighbour_version) {
        ++counters.cache.invalidated;
        clear_program(at);
        return false;
    }
    if (!neighbours.use_of(neighbour).ready) {
        if (!neighbours[neighbour].usable()) return false;
        neighbours.touch(neighbour, now);  // a stale one is to be probed, as the pipeline would have it
        ++counters.cache.revalidated;
    }
    ++counters.cache.flow_hits;
    counters.tenants[program.ingress.tenant].rx.add(packet.frame.length);
    const auto count_in = [&](FlowEntry& counted) {
        counted.count(packet.frame.length);
        counted.last_seen = seen_tick();
        if (acknowledges) counted.last_ack = ip.tcp_acknowledgement;
    };
    count_in(entry);
    if (program.session_count > 1) {
        for (const std::uint32_t other : sessions.wide(sessions.ref_of(at >> 1)).chain[at & 1]) {
            if (other == no_flow) break;
            count_in(flows[other]);
        }
    }
    const Translation translation = translation_of(at, program, ip);
    std::optional<std::uint16_t> ip_id;
    if (program.new_source && IpIds::needs_id(ip)) {
        ip_id = ip_ids.next(ip_ids.slot_of(translation.source, translation.destination));
    }
    execute(packet, program, translation, neighbours.use_of(neighbour).station(), ip_id);
    return true;
}

Translation Shard::State::translation_of(std::uint32_t at, const Program& program, const IpView& packet) const {
    const FlowTable& flows = sessions.flows;
    const FlowEntry& entry = flows[at];
    if (!program.new_source && !program.new_destination) return {};
    if (flows.is_wide(at)) {
        const WideLine& line = flows.wide(at);
        return Translation::between(packet, line.new_source, line.new_destination,
                                    static_cast<std::uint16_t>(entry.new_address >> 16),
                                    static_cast<std::uint16_t>(entry.new_address));
    }
    const Ip address = Ip::from_v4(__builtin_bswap32(entry.new_address));
    const std::uint16_t port = __builtin_bswap16(entry.new_port);
    return program.new_source
               ? Translation::between(packet, address, packet.destination, port, packet.destination_port)
               : Translation::between(packet, packet.source, address, packet.source_port, port);
}

std::uint32_t Shard::State::stateless_entry(const Arrival& arrival) {
    FlowTable& flows = sessions.flows;
    std::uint32_t at = flows.find(arrival.flow);
    if (at != no_flow) return at;
    at = flows.place_for_stateless(seen_tick());
    if (at == no_flow) return no_flow;
    if (flows.live(at)) {
        clear_program(at);
        flows.remove(at);
    }
    return flows.put(at, arrival.flow) ? at : no_flow;
}

void Shard::State::install(const Plan& plan, std::uint32_t program, const Arrival& arrival) {
    FlowTable& flows = sessions.flows;
    const std::uint32_t first = first_stateful_hop(trace);
    const bool has_session = first < trace.hop_count;
    std::uint32_t at = no_flow;
    if (has_session) at = trace.hops[first].session.flow(trace.hops[first].direction);
    if (first > 0 && !arrival.behind_link) {
        const std::uint32_t entrance = stateless_entry(arrival);
        if (entrance == no_flow) return;
        clear_program(entrance);
        flows[entrance].last_seen = seen_tick();
        flows[entrance].aside = has_session ? trace.hops[first].tenant + 1u : 0u;
        if (!has_session) at = entrance;
    }
    clear_program(at);
    const bool both = plan.program.new_source && plan.program.new_destination;
    if (both && !flows.is_wide(at)) return;
    if (plan.program.session_count > 1 && !chain(at, first)) return;
    if (program == no_program) {
        program = programs.intern(plan.program);
        if (program == no_program) return;
    } else {
        programs.share(program);
    }
    FlowEntry& entry = flows[at];
    entry.program = program;
    entry.ingress = arrival.ingress_number;
    entry.epoch = ingresses[arrival.ingress_number].epoch;
    entry.neighbour = plan.values.neighbour;
    entry.neighbour_version = neighbours.use_of(plan.values.neighbour).life;
    if (!has_session) {
        entry.seen_ack = 1;  // nobody asks
        entry.last_seen = seen_tick();
        entry.count(arrival.packet.frame.length);
    }
    const Translation& to = plan.values.translation;
    if (flows.is_wide(at) && has_session) {
        flows.wide(at).new_source = to.source;
        flows.wide(at).new_destination = to.destination;
        entry.new_address = std::uint32_t{to.source_port} << 16 | to.destination_port;
    } else if (plan.program.new_source || plan.program.new_destination) {
        const bool source = plan.program.new_source;
        entry.new_address = __builtin_bswap32(source ? to.source.v4() : to.destination.v4());
        entry.new_port = __builtin_bswap16(source ? to.source_port : to.destination_port);
    }
    entry.l4_delta = __builtin_bswap16(to.l4_delta);
    // Taking `cost` from the TTL adds ~(cost << 8) to the sum (RFC 1624 eqn 3), whatever the TTL was.
    ChecksumDelta l3 = ChecksumDelta::from_value(to.l3_delta);
    l3.replace16(static_cast<std::uint16_t>(plan.program.ttl_cost << 8), 0);
    entry.l3_delta = __builtin_bswap16(l3.value());
}

bool Shard::State::chain(std::uint32_t head, std::uint32_t first) {
    const SessionRef leader = trace.hops[first].session;
    if (!sessions.is_wide(leader)) return false;
    std::array<std::uint32_t, most_routers - 1> chained;
    std::uint32_t count = 0;
    for (std::uint32_t i = first + 1; i < trace.hop_count; ++i) {
        const Hop& hop = trace.hops[i];
        if (!hop.stateful) continue;
        if (!sessions.is_wide(hop.session)) return false;
        chained[count++] = hop.session.flow(hop.direction);
    }
    for (std::uint32_t i = 0; i < count; ++i) {
        std::uint32_t& behind = sessions.wide(sessions.ref_of(chained[i] >> 1)).head[chained[i] & 1];
        if (behind != no_flow && behind != head) clear_program(behind);
        behind = head;
    }
    if (count < chained.size()) chained[count] = no_flow;
    sessions.wide(leader).chain[head & 1] = chained;
    return true;
}

void Shard::State::clear_program(std::uint32_t at) {
    FlowEntry& entry = sessions.flows[at];
    if (entry.program == no_program) return;
    programs.release(entry.program);
    entry.program = no_program;
    if (!sessions.flows.is_session(at) || !sessions.flows.is_wide(at)) return;
    for (std::uint32_t& other : sessions.wide(sessions.ref_of(at >> 1)).chain[at & 1]) {
        if (other == no_flow) break;
        sessions.wide(sessions.ref_of(other >> 1)).head[other & 1] = no_flow;
        other = no_flow;
    }
}

void Shard::State::clear_programs(SessionRef session) {
    for (const Direction direction : {Direction::forward, Direction::reverse}) {
        clear_program(session.flow(direction));
        if (!sessions.is_wide(session)) continue;
        const std::uint32_t head = sessions.wide(session).head[static_cast<std::size_t>(direction)];
        if (head != no_flow) clear_program(head);
    }
}

}  // namespace sluice
