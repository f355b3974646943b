// SPDX-License-Identifier: Apache-2.0
//
// New flows from the first look alone. What nearly all of them are (IPv4, forwarded by one stateful router,
// like others before them) is looked up for the whole burst together, round by round, each fetching what the
// next one reads: where the addresses lead, which rule decides, the trace, the translation, the places of the
// new entries. When its turn comes, a packet's flow is opened from that. Whatever is unusual, and whatever does
// not succeed, goes the longer ways as if nothing had been foreseen: they alone name drops.
#include "runtime/packet/martians.h"
#include "runtime/shard/shard_state.h"
#include "runtime/stages/external_address.h"
#include "runtime/state/fetch_line.h"
#include "schemas/layout/lpm_burst.h"

namespace sluice {
namespace {

constexpr std::uint8_t icmp_timestamp = 13;

Ip ip_of(std::uint32_t wire_order) {
    return Ip::from_v4(__builtin_bswap32(wire_order));
}

template <typename Row>
void fetch(const Row& row) {
    const auto* bytes = reinterpret_cast<const char*>(&row);
    for (std::size_t at = 0; at < sizeof row; at += 64) fetch_line(bytes + at);
    fetch_line(bytes + sizeof row - 1);  // it may begin amid a line
}

/// What C1 and the admission to a router ask of addresses, and of layer 4 beyond the first look.
bool may_begin(const FlowKey& key) {
    const std::uint32_t destination = __builtin_bswap32(key.destination);
    if (is_martian_ipv4_source(__builtin_bswap32(key.source)) || is_martian_ipv4_destination(destination) ||
        is_group(Ip::from_v4(destination), Family::v4)) {
        return false;
    }
    return key.protocol == protocol_udp || (key.protocol == protocol_icmp && key.source_port != 0);
}

/// The packets of a burst that are still in question, by their numbers.
struct Numbers {
    std::array<std::uint8_t, most_burst_frames> of;
    std::size_t count = 0;
    void add(std::size_t number) { of[count++] = static_cast<std::uint8_t>(number); }
    /// Keeps those for which keep(place among them, number) holds; places move up.
    template <typename Keep>
    void filter(Keep&& keep) {
        std::size_t kept = 0;
        for (std::size_t i = 0; i < count; ++i) {
            if (keep(i, of[i])) of[kept++] = of[i];
        }
        count = kept;
    }
};

/// What the tables say of both addresses, in the order of Numbers.
struct Leaves {
    using Row = std::array<std::uint32_t, most_burst_frames>;
    Row route_back, route, source_nat, destination_nat, source_class, destination_class;
};

void look_up_addresses(const Glances& glances, const Starts& starts, const Numbers& numbers, Leaves& leaves) {
    std::array<std::uint32_t, most_burst_frames> sources, destinations;  // in host order
    std::array<const StartRow*, most_burst_frames> rows;
    bool any_own_routes = false, any_nat = false, any_rules = false;
    for (std::size_t i = 0; i < numbers.count; ++i) {
        const FlowKey& key = glances[numbers.of[i]].key;
        sources[i] = __builtin_bswap32(key.source);
        destinations[i] = __builtin_bswap32(key.destination);
        rows[i] = starts.by_packet[numbers.of[i]].row;
        any_own_routes |= rows[i]->has_own_routes;
        any_nat |= rows[i]->has_nat;
        any_rules |= rows[i]->has_rules;
    }
    const auto look_up = [&](LpmView StartRow::*table, const std::array<std::uint32_t, most_burst_frames>& ips,
                             Leaves::Row& row) {
        lpm_lookup_burst(
            numbers.count, [&](std::size_t i) -> const LpmView& { return rows[i]->*table; },
            [&](std::size_t i) { return ips[i]; }, row.data());
    };
    look_up(&StartRow::routes, sources, leaves.route_back);
    look_up(&StartRow::routes, destinations, leaves.route);
    if (any_own_routes) {  // what they cover, they decide (RouteView)
        Leaves::Row back, forward;
        look_up(&StartRow::own_routes, sources, back);
        look_up(&StartRow::own_routes, destinations, forward);
        for (std::size_t i = 0; i < numbers.count; ++i) {
            if (back[i] != 0) leaves.route_back[i] = back[i];
            if (forward[i] != 0) leaves.route[i] = forward[i];
        }
    }
    if (any_nat) {
        look_up(&StartRow::nat, sources, leaves.source_nat);
        look_up(&StartRow::nat, destinations, leaves.destination_nat);
    }
    if (any_rules) {
        // Walks of different packets overlap by themselves.
        for (std::size_t i = 0; i < numbers.count; ++i) {
            leaves.source_class[i] = rows[i]->sets.lookup(Ip::from_v4(sources[i]));
            leaves.destination_class[i] = rows[i]->sets.lookup(Ip::from_v4(destinations[i]));
        }
    }
}

/// The rows that the leaves lead to, which many tenants' traffic finds cold.
void fetch_rows(const Leaves& leaves, std::size_t i, const StartRow& row) {
    fetch_line(&row.adjacencies[leaves.route_back[i]]);
    fetch_line(&row.adjacencies[leaves.route[i]]);
    fetch_line(row.to_zones);
    if (!row.has_nat) return;
    fetch_line(&row.nat_classes[leaves.source_nat[i]]);
    fetch_line(&row.nat_classes[leaves.destination_nat[i]]);
    fetch_line(row.source_matches.data());
}

/// What the firewall is asked about the service. `l4`: the packet's.
std::uint16_t service_of(const StartRow& row, const FlowKey& key, const std::uint8_t* l4) {
    if (!row.has_rules) return 0;
    const bool icmp = key.protocol == protocol_icmp;
    const auto port = icmp ? static_cast<std::uint16_t>(l4[0] << 8 | l4[1])  // type and code
                           : __builtin_bswap16(key.destination_port);
    return row.services.lookup(Family::v4, key.protocol, port);
}

/// Whether this one is to be served as the last one was.
bool recall(const LastStart& last, std::uint32_t trace_changes, const Leaves& leaves, std::size_t i,
            std::uint16_t service, Start& start) {
    const StartRow& row = *start.row;
    if (last.place == TraceCache::unknown || last.traces_as_of != trace_changes ||
        last.l4_kind != start.l4_kind || last.route_back != leaves.route_back[i] ||
        last.route != leaves.route[i]) {
        return false;
    }
    if (row.has_nat &&
        (last.source_nat != leaves.source_nat[i] || last.destination_nat != leaves.destination_nat[i])) {
        return false;
    }
    if (row.has_rules && (last.question.source_class != leaves.source_class[i] ||
                          last.question.destination_class != leaves.destination_class[i] ||
                          last.question.asked_service != service)) {
        return false;
    }
    start.question = last.question;
    start.adjacency = last.route;
    start.out_interface = last.out_interface;
    start.translates = last.translates;
    start.snat_position = last.snat_position;
    start.judgement = last.judgement;
    start.rule = last.rule;
    start.place = last.place;
    return true;
}

/// Of the packet that `start` is of, which a trace is known of.
void keep_for_next(LastStart& last, std::uint32_t trace_changes, const Leaves& leaves, const Start& start) {
    const std::size_t i = start.at;
    last.route_back = leaves.route_back[i];
    last.route = leaves.route[i];
    if (start.row->has_nat) {
        last.source_nat = leaves.source_nat[i];
        last.destination_nat = leaves.destination_nat[i];
    }
    last.question = start.question;
    last.snat_position = start.snat_position;
    last.rule = start.rule;
    last.place = start.place;
    last.traces_as_of = trace_changes;
    last.out_interface = start.out_interface;
    last.l4_kind = start.l4_kind;
    last.translates = start.translates;
    last.judgement = start.judgement;
}

/// False: not forwarded, or to an address that NAT stands before, or translated one to one.
bool read_leaves(const Leaves& leaves, std::size_t i, Start& start) {
    const StartRow& row = *start.row;
    if (row.adjacencies[leaves.route_back[i]].kind() == image::AdjacencyKind::Local) return false;
    start.adjacency = leaves.route[i];
    const image::Adjacency& adjacency = row.adjacencies[start.adjacency];
    if (adjacency.kind() != image::AdjacencyKind::Connected &&
        adjacency.kind() != image::AdjacencyKind::Gateway) {
        return false;
    }
    start.out_interface = adjacency.interface();
    start.translates = false;
    start.snat_position = no_stage_row;
    if (!row.has_nat) return true;
    if (row.nat_classes[leaves.destination_nat[i]].external() != no_row) return false;
    const image::SourceMatch* match =
        source_match_of(row.source_matches, row.nat_classes[leaves.source_nat[i]], start.out_interface);
    if (match == nullptr) return true;
    start.translates = true;
    start.snat_position = match->row();
    return match->one_to_one() == 0;
}

/// Whether the second one's trace is the first one's.
bool are_alike(const Start& one, const Start& other) {
    return one.row == other.row && one.question == other.question && one.l4_kind == other.l4_kind &&
           one.adjacency == other.adjacency && one.translates == other.translates &&
           one.snat_position == other.snat_position;
}

/// What the firewall looks at.
FirewallQuestion ask(const Leaves& leaves, std::size_t i, std::uint16_t service, const Start& start) {
    const StartRow& row = *start.row;
    return {.source_class = leaves.source_class[i],
            .destination_class = leaves.destination_class[i],
            .asked_service = service,
            .real_service = service,
            .from_zone = row.from_zone,
            .to_zone = row.to_zones[start.out_interface]};
}

FlowKey reply_to(const FlowKey& key) {
    FlowKey reply = key;
    reply.source = key.destination;
    reply.source_port = key.destination_port;
    reply.destination = key.source;
    reply.destination_port = key.source_port;
    return reply;
}

void send_reply_to(FlowKey& reply, const NatTable::Choice& choice) {
    reply.destination = __builtin_bswap32(choice.external_ip.v4());
    reply.destination_port = __builtin_bswap16(choice.external_port);
}

ShortTraceKey trace_of(const Start& start, std::uint8_t protocol) {
    const bool allowed = start.judgement == Start::Judgement::allowed;
    const bool translates = allowed && start.translates;
    return TraceKey::of_first_packet({.ingress = start.row->ingress,
                                      .in_interface = start.row->in_interface,
                                      .family = Family::v4,
                                      .protocol = protocol,
                                      .l4_kind = start.l4_kind,
                                      .forwards = allowed,
                                      .new_source = translates,
                                      .adjacency = start.adjacency,
                                      .source_rule = translates ? start.snat_position : no_stage_row});
}

}  // namespace

StartRow StartRow::of(const Image& image, InterfaceRef ingress) {
    const TenantView& tenant = image.tenants()[ingress.tenant];
    StartRow row;
    row.possible = tenant.has_service_router;
    row.has_rules = !tenant.rules.empty();
    row.has_nat = !tenant.nat_classes4.empty();
    row.tenant = tenant.index;
    row.in_interface = tenant.interface_position(ingress.interface);
    if (row.has_rules) row.from_zone = tenant.from_zones[row.in_interface];
    const bool inside = tenant.interfaces[row.in_interface].kind() == image::InterfaceKind::Segment;
    row.default_action = inside ? tenant.default_action : tenant.default_action_from_uplink;
    row.ingress = ingress;
    row.epoch = tenant.closure_changed;
    row.version = tenant.section_changed;
    row.has_own_routes = !tenant.routes4.own.empty();
    row.own_routes = tenant.routes4.own;
    row.routes = tenant.routes4.common;
    row.nat = tenant.nat4;
    row.sets = tenant.sets4;
    row.view = &tenant;
    row.adjacencies = tenant.adjacencies.data();
    row.nat_classes = tenant.nat_classes4.data();
    row.source_matches = tenant.source_matches;
    row.to_zones = tenant.to_zones.data();
    row.services = tenant.service_classes();
    return row;
}

void Shard::State::prepare_starts(std::size_t count, Glances& glances) {
    const TagIndex& index = sessions.flows.index();
    sessions.flows.forget_newcomers();
    Numbers numbers;
    const auto in_question = [](const Glance& glance) { return glance.matched && glance.candidate == no_flow; };
    std::uint16_t fetched = no_ingress;
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint16_t ingress = glances[i].ingress;
        if (!in_question(glances[i]) || ingress == fetched) continue;
        fetched = ingress;
        fetch(ingresses.start_row(ingress));
        fetch_line(&ingresses.last_start(ingress));
    }
    for (std::size_t i = 0; i < count; ++i) {
        Glance& glance = glances[i];
        if (!in_question(glance)) continue;
        const StartRow& row = ingresses.start_row(glance.ingress);
        if (!row.possible || !may_begin(glance.key) || !is_usual(row.tenant)) continue;
        Start& start = starts.by_packet[i];
        start.home = index.home_of(glance.hash);
        glance.candidate = index.second_candidate(start.home);
        if (glance.candidate != no_flow) {
            sessions.flows.prefetch(glance.candidate);
            continue;
        }
        start.row = &row;
        start.l4_kind = glance.key.protocol == protocol_udp ? L4Kind::udp : L4Kind::icmp_query;
        numbers.add(i);
    }
    if (numbers.count == 0) return;

