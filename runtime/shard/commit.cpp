// SPDX-License-Identifier: Apache-2.0
//
// Sessions: opened together by the packet that leaves the last router, kept up to date by those that run the
// pipeline, ended by timers alone.
#include <algorithm>

#include "runtime/shard/shard_state.h"

namespace sluice {

std::optional<DropReason> Shard::State::commit(Trace& trace, std::span<const PacketView> packets) {
    for (std::uint32_t i = 0; i < trace.hop_count; ++i) {
        Hop& hop = trace.hops[i];
        if (!hop.opens_session) continue;
        const auto made = sessions.create(hop.forward, hop.reverse);
        if (!made) {
            const bool full = sessions.full();  // else two routers of the path want the same tuple
            undo(trace, i);
            return full ? DropReason::SESSION_FULL : DropReason::NAT_NO_PORT;
        }
        Session& session = sessions[*made];
        session.rule = hop.rule;
        const TenantView& tenant = image.tenants()[hop.tenant];
        session.ingress_interface = tenant.interface_slot(hop.in_interface);
        session.egress_interface = tenant.interface_slot(hop.out_interface);
        session.created = session.last_seen = now;
        if (hop.choice) {
            session.mapping = nat.commit(hop.inside, *hop.choice, hop.choice_remote);
            session.filter_remote = hop.choice_remote;
            if (session.mapping == no_mapping) {
                sessions.erase(*made);
                undo(trace, i);
                return DropReason::SESSION_FULL;  // of mappings or filters: one a session
            }
        }
        if (hop.joined_mapping != no_mapping) {
            nat.join(hop.joined_mapping, hop.joined_remote);
            session.joined_mapping = hop.joined_mapping;
            session.joined_remote = hop.joined_remote;
        }
        hop.session = *made;
        hop.direction = Direction::forward;
    }
    for (std::uint32_t i = 0; i < trace.hop_count; ++i) {
        const Hop& hop = trace.hops[i];
        if (!hop.stateful) continue;
        if (hop.opens_session) {
            ++counters.sessions.created;
            log_decision(hop, hop.forward);
            ++counters.rule(hop.tenant, hop.rule).sessions;
        }
        update_session(hop, packets);
        if (packets.front().ip.l4_kind == L4Kind::tcp && !sessions[hop.session].tcp.cacheable()) {
            trace.forbid_cache(NoCacheReason::TCP_FLAGS);
        }
    }
    return std::nullopt;
}

void Shard::State::undo(Trace& trace, std::uint32_t hops) {
    for (std::uint32_t i = 0; i < hops; ++i) {
        Hop& hop = trace.hops[i];
        if (!hop.opens_session) continue;
        release_mappings(sessions[hop.session]);
        sessions.erase(hop.session);
    }
}

void Shard::State::release_mappings(const Session& session) {
    if (session.mapping != no_mapping) nat.release(session.mapping, session.filter_remote);
    if (session.joined_mapping != no_mapping) nat.release(session.joined_mapping, session.joined_remote);
}

void Shard::State::update_session(const Hop& hop, std::span<const PacketView> packets) {
    Session& session = sessions[hop.session];
    const auto direction = static_cast<std::size_t>(hop.direction);
    RuleCount& rule = counters.rule(hop.tenant, hop.rule);
    for (const PacketView& packet : packets) {
        ++session.packets[direction];
        session.bytes[direction] += packet.frame.length;
        ++rule.packets;
        rule.bytes += packet.frame.length;
    }
    const PacketView& first = packets.front();
    if (first.ip.l4_kind == L4Kind::icmp_error) return;  // never refreshes (RFC 4787 REQ-12)
    gather(session);
    if (first.ip.l4_kind == L4Kind::tcp) {
        const bool reset = (first.ip.tcp_flags & tcp_rst) != 0;
        if (reset && !session.tcp.plausible_reset(first.ip, static_cast<std::uint8_t>(direction))) return;
        session.tcp.update(first, static_cast<std::uint8_t>(direction));
        if (session.flow[direction] != no_flow) {  // gather() must not bring back an older acknowledgement
            Flow& flow = flows[session.flow[direction]];
            flow.seen_ack = session.tcp.seen_ack[direction];
            flow.last_ack = session.tcp.last_ack[direction];
        }
        if (!session.tcp.cacheable()) {
            for (const std::uint32_t index : {session.flow[0], session.flow[1]}) {
                if (index != no_flow) clear_flow(index);
            }
        }
    }
    session.last_seen = now;
    // The timer looks again when it fires: only a deadline that came nearer must be told to it.
    const Time due = deadline(session);
    if (hop.opens_session || due < session.timer) {
        session.timer = due;
        sessions.timers.schedule(hop.session.index, due);
    }
}

void Shard::State::gather(Session& session) const {
    for (std::size_t direction = 0; direction < 2; ++direction) {
        if (session.flow[direction] == no_flow) continue;
        const Flow& flow = flows[session.flow[direction]];
        session.last_seen = std::max(session.last_seen, flow.last_seen);
        if (!flow.seen_ack) continue;
        session.tcp.seen_ack[direction] = true;
        session.tcp.last_ack[direction] = flow.last_ack;
    }
}

Time Shard::State::deadline(const Session& session) const {
    const Tuple& forward = session.tuple[0];
    const SessionTimeouts& timeouts = settings.timeouts;
    switch (forward.protocol) {
        case protocol_tcp:
            return session.last_seen + session.tcp.timeout(timeouts);
        case protocol_udp:
            return session.last_seen + (forward.destination_port == 53 ? timeouts.dns : timeouts.udp);
        case protocol_icmp:
        case protocol_icmpv6:
            return session.last_seen + timeouts.icmp;
        default:
            return session.last_seen + timeouts.other;
    }
}

void Shard::State::session_timer(std::uint32_t index) {
    const SessionRef ref = sessions.ref_of(index);
    Session& session = sessions[ref];
    gather(session);
    const Time due = deadline(session);
    if (due > now) {
        session.timer = due;
        sessions.timers.schedule(index, due);
        return;
    }
    for (const std::uint32_t flow : {session.flow[0], session.flow[1]}) {
        if (flow != no_flow) clear_flow(flow);
    }
    release_mappings(session);
    sessions.erase(ref);
    ++counters.sessions.expired;
}

}  // namespace sluice
