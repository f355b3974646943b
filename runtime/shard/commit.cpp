// SPDX-License-Identifier: Apache-2.0
//
// Sessions: opened together by the packet that leaves the last router, kept up to date by those that run the
// pipeline, ended by timers alone.
#include <algorithm>

#include "runtime/shard/shard_state.h"

namespace sluice {
namespace {

bool source_changes(const Hop& hop) {
    return hop.forward.source != hop.reverse.destination ||
           hop.forward.source_port != hop.reverse.destination_port;
}
bool destination_changes(const Hop& hop) {
    return hop.forward.destination != hop.reverse.source ||
           hop.forward.destination_port != hop.reverse.source_port;
}

/// A mapping that the packet arrived through, and that a session has no short way to say whom it admits to.
bool joins_at_length(const Hop& hop) {
    return hop.joined_mapping != no_mapping && (hop.choice || hop.joined_remote != hop.forward.source);
}

constexpr std::uint8_t icmp_timestamp = 13;

std::uint32_t ticks_of(Time duration) {
    return static_cast<std::uint32_t>((duration + tick_nanoseconds - 1) / tick_nanoseconds);
}

}  // namespace

std::uint32_t Shard::State::seen_tick() const {
    return static_cast<std::uint32_t>((now + tick_nanoseconds - 1) / tick_nanoseconds);
}

std::optional<DropReason> Shard::State::open(Hop& hop, bool alone, const IpView& first, std::uint32_t epoch) {
    const TenantView& tenant = image->tenants()[hop.tenant];
    const bool from_inside = is_inside(tenant.interfaces[hop.in_interface].kind());
    const bool tcp = first.protocol == protocol_tcp;
    if (const auto reason = limit_of_sessions(tenant, hop.forward, from_inside)) return reason;
    if (tcp && !may_be_half_open(tenant, hop.reverse)) return DropReason::SYN_LIMIT;
    const bool wide = !alone || joins_at_length(hop) || (source_changes(hop) && destination_changes(hop));
    // The stages have seen that nobody has these tuples; only another router of the path may since.
    const auto made = alone ? sessions.create_unseen(hop.forward, hop.reverse, wide)
                            : sessions.create(hop.forward, hop.reverse, wide);
    if (!made) {
        // Two routers of the path may want the same tuple.
        const bool taken =
            hop.forward == hop.reverse || sessions.find(hop.forward) || sessions.find(hop.reverse);
        return taken && !sessions.full() ? DropReason::NAT_NO_PORT : DropReason::SESSION_FULL;
    }
    sessions.set_rule(*made, hop.rule);
    sessions.flow(*made, Direction::forward).epoch = epoch;
    sessions.flow(*made, Direction::reverse).epoch = epoch;
    sessions.set_first_packet(*made, tenant.interface_slot(hop.in_interface),
                              first.protocol == protocol_icmp && first.icmp_type == icmp_timestamp);
    sessions.flow(*made, Direction::forward).last_seen = seen_tick();
    sessions.flow(*made, Direction::reverse).last_seen = seen_tick();
    sessions.flow(*made, Direction::reverse).aside = static_cast<std::uint32_t>(tick_of(now));
    if (hop.choice) {
        const std::uint32_t mapping = nat.commit(hop.inside, *hop.choice, hop.choice_remote);
        if (mapping == no_mapping) {
            sessions.erase(*made);
            return DropReason::SESSION_FULL;  // of mappings or filters: one a session
        }
        sessions.set_mapping(*made, mapping, false);
    }
    if (hop.joined_mapping != no_mapping) {
        nat.join(hop.joined_mapping, hop.joined_remote);
        if (joins_at_length(hop)) {
            sessions.wide(*made).joined_mapping = hop.joined_mapping;
            sessions.wide(*made).joined_remote = hop.joined_remote;
        } else {
            sessions.set_mapping(*made, hop.joined_mapping, true);
        }
    }
    count_session(tenant, *made, from_inside);
    if (tcp) count_half_open(tenant, *made);
    hop.session = *made;
    hop.direction = Direction::forward;
    return std::nullopt;
}

std::optional<DropReason> Shard::State::commit(std::span<const PacketView> packets) {
    const std::uint32_t epoch = image->tenants()[trace.ingress.tenant].closure_changed;
    const auto end = trace.hops.begin() + trace.hop_count;
    const bool alone = std::count_if(trace.hops.begin(), end, [](const Hop& hop) { return hop.stateful; }) < 2;
    for (std::uint32_t i = 0; i < trace.hop_count; ++i) {
        if (!trace.hops[i].opens_session) continue;
        if (const auto reason = open(trace.hops[i], alone, packets.front().ip, epoch)) {
            undo(i);
            return reason;
        }
    }
    for (std::uint32_t i = 0; i < trace.hop_count; ++i) {
        const Hop& hop = trace.hops[i];
        if (!hop.stateful) continue;
        if (hop.opens_session) {
            ++counters.sessions.created;
            log_decision(hop, hop.forward);
            ++ledger.settled(hop.tenant, hop.rule).sessions;
        }
        if (hop.judged) take_judgement(hop, epoch);
        update_session(hop, packets);
        if (packets.front().ip.l4_kind == L4Kind::tcp && !sessions.tcp(hop.session).cacheable()) {
            trace.forbid_cache(NoCacheReason::TCP_FLAGS);
        }
    }
    return std::nullopt;
}

void Shard::State::undo(std::uint32_t hops) {
    for (std::uint32_t i = 0; i < hops; ++i) {
        Hop& hop = trace.hops[i];
        if (!hop.opens_session) continue;
        const Ending ending = ending_of(hop.session);
        release_mappings(ending, false);
        uncount_session(hop.session);
        sessions.erase(hop.session, ending.tuples);
    }
}

Ending Shard::State::ending_of(SessionRef session) const {
    const std::uint32_t mapping = sessions.mapping(session);
    return {.session = session,
            .mapping = mapping,
            .tuples = sessions.removal_of(session),
            .endpoints = mapping == no_mapping ? NatTable::Removal{} : nat.removal_of(mapping)};
}

void Shard::State::release_mappings(const Ending& ending, bool was_used) {
    const SessionRef session = ending.session;
    if (ending.mapping != no_mapping) {
        const bool arrived = sessions.arrived_by_mapping(session);
        const Ip remote = sessions.flows.address(session.flow(Direction::forward), arrived);
        if (was_used) {
            nat.release(ending.mapping, remote, ending.endpoints);
        } else {
            nat.undo(ending.mapping, remote);
        }
    }
    if (!sessions.is_wide(session)) return;
    const WideSession& more = sessions.wide(session);
    if (more.joined_mapping != no_mapping) nat.release(more.joined_mapping, more.joined_remote);
}

void Shard::State::take_judgement(const Hop& hop, std::uint32_t epoch) {
    // An entry with a program gets the epoch with the next program, or when this one is found right.
    FlowEntry& own = sessions.flow(hop.session, hop.direction);
    if (own.program == no_program) own.epoch = epoch;
    if (sessions.rule(hop.session) == hop.rule) return;
    // What was counted so far was by the old rule.
    settle(hop.session);
    for (const Direction direction : {Direction::forward, Direction::reverse}) {
        FlowEntry& entry = sessions.flow(hop.session, direction);
        entry.packets = entry.bytes_low = entry.bytes_high = 0;
    }
    sessions.set_rule(hop.session, hop.rule);
}

void Shard::State::update_session(const Hop& hop, std::span<const PacketView> packets) {
    FlowEntry& entry = sessions.flow(hop.session, hop.direction);
    for (const PacketView& packet : packets) entry.count(packet.frame.length);
    const PacketView& first = packets.front();
    if (first.ip.l4_kind == L4Kind::icmp_error) return;  // never refreshes (RFC 4787 REQ-12)
    const bool resets = first.ip.l4_kind == L4Kind::tcp && (first.ip.tcp_flags & tcp_rst) != 0;
    const std::uint32_t due_before = resets ? deadline_tick(hop.session) : 0;
    if (first.ip.l4_kind == L4Kind::tcp) {
        const auto direction = static_cast<std::uint8_t>(hop.direction);
        TcpTracker tcp = sessions.tcp(hop.session);
        const bool ends = (first.ip.tcp_flags & (tcp_rst | tcp_fin)) != 0;
        if (ends && !tcp.plausible(first.ip, direction)) return;  // nor does it keep the session alive
        tcp.update(first, direction);
        sessions.set_tcp(hop.session, tcp);
        if (sessions.counted(hop.session).half_open && !tcp.half_open()) uncount_half_open(hop.session);
        if (!tcp.cacheable()) clear_programs(hop.session);
    }
    entry.last_seen = seen_tick();
    if (resets) {  // it may answer a stranger's packet, and leaves no more time than there was (RFC 7857 7.1)
        const auto later = static_cast<std::int32_t>(deadline_tick(hop.session) - due_before);
        if (later > 0) entry.last_seen -= static_cast<std::uint32_t>(later);
    }
    // The timer looks again when it fires: only a deadline that came nearer must be told to it.
    const std::uint32_t due = deadline_tick(hop.session);
    const bool nearer =
        !hop.opens_session && static_cast<std::int32_t>(due - sessions.timers.due_tick(hop.session.index)) < 0;
    if (hop.opens_session || nearer) sessions.timers.schedule_tick(hop.session.index, due);
}

std::uint32_t Shard::State::deadline_tick(SessionRef session) const {
    const FlowKey& forward = sessions.flow(session, Direction::forward).key;
    const SessionTimeouts& timeouts = idle_times.empty() ? settings.timeouts : idle_times[forward.scope];
    const auto idle_time = [&]() -> Time {
        switch (forward.protocol) {
            case protocol_tcp:
                return sessions.tcp(session).timeout(timeouts);
            case protocol_udp:
                return forward.destination_port == __builtin_bswap16(53) ? timeouts.dns : timeouts.udp;
            case protocol_icmp:
            case protocol_icmpv6:
                return timeouts.icmp;
            default:
                return timeouts.other;
        }
    };
    return sessions.last_seen_tick(session) + ticks_of(idle_time());
}

bool Shard::State::is_due(std::uint32_t deadline) const {
    return static_cast<std::int32_t>(deadline - static_cast<std::uint32_t>(sessions.timers.tick())) <= 0;
}

void Shard::State::session_timers(std::span<const std::uint32_t> fired) {
    // Each pass fetches what the next one reads: the sessions themselves were fetched with the group before.
    std::array<Ending, TimerWheel::most_at_once> endings;
    std::size_t count = 0;
    for (const std::uint32_t index : fired) {
        const SessionRef session = sessions.ref_of(index);
        const std::uint32_t due = deadline_tick(session);
        if (!is_due(due)) {
            sessions.timers.schedule_tick(index, due);
            continue;
        }
        Ending& ending = endings[count++];
        ending.session = session;
        ending.mapping = sessions.mapping(session);
        if (ending.mapping != no_mapping) nat.prefetch(ending.mapping);
        ending.tuples = sessions.removal_of(session);
        sessions.prefetch(ending.tuples);
    }
    const std::span due(endings.data(), count);
    for (Ending& ending : due) {
        if (ending.mapping == no_mapping) continue;
        ending.endpoints = nat.removal_of(ending.mapping);
        nat.prefetch(ending.mapping, ending.endpoints);
    }
    for (const Ending& ending : due) end_session(ending);
    counters.sessions.expired += count;
}

void Shard::State::end_session(const Ending& ending) {
    clear_programs(ending.session);
    settle(ending.session);
    release_mappings(ending);
    uncount_session(ending.session);
    sessions.erase(ending.session, ending.tuples);
}

void Shard::State::settle(SessionRef session) {
    for (const Direction direction : {Direction::forward, Direction::reverse}) {
        const FlowEntry& entry = sessions.flow(session, direction);
        if (entry.packets == 0) continue;
        ledger.end(entry.key.scope, sessions.rule(session), entry.packets, entry.bytes(),
                   session.flow(direction) < fold_cursor);
    }
}

}  // namespace sluice