    starts.room = !sessions.full();
    std::uint8_t leader = most_burst_frames;
    Leaves leaves;
    look_up_addresses(glances, starts, numbers, leaves);
    starts.traces_as_of = traces.changes();
    std::array<std::uint16_t, most_burst_frames> services;
    for (std::size_t i = 0; i < numbers.count; ++i) {
        const Glance& glance = glances[numbers.of[i]];
        Start& start = starts.by_packet[numbers.of[i]];
        start.at = static_cast<std::uint8_t>(i);
        services[i] = service_of(*start.row, glance.key, glance.l3 + ipv4_header_bytes);
        start.recall = Start::Recall::not_tried;
        if (i > 0 && starts.by_packet[numbers.of[i - 1]].row == start.row) continue;
        if (recall(ingresses.last_start(glance.ingress), starts.traces_as_of, leaves, i, services[i], start)) {
            start.recall = Start::Recall::succeeded;
            traces.prefetch_at(start.place);
        } else {
            start.recall = Start::Recall::failed;
            fetch_rows(leaves, i, *start.row);
        }
    }
    numbers.filter([&](std::size_t i, std::size_t number) {
        Start& start = starts.by_packet[number];
        if (start.recalled()) {
            leader = start.leader = static_cast<std::uint8_t>(number);
            if (start.translates) nat.prefetch_pool(start.row->tenant, start.snat_position);
            return true;
        }
        if (!read_leaves(leaves, i, start)) return false;
        start.question = start.row->has_rules ? ask(leaves, i, services[i], start) : FirewallQuestion{};
        // Neighbours in a burst often ask the same.
        start.leader = leader < count && are_alike(starts.by_packet[leader], start)
                           ? leader
                           : static_cast<std::uint8_t>(number);
        if (start.leader == number && start.row->has_rules) {
            start.question_hash = memo.hash(start.row->tenant, start.question);
            memo.prefetch(start.question_hash);
        }
        leader = start.leader;
        if (start.translates && start.recall == Start::Recall::failed)
            nat.prefetch_pool(start.row->tenant, start.snat_position);
        return true;
    });
    // What is refused (a scan, or a flood that finds the table full) goes no further: what others' flows need
    // is to stay in the processor's caches.
    Numbers opening;
    numbers.filter([&](std::size_t, std::size_t number) {
        Start& start = starts.by_packet[number];
        const FlowKey& flow = glances[number].key;
        if (start.leader == number) {
            if (!start.recalled()) judge_start(start, flow.protocol);
        } else {
            const Start& judged = starts.by_packet[start.leader];
            start.judgement = judged.judgement;
            start.rule = judged.rule;
        }
        if (start.judgement == Start::Judgement::unusual) return false;
        if (start.judgement == Start::Judgement::denied || !starts.room) return true;
        opening.add(number);
        if (start.translates) {
            start.inside = {.ip = ip_of(flow.source),
                            .snat_rule = nat.rule_slot(start.row->tenant, start.snat_position),
                            .port = __builtin_bswap16(flow.source_port),
                            .tenant = start.row->tenant,
                            .protocol = flow.protocol,
                            .family = Family::v4};
            start.search = nat.begin(start.inside, start.snat_position);
        }
        return true;
    });
    for (std::size_t i = 0; i < numbers.count; ++i) {
        const Start& start = starts.by_packet[numbers.of[i]];
        if (start.leader != numbers.of[i]) continue;
        if (!start.recalled()) traces.prefetch_place(start.trace_hash);
        if (i > 0 && starts.by_packet[numbers.of[i - 1]].row == start.row) continue;
        fetch(counters.tenants[start.row->tenant]);
        ledger.prefetch(start.row->tenant);
    }
    sessions.prefetch_new(static_cast<std::uint32_t>(opening.count));
    for (std::size_t i = 0; i < opening.count; ++i) {
        Start& start = starts.by_packet[opening.of[i]];
        start.reply = reply_to(glances[opening.of[i]].key);
        if (start.translates) {
            start.choice = nat.foresee(start.inside, start.search);
            if (start.choice) send_reply_to(start.reply, *start.choice);
        }
        start.reply_home = index.home_of(hash_of(start.reply, key));
        index.prefetch_both(start.reply_home);
    }
    for (std::size_t i = 0; i < numbers.count; ++i) {
        const std::size_t number = numbers.of[i];
        Start& start = starts.by_packet[number];
        if (start.leader != number) {  // it stands before this one, and is as usual
            start.place = starts.by_packet[start.leader].place;
        } else if (!start.recalled()) {
            start.place = traces.place_of(start.trace, start.trace_hash, start.row->epoch);
            if (start.place != TraceCache::unknown && start.recall == Start::Recall::failed) {
                keep_for_next(ingresses.last_start(glances[number].ingress), starts.traces_as_of, leaves,
                              start);
            }
        }
        starts.ready |= 1u << numbers.of[i];
        if (start.place == TraceCache::unknown) continue;
        ledger.prefetch(start.row->tenant, start.rule);
        const std::uint32_t program = traces.program(start.place);
        if (program == TraceCache::denied) continue;
        programs.prefetch(program);
        const std::uint32_t neighbour = traces.neighbour(start.place).neighbour;
        if (neighbour != no_neighbour) fetch_line(&neighbours.use_of(neighbour));
    }
}

