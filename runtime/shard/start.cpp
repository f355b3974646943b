// SPDX-License-Identifier: Apache-2.0
//
// A first packet's turn: its flow is opened from what foresee.cpp has found. Whatever does not succeed goes the
// longer ways as if nothing had been foreseen: they alone name drops.
#include "runtime/shard/shard_state.h"

namespace sluice {
namespace {

constexpr std::uint8_t icmp_timestamp = 13;

/// In wire order.
void replace_ipv4(ChecksumDelta& delta, std::uint32_t before, std::uint32_t after) {
    before = __builtin_bswap32(before);
    after = __builtin_bswap32(after);
    delta.replace16(static_cast<std::uint16_t>(before >> 16), static_cast<std::uint16_t>(after >> 16));
    delta.replace16(static_cast<std::uint16_t>(before), static_cast<std::uint16_t>(after));
}

}  // namespace

void Shard::State::judge_start(Start& start, std::uint8_t protocol) {
    RuleAnswer answer;
    const StartRow& row = *start.row;
    if (row.has_rules) {
        answer = memo.decide(image->tenants()[row.tenant], row.tenant, row.version, start.question,
                             start.question_hash);
    }
    const bool by_rule = answer.rule != classifier_no_rule;
    const image::FirewallAction action = by_rule ? answer.action : start.row->default_action;
    start.rule = answer.slot;
    start.judgement = action == image::FirewallAction::Allow  ? Start::Judgement::allowed
                      : action == image::FirewallAction::Drop ? Start::Judgement::denied
                                                              : Start::Judgement::unusual;
    if (answer.logs) start.judgement = Start::Judgement::unusual;
    start.trace = start.trace_key(protocol);
    start.trace_hash = traces.hash(start.trace);
    traces.prefetch(start.trace_hash);
}

ShortTraceKey Start::trace_key(std::uint8_t protocol) const noexcept {
    const bool allowed = judgement == Judgement::allowed;
    const bool new_source = allowed && translates;
    return TraceKey::of_first_packet({.ingress = row->ingress,
                                      .in_interface = row->in_interface,
                                      .family = Family::v4,
                                      .protocol = protocol,
                                      .l4_kind = l4_kind,
                                      .forwards = allowed,
                                      .new_source = new_source,
                                      .adjacency = adjacency,
                                      .source_rule = new_source ? snat_position : no_stage_row});
}

Started Shard::State::start(const Frame& frame, const Glance& glance, Start& start) {
    if (starts.traces_as_of != traces.changes()) {  // what was found may have made room for another
        Start& leader = starts.by_packet[start.leader];
        if (leader.recalled()) {
            leader.recall = Start::Recall::not_tried;
            leader.trace = leader.trace_key(glance.key.protocol);
            leader.trace_hash = traces.hash(leader.trace);
        }
        start.take_trace(traces, traces.place_of(leader.trace, leader.trace_hash, start.row->epoch));
    }
    if (start.place == TraceCache::unknown || glance.l3[ipv4_ttl_at] <= start.ttl_cost) return {};
    const std::uint32_t program = start.program;
    const auto refuse = [&](DropReason reason) {
        count_start(start, glance.ingress);
        counters.tenants[start.row->tenant].rx.add(frame.length);
        drop(frame, counters.service_router(start.row->tenant), reason);
        return Started{.is_over = true};
    };
    if (program == TraceCache::denied) {
        RuleCount& rule = ledger.settled(start.row->tenant, start.rule);
        ++rule.packets;
        rule.bytes += frame.length;
        return refuse(DropReason::FW_DENY);
    }
    const Recipe& recipe = programs.recipes()[program];
    if (!recipe.short_enough || glance.total_length > recipe.mtu ||
        frame.headroom + glance.l2_bytes < recipe.l2_bytes) {
        return {};
    }
    // The pipeline tells the sender; where no more may be told, nothing but the count of that is missing here.
    const auto refuse_session = [&](DropReason reason) {
        const Ip sender = Ip::from_v4(__builtin_bswap32(glance.key.source));
        if (!start.row->tells || is_group(sender, Family::v4)) return refuse(reason);
        const Component router = counters.service_router(start.row->tenant);
        if (!icmp_limiters[router].is_empty(now)) return Started{};
        ++counters.originated;
        counters.drop(router, DropReason::ICMP_RATELIMIT);
        return refuse(reason);
    };
    if (sessions.full()) return refuse_session(DropReason::SESSION_FULL);
    if (!starts.room) return {};  // one has ended since
    const std::uint32_t neighbour = ready_neighbour(glance, start);
    if (neighbour == no_neighbour) return {};
    if (start.row->limits_sessions) {
        if (const auto reason = limit_of_start(glance, start)) return refuse_session(*reason);
        if (!start.within_limits) return {};  // one has ended since
    }
    const std::uint32_t at = open(glance, start);
    if (at == no_flow) return {};
    count_start(start, glance.ingress);
    ++counters.tenants[start.row->tenant].traces.started;

    if (settings.before_insert != nullptr) settings.before_insert(settings.before_insert_argument);
    programs.share(program);
    FlowEntry& entry = sessions.flows[at];
    entry.program = program;
    entry.ingress = glance.ingress;
    entry.neighbour = neighbour;
    entry.neighbour_version = neighbours.use_of(neighbour).life;
    ChecksumDelta l3, l4;
    if (start.translates) {
        entry.new_address = start.reply.destination;
        entry.new_port = start.reply.destination_port;
        replace_ipv4(l3, glance.key.source, entry.new_address);
        if (start.l4_kind != L4Kind::icmp_query) l4 = l3;
        const std::uint16_t port = __builtin_bswap16(entry.new_port);
        if (start.inside.port != port) l4.replace16(start.inside.port, port);
    }
    entry.l4_delta = __builtin_bswap16(l4.value());
    // As install() has it.
    l3.replace16(static_cast<std::uint16_t>(recipe.ttl_cost << 8), 0);
    entry.l3_delta = __builtin_bswap16(l3.value());
    return {.entry = at};
}

std::optional<DropReason> Shard::State::limit_of_start(const Glance& glance, const Start& start) const {
    const FlowKey& flow = glance.key;
    const Tuple forward{.source = Ip::from_v4(__builtin_bswap32(flow.source)),
                        .destination = {},  // nobody asks
                        .source_port = 0,
                        .destination_port = 0,
                        .scope = start.row->tenant,
                        .protocol = flow.protocol,
                        .family = Family::v4};
    return limit_of_sessions(image->tenants()[start.row->tenant], forward, start.row->from_inside);
}

void Shard::State::count_start(const Start& start, std::uint16_t ingress) {
    // Once a tick is often enough for the trace, and leaves its line where it is.
    const std::uint32_t tick = seen_tick();
    LastStart& last = ingresses.last_start(ingress);
    const bool is_last = last.place == start.place;
    if (!is_last || last.used != static_cast<std::uint8_t>(tick)) {
        traces.use(start.place, tick);
        if (is_last) last.used = static_cast<std::uint8_t>(tick);
    }
    unusual[place_of_tenant(start.row->tenant)] /= 2;
    ++counters.cache.trace_hits;
    ++counters.tenants[start.row->tenant].traces.hits;
}

std::uint32_t Shard::State::ready_neighbour(const Glance& glance, const Start& start) {
    const NeighbourHint& hint = start.neighbour;
    const auto is_ready = [this](std::uint32_t neighbour) { return neighbours.use_of(neighbour).ready; };
    if (hint.neighbour != no_neighbour && neighbours.use_of(hint.neighbour).life == hint.life &&
        is_ready(hint.neighbour)) {
        return hint.neighbour;
    }
    const image::Adjacency& adjacency = start.row->adjacencies[start.adjacency];
    const bool by_gateway = adjacency.kind() == image::AdjacencyKind::Gateway;
    const Ip next_hop =
        by_gateway ? from_image(adjacency.next_hop()) : Ip::from_v4(__builtin_bswap32(glance.key.destination));
    const std::uint32_t found =
        neighbours.find(image->tenants()[start.row->tenant].ref(start.out_interface), next_hop, Family::v4);
    if (found == no_neighbour || !is_ready(found)) return no_neighbour;
    if (by_gateway) {
        const NeighbourHint better{found, neighbours.use_of(found).life};
        traces.set_neighbour(start.place, better);
        LastStart& last = ingresses.last_start(glance.ingress);
        if (last.place == start.place) last.neighbour = better;
    }
    return found;
}

std::uint32_t Shard::State::open(const Glance& glance, Start& start) {
    if (start.translates) {
        nat.choose(start.inside, start.search, start.choice);
        if (!start.choice) return no_flow;
        const FlowKey foreseen = start.reply;
        start.reply_to_choice();
        if (!(start.reply == foreseen)) {
            start.reply_home = sessions.flows.index().home_of(hash_of(start.reply, key));
        }
        const bool same = start.reply.destination == glance.key.source &&
                          start.reply.destination_port == glance.key.source_port;
        if (same) return no_flow;  // its trace is another
    }
    if (start.reply == glance.key || sessions.flows.find(start.reply, start.reply_home) != no_flow) {
        return no_flow;
    }
    const Ip remote = Ip::from_v4(__builtin_bswap32(glance.key.destination));
    std::uint32_t mapping = no_mapping;
    if (start.translates) {
        mapping = nat.commit(start.inside, *start.choice, remote);
        if (mapping == no_mapping) return no_flow;
    }
    const auto session = sessions.create_unseen({glance.key, start.home}, {start.reply, start.reply_home});
    if (!session) {
        if (start.translates) nat.undo(mapping, remote);
        return no_flow;
    }
    const std::uint32_t tick = seen_tick();
    FlowEntry& forward = sessions.flow(*session, Direction::forward);
    FlowEntry& reverse = sessions.flow(*session, Direction::reverse);
    forward.epoch = reverse.epoch = start.row->epoch;
    forward.last_seen = reverse.last_seen = tick;
    reverse.aside = static_cast<std::uint32_t>(tick_of(now));
    sessions.set_rule(*session, start.rule);
    sessions.set_mapping(*session, mapping, false);
    const bool timestamp =
        glance.key.protocol == protocol_icmp && glance.l3[ipv4_header_bytes] == icmp_timestamp;
    sessions.set_first_packet(*session, start.row->ingress.interface, timestamp);
    sessions.timers.schedule_tick(session->index, deadline_tick(*session));
    ++counters.sessions.created;
    if (start.row->limits_sessions) {
        count_session(image->tenants()[start.row->tenant], *session, start.row->from_inside);
    } else {  // which spares a line of the image
        ++counters.tenants[start.row->tenant].sessions;
    }
    ++ledger.settled(start.row->tenant, start.rule).sessions;
    return session->flow(Direction::forward);
}

}  // namespace sluice
