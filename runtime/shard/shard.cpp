// SPDX-License-Identifier: Apache-2.0
#include "runtime/shard/shard.h"

#include <algorithm>
#include <limits>

#include "runtime/shard/shard_state.h"
#include "runtime/stages/external_address.h"

namespace sluice {

Shard::State::State(const Image& image_, const ShardSettings& settings_, FrameAllocator& allocator_)
    : image(image_),
      settings(settings_),
      allocator(allocator_),
      key(HashKey::from_seed(settings_.seed)),
      counters(image_),
      sessions(settings_.sessions, key),
      nat(image_, settings_.sessions, key, settings_.index, settings_.count),
      fragments(settings_.datagrams, key),
      neighbours(settings_.neighbours, key, *this),
      programs(settings_.flows, key),
      flows(settings_.cache == CacheTiers::none ? 8 : settings_.flows, key),
      ip_ids(key),
      icmp_limiters(counters.drops.size()) {
    for (const TenantView& tenant : image.tenants()) {
        for (const image::StaticNeighbour& row : tenant.neighbours) {
            neighbours.add_permanent(tenant.ref(row.interface()), from_image(row.ip()),
                                     static_cast<Family>(row.family()), from_image(row.mac()));
        }
    }
}

void Shard::State::run_timers(Time until) {
    const std::uint64_t last = tick_of(until);
    while (sessions.timers.tick() < last) {
        if (sessions.timers.empty() && neighbours.timers_empty() && fragments.empty()) {
            sessions.timers.jump_to(last);
            neighbours.jump_to(last);
            fragments.jump_to(last);
            break;
        }
        now = std::max(now, (sessions.timers.tick() + 1) * tick_nanoseconds);
        sessions.timers.step([this](std::uint32_t index) { session_timer(index); });
        neighbours.step();
        fragments.step([this](std::span<const HeldFragment> held) { expire_datagram(held); });
    }
    now = std::max(now, until);
}

void Shard::State::expire_datagram(std::span<const HeldFragment> held) {
    for (const HeldFragment& fragment : held) {
        // The interface is known by the same binding it came in by.
        const image::Binding* binding =
            image.find_binding(fragment.frame.port, fragment.l2.outer_vid, fragment.l2.inner_vid);
        const Component component = router_of(binding->tenant());
        if (fragment.ip.first_fragment()) {
            send_icmp_error(IcmpError::reassembly_timeout, fragment, {binding->tenant(), binding->interface()},
                            component, 0);
        }
        drop(fragment.frame, component, DropReason::FRAG_TIMEOUT);
    }
}

Shard::Shard(const Image& image, const ShardSettings& settings, FrameAllocator& allocator)
    : state_(std::make_unique<State>(image, settings, allocator)) {}
Shard::~Shard() = default;

void Shard::process(std::span<const Frame> burst, Time now, Output& output) {
    State& state = *state_;
    state.output = &output;
    state.run_timers(now);
    while (!burst.empty()) {
        const std::size_t count = std::min<std::size_t>(burst.size(), most_burst_frames);
        // The first passes only read and prefetch; the last has all effects, packet by packet in the order of
        // arrival.
        for (std::size_t i = 0; i < count; ++i) {
            state.receive(burst[i], state.arrivals[i]);
            if (state.arrivals[i].probe) state.flows.prefetch(state.arrivals[i].hash);
        }
        for (std::size_t i = 0; i < count; ++i) {
            if (state.arrivals[i].probe) state.flows.prefetch_entry(state.arrivals[i].hash);
        }
        for (std::size_t i = 0; i < count; ++i) {
            Arrival& arrival = state.arrivals[i];
            if (!arrival.slow) continue;
            if (arrival.probe && state.serve_from_cache(arrival)) continue;
            state.run_slow_path(arrival);
        }
        burst = burst.subspan(count);
    }
    state.output = nullptr;
}

void Shard::advance(Time now, Output& output) {
    process({}, now, output);
}

void Shard::release_held(Output& output) {
    const std::size_t before = output.released.size();
    state_->neighbours.release_all(
        [&](const HeldPacket& held) { output.released.push_back(held.packet.frame); });
    state_->fragments.release_all([&](const HeldFragment& held) { output.released.push_back(held.frame); });
    state_->given_back += output.released.size() - before;
}

const Counters& Shard::counters() {
    state_->fold_cursor = 0;
    fold_some(flow_places());
    return counters_so_far();
}

bool Shard::fold_some(std::uint32_t count) {
    State& state = *state_;
    const std::uint32_t end = std::min(state.flows.capacity(), state.fold_cursor + count);
    for (; state.fold_cursor < end; ++state.fold_cursor) {
        if (state.flows[state.fold_cursor].live) state.fold(state.flows[state.fold_cursor]);
    }
    if (end < state.flows.capacity()) return false;
    state.fold_cursor = 0;
    return true;
}

const Counters& Shard::counters_so_far() {
    State& state = *state_;
    state.counters.held = state.neighbours.held_packets() + state.fragments.held_fragments() + state.given_back;
    state.counters.sessions.active = state.sessions.size();
    return state.counters;
}

const SessionTable& Shard::sessions() const {
    return state_->sessions;
}

Session Shard::session(SessionRef ref) const {
    const State& state = *state_;
    Session session = state.sessions[ref];
    state.gather(session);
    for (std::size_t direction = 0; direction < 2; ++direction) {
        if (session.flow[direction] == no_flow) continue;
        const Flow& flow = state.flows[session.flow[direction]];
        session.packets[direction] += flow.packets;
        session.bytes[direction] += flow.rx_bytes;
    }
    return session;
}

const NeighbourTable& Shard::neighbours() const {
    return state_->neighbours;
}

std::uint32_t Shard::flow_places() const {
    return state_->flows.capacity();
}

std::optional<FlowSummary> Shard::flow(std::uint32_t place) const {
    const State& state = *state_;
    const Flow& flow = state.flows[place];
    if (!flow.live) return std::nullopt;
    const Program& program = state.programs[flow.program];
    const Tuple& tuple = flow.key.tuple;
    FlowSummary summary{.ingress = program.ingress,
                        .egress = program.egress,
                        .tuple = tuple,
                        .new_source = tuple.source,
                        .new_destination = tuple.destination,
                        .new_source_port = tuple.source_port,
                        .new_destination_port = tuple.destination_port,
                        .packets = flow.folded_packets + flow.packets,
                        .bytes = flow.folded_bytes + flow.rx_bytes,
                        .last_seen = flow.last_seen};
    if (const Translation& to = flow.values.translation; to.changes) {
        summary.new_source = to.source;
        summary.new_destination = to.destination;
        summary.new_source_port = to.source_port;
        summary.new_destination_port = to.destination_port;
    }
    return summary;
}

Time Shard::next_timer() const {
    const State& state = *state_;
    const bool idle =
        state.sessions.timers.empty() && state.neighbours.timers_empty() && state.fragments.empty();
    return idle ? std::numeric_limits<Time>::max() : (state.sessions.timers.tick() + 1) * tick_nanoseconds;
}

}  // namespace sluice