void Shard::State::judge_start(Start& start, std::uint8_t protocol) {
    RuleAnswer answer;
    const StartRow& row = *start.row;
    if (row.has_rules) {
        answer = memo.decide(*row.view, row.tenant, row.version, start.question, start.question_hash);
    }
    const bool by_rule = answer.rule != classifier_no_rule;
    const image::FirewallAction action = by_rule ? answer.action : start.row->default_action;
    start.rule = answer.slot;
    start.judgement = action == image::FirewallAction::Allow  ? Start::Judgement::allowed
                      : action == image::FirewallAction::Drop ? Start::Judgement::denied
                                                              : Start::Judgement::unusual;
    if (answer.logs) start.judgement = Start::Judgement::unusual;
    start.trace = trace_of(start, protocol);
    start.trace_hash = traces.hash(start.trace);
    traces.prefetch(start.trace_hash);
}

Started Shard::State::start(const Frame& frame, const Glance& glance, Start& start) {
    if (starts.traces_as_of != traces.changes()) {  // what was found may have made room for another
        Start& leader = starts.by_packet[start.leader];
        if (leader.recalled()) {
            leader.recall = Start::Recall::not_tried;
            leader.trace = trace_of(leader, glance.key.protocol);
            leader.trace_hash = traces.hash(leader.trace);
        }
        start.place = traces.place_of(leader.trace, leader.trace_hash, start.row->epoch);
    }
    if (start.place == TraceCache::unknown || glance.l3[ipv4_ttl_at] <= traces.ttl_cost(start.place)) return {};
    const std::uint32_t program = traces.program(start.place);
    const auto refuse = [&](DropReason reason) {
        count_start(start);
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
    if (sessions.full()) return refuse(DropReason::SESSION_FULL);
    if (!starts.room) return {};  // one has ended since
    const std::uint32_t neighbour = ready_neighbour(glance, start);
    if (neighbour == no_neighbour) return {};
    const std::uint32_t at = open(glance, start);
    if (at == no_flow) return {};
    count_start(start);
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
        l3.replace_ip(start.inside.ip, ip_of(entry.new_address), Family::v4);
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

void Shard::State::count_start(const Start& start) {
    traces.use(start.place, seen_tick());
    unusual[place_of_tenant(start.row->tenant)] /= 2;
    ++counters.cache.trace_hits;
    ++counters.tenants[start.row->tenant].traces.hits;
}

std::uint32_t Shard::State::ready_neighbour(const Glance& glance, const Start& start) {
    NeighbourHint& hint = traces.neighbour(start.place);
    const auto is_ready = [this](std::uint32_t neighbour) { return neighbours.use_of(neighbour).ready; };
    if (hint.neighbour != no_neighbour && neighbours.use_of(hint.neighbour).life == hint.life &&
        is_ready(hint.neighbour)) {
        return hint.neighbour;
    }
    const image::Adjacency& adjacency = start.row->adjacencies[start.adjacency];
    const bool by_gateway = adjacency.kind() == image::AdjacencyKind::Gateway;
    const Ip next_hop = by_gateway ? from_image(adjacency.next_hop()) : ip_of(glance.key.destination);
    const std::uint32_t found =
        neighbours.find(start.row->view->ref(start.out_interface), next_hop, Family::v4);
    if (found == no_neighbour || !is_ready(found)) return no_neighbour;
    if (by_gateway) hint = {found, neighbours.use_of(found).life};
    return found;
}

std::uint32_t Shard::State::open(const Glance& glance, Start& start) {
    if (start.translates) {
        nat.choose(start.inside, start.search, start.choice);
        if (!start.choice) return no_flow;
        const FlowKey foreseen = start.reply;
        send_reply_to(start.reply, *start.choice);
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
    const Ip remote = ip_of(glance.key.destination);
    std::uint32_t mapping = no_mapping;
    if (start.translates) {
        mapping = nat.commit(start.inside, *start.choice, remote);
        if (mapping == no_mapping) return no_flow;
    }
    const auto session = sessions.create_unseen({glance.key, start.home}, {start.reply, start.reply_home});
    if (!session) {
        if (start.translates) nat.release(mapping, remote);
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
    ++ledger.settled(start.row->tenant, start.rule).sessions;
    return session->flow(Direction::forward);
}

}  // namespace sluice
