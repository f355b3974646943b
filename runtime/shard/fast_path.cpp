// SPDX-License-Identifier: Apache-2.0
//
// The flow cache at work: guards, then the program. Whatever a guard refuses runs the pipeline and the entry
// stays.
#include "runtime/shard/shard_state.h"

namespace sluice {

bool Shard::State::serve_from_cache(Arrival& arrival) {
    const std::uint32_t index = flows.find(arrival.key, arrival.hash);
    if (index == no_flow) return false;
    Flow& flow = flows[index];
    const Program& program = programs[flow.program];
    PacketView& packet = arrival.packet;
    if (packet.ip.ttl <= program.ttl_cost || packet.ip.total_length > program.mtu) return false;
    const Neighbour& neighbour = neighbours[flow.values.neighbour];
    if (neighbour.version != flow.neighbour_version) {
        // It changed its state or MAC. Still usable: take what is new, and let a stale one be probed, as the
        // pipeline would.
        const bool same = neighbour.ip == flow.values.next_hop && neighbour.interface == program.egress &&
                          neighbour.family == packet.ip.family;
        if (!same || !neighbour.usable()) return false;
        neighbours.touch(flow.values.neighbour, now);
        flow.neighbour_mac = neighbour.mac;
        flow.neighbour_version = neighbour.version;
        ++counters.cache.revalidated;
    }
    ++counters.cache.flow_hits;
    ++flow.packets;
    flow.rx_bytes += packet.frame.length;
    flow.last_seen = now;
    if (packet.ip.l4_kind == L4Kind::tcp && (packet.ip.tcp_flags & tcp_ack) != 0) {
        flow.seen_ack = true;
        flow.last_ack = packet.ip.tcp_acknowledgement;
    }
    std::optional<std::uint16_t> ip_id;
    if (flow.values.ip_id_slot != no_ip_id_slot && IpIds::needs_id(packet.ip)) {
        ip_id = ip_ids.next(flow.values.ip_id_slot);
    }
    execute(packet, program, flow.values, flow.neighbour_mac, ip_id);
    return true;
}

void Shard::State::install(const Plan& plan, const PacketView& packet, const FlowKey& key_,
                           std::uint64_t hash) {
    if (const std::uint32_t old = flows.find(key_, hash); old != no_flow) clear_flow(old);
    // One cached flow a direction: the session must be able to end all it has.
    for (std::uint32_t i = 0; i < plan.program.session_count; ++i) {
        const Session& session = sessions[plan.values.sessions[i]];
        const std::uint32_t old = session.flow[static_cast<std::size_t>(plan.values.directions[i])];
        if (old != no_flow) clear_flow(old);
    }
    const std::uint32_t program = programs.intern(plan.program);
    if (program == no_program) return;
    const std::uint32_t index = flows.place_for(hash);
    if (flows[index].live) clear_flow(index);
    Flow& flow = flows.occupy(index, key_, hash);
    flow.program = program;
    flow.values = plan.values;
    flow.neighbour_mac = neighbours[plan.values.neighbour].mac;
    flow.neighbour_version = neighbours[plan.values.neighbour].version;
    flow.last_seen = now;
    if (packet.ip.l4_kind == L4Kind::tcp && (packet.ip.tcp_flags & tcp_ack) != 0) {
        flow.seen_ack = true;
        flow.last_ack = packet.ip.tcp_acknowledgement;
    }
    for (std::uint32_t i = 0; i < plan.program.session_count; ++i) {
        sessions[plan.values.sessions[i]].flow[static_cast<std::size_t>(plan.values.directions[i])] = index;
    }
}

void Shard::State::fold(Flow& flow) {
    if (flow.packets == 0) return;
    const Program& program = programs[flow.program];
    const auto add = [&](PacketCount& count, std::uint64_t bytes) {
        count.packets += flow.packets;
        count.bytes += bytes;
    };
    add(counters.tenants[program.ingress.tenant].rx, flow.rx_bytes);
    for (std::uint32_t i = 0; i < program.session_count; ++i) {
        RuleCount& rule = counters.rule(program.rules[i].tenant, program.rules[i].rule);
        rule.packets += flow.packets;
        rule.bytes += flow.rx_bytes;
        Session& session = sessions[flow.values.sessions[i]];
        const auto direction = static_cast<std::size_t>(flow.values.directions[i]);
        session.packets[direction] += flow.packets;
        session.bytes[direction] += flow.rx_bytes;
    }
    flow.folded_packets += flow.packets;
    flow.folded_bytes += flow.rx_bytes;
    flow.packets = flow.rx_bytes = 0;
}

void Shard::State::clear_flow(std::uint32_t index) {
    Flow& flow = flows[index];
    fold(flow);
    const std::uint32_t count = programs[flow.program].session_count;
    for (std::uint32_t i = 0; i < count; ++i) {
        Session& session = sessions[flow.values.sessions[i]];
        const auto direction = static_cast<std::size_t>(flow.values.directions[i]);
        if (session.flow[direction] != index) continue;
        gather(session);
        session.flow[direction] = no_flow;
    }
    programs.release(flow.program);
    flows.clear(index);
}

}  // namespace sluice
