// SPDX-License-Identifier: Apache-2.0
#include "runtime/state/session_table.h"

#include <algorithm>

namespace sluice {

SessionTable::SessionTable(const FlowCapacity& capacity, const HashKey& key)
    : flows(capacity, key),
      timers(capacity.sessions + capacity.wide_sessions),
      capacity_(capacity.sessions),
      first_wide_(capacity.sessions),
      narrow_free_{0, capacity.sessions, no_flow},
      wide_free_{capacity.sessions, capacity.sessions + capacity.wide_sessions, no_flow},
      records_(std::size_t{capacity.sessions} + capacity.wide_sessions),
      wide_(capacity.wide_sessions) {}

std::optional<SessionTable::Found> SessionTable::find(const Tuple& tuple) const noexcept {
    const std::uint32_t at = flows.find(FlowProbe::of(tuple, true, flows.hash_key()));
    if (at == no_flow) return std::nullopt;
    return Found{ref_of(at >> 1), static_cast<Direction>(at & 1)};
}

std::optional<std::uint32_t> SessionTable::take(FreeSlots& slots) noexcept {
    if (slots.given_back != no_flow) {
        const std::uint32_t index = slots.given_back;
        slots.given_back = flows[index * 2].aside;
        return index;
    }
    if (slots.next == slots.end) return std::nullopt;
    return slots.next++;
}

std::optional<SessionRef> SessionTable::create(const Tuple& forward, const Tuple& reverse, bool wide) noexcept {
    if (forward == reverse || find(forward) || find(reverse)) return std::nullopt;
    return create_unseen(forward, reverse, wide);
}

template <typename PutForward, typename PutReverse>
std::optional<SessionRef> SessionTable::create_at(FreeSlots& slots, PutForward&& put_forward,
                                                  PutReverse&& put_reverse) noexcept {
    if (full()) return std::nullopt;
    const auto index = take(slots);
    if (!index) return std::nullopt;
    if (!put_forward(*index * 2)) {
        give_back(*index);
        return std::nullopt;
    }
    if (!put_reverse(*index * 2 + 1)) {
        flows.remove(*index * 2);
        give_back(*index);
        return std::nullopt;
    }
    ++live_;
    Record& record = records_[*index];
    const auto generation = static_cast<std::uint8_t>(record.generation + 1);
    record = Record{.rule = no_rule,
                    .generation = generation,
                    .in_interface = 0,
                    .tcp_state = 0,
                    .window_scale_forward = 0,
                    .window_scale_reverse = 0,
                    .arrived = 0,
                    .timestamp = 0,
                    .of_host = 0,
                    .half_open = 0};
    flows[*index * 2].aside = no_mapping;
    return SessionRef{*index, generation};
}

std::optional<SessionRef> SessionTable::create_unseen(const Place& there, const Place& back) noexcept {
    return create_at(
        narrow_free_, [&](std::uint32_t at) { return flows.put(at, there.key, there.home); },
        [&](std::uint32_t at) { return flows.put(at, back.key, back.home); });
}

std::optional<SessionRef> SessionTable::create_unseen(const FlowProbe& there, const FlowProbe& back,
                                                      bool wide) noexcept {
    const bool takes_two_lines =
        wide || there.key.kind == FlowKind::session6 || back.key.kind == FlowKind::session6;
    const auto session = create_at(
        takes_two_lines ? wide_free_ : narrow_free_, [&](std::uint32_t at) { return flows.put(at, there); },
        [&](std::uint32_t at) { return flows.put(at, back); });
    if (session && takes_two_lines) {
        WideSession& more = wide_[session->index - first_wide_];
        more.joined_mapping = no_mapping;
        for (auto& chain : more.chain) chain.fill(no_flow);
        more.head.fill(no_flow);
    }
    return session;
}

void SessionTable::prefetch_new(std::uint32_t count) const noexcept {
    // One given back lately is in the cache anyway.
    const std::uint32_t first = narrow_free_.given_back == no_flow ? narrow_free_.next : narrow_free_.end;
    for (std::uint32_t index = first; index < std::min(first + count, narrow_free_.end); ++index) {
        flows.prefetch(index * 2);
        flows.prefetch(index * 2 + 1);
    }
}

TcpTracker SessionTable::tcp(SessionRef ref) const noexcept {
    const Record& record = records_[ref.index];
    TcpTracker tcp;
    tcp.state = static_cast<TcpState>(record.tcp_state);
    tcp.window_scale[0] = record.window_scale_forward;
    tcp.window_scale[1] = record.window_scale_reverse;
    for (std::size_t direction = 0; direction < 2; ++direction) {
        const FlowEntry& entry = flow(ref, static_cast<Direction>(direction));
        tcp.seen_ack[direction] = entry.seen_ack != 0;
        tcp.last_ack[direction] = entry.last_ack;
    }
    return tcp;
}

void SessionTable::set_tcp(SessionRef ref, const TcpTracker& tcp) noexcept {
    Record& record = records_[ref.index];
    record.tcp_state = static_cast<std::uint8_t>(tcp.state) & 7;
    record.window_scale_forward = tcp.window_scale[0] & 15;
    record.window_scale_reverse = tcp.window_scale[1] & 15;
    for (std::size_t direction = 0; direction < 2; ++direction) {
        FlowEntry& entry = flow(ref, static_cast<Direction>(direction));
        entry.seen_ack = tcp.seen_ack[direction];
        entry.last_ack = tcp.last_ack[direction];
    }
}

Session SessionTable::snapshot(SessionRef ref) const noexcept {
    const auto time_of = [this](std::uint32_t tick) {
        const auto ago = static_cast<std::int32_t>(static_cast<std::uint32_t>(timers.tick()) - tick);
        return static_cast<Time>(static_cast<std::int64_t>(timers.tick()) - ago) * tick_nanoseconds;
    };
    Session session;
    session.rule = rule(ref);
    session.tcp = tcp(ref);
    session.last_seen = time_of(last_seen_tick(ref));
    session.created = time_of(flow(ref, Direction::reverse).aside);
    for (std::size_t direction = 0; direction < 2; ++direction) {
        const FlowEntry& entry = flow(ref, static_cast<Direction>(direction));
        session.tuple[direction] = tuple(ref, static_cast<Direction>(direction));
        session.packets[direction] = entry.packets;
        session.bytes[direction] = entry.bytes();
    }
    return session;
}

}  // namespace sluice
