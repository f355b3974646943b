// SPDX-License-Identifier: Apache-2.0
#include "runtime/shard/shard.h"

#include <algorithm>
#include <limits>

#include "runtime/shard/shard_state.h"
#include "runtime/stages/external_address.h"
#include "schemas/layout/image_types.h"

namespace sluice {

Shard::State::State(const Image& image_, const ShardSettings& settings_, FrameAllocator& allocator_)
    : image(&image_),
      settings(settings_),
      allocator(allocator_),
      key(HashKey::from_seed(settings_.seed)),
      counters(image_),
      sessions({.sessions = settings_.sessions,
                .wide_sessions = std::min(settings_.wide_sessions, settings_.sessions),
                .stateless_flows = settings_.cache == CacheTiers::none ? 8 : settings_.flows},
               key),
      nat(image_.tenants(), {settings_.sessions, std::min(settings_.wide_sessions, settings_.sessions)}, key,
          settings_.index, settings_.count),
      fragments(settings_.datagrams, key),
      tunnels(settings_.tunnels, key),
      neighbours(settings_.neighbours, key, *this),
      stations(settings_.stations, key),
      programs(settings_.programs, key),
      traces(settings_.cache == CacheTiers::trace_cache ? settings_.traces : 8, key),
      memo(settings_.cache == CacheTiers::trace_cache ? settings_.rule_answers : 8, key),
      ingresses(image_),
      ledger(image_.tenants()),
      ip_ids(key),
      icmp_limiters(counters.drops.size()),
      meters(image_.tenants().size()) {
    hosts = hosts_for(*image);
    idle_times = idle_times_of(*image);
    for (const TenantView& tenant : image->tenants()) add_static_neighbours(tenant);
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
        nat.advance(static_cast<std::uint32_t>(tick_of(now)));
        sessions.timers.step_in_groups(
            [this](std::span<const std::uint32_t> fired) {
                for (const std::uint32_t index : fired) sessions.prefetch(index);
            },
            [this](std::span<const std::uint32_t> fired) { session_timers(fired); });
        neighbours.step();
        fragments.step([this](const FragmentKey& fragment_key, std::span<const HeldFragment> held) {
            expire_datagram(fragment_key, held);
        });
    }
    now = std::max(now, until);
    nat.advance(static_cast<std::uint32_t>(tick_of(now)));
}

void Shard::State::expire_datagram(const FragmentKey& fragment_key, std::span<const HeldFragment> held) {
    const Component component = router_of(fragment_key.tenant);
    for (const HeldFragment& fragment : held) {
        if (fragment.ip.first_fragment()) {
            send_icmp_error(IcmpError::reassembly_timeout, fragment,
                            {fragment_key.tenant, fragment_key.interface}, component, 0);
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
    if (state.settled != state.image->generation()) state.settle_in();
    if (state.sweep_until != 0) state.sweep_some();
    state.run_timers(now);
    while (!burst.empty()) {
        const std::size_t count = std::min<std::size_t>(burst.size(), most_burst_frames);
        state.process_burst(burst.first(count));
        burst = burst.subspan(count);
    }
    if (!state.nat.block_events().empty()) {
        output.add(state.nat.block_events());
        output.blocks_left_out += state.nat.block_events_lost();
        state.nat.forget_block_events();
    }
    state.output = nullptr;
}

void Shard::advance(Time now, Output& output) {
    process({}, now, output);
}

void Shard::set_link(std::uint16_t port, bool up) {
    State& state = *state_;
    if (!state.link_states.set(port, up)) return;
    // Routers with an interface there may choose other ways now: what is cached of theirs is looked up again.
    const Image& image = *state.image;
    const auto is_on_port = [&](const image::Interface& row) {
        return takes_frames(row) && image.port_slot(row.port()) == port;
    };
    state.neighbours.renew_if([&](const Neighbour& neighbour) {
        return std::ranges::any_of(image.tenants()[neighbour.interface.tenant].interfaces, is_on_port);
    });
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
    state_->ledger.restart();
    fold_some(flow_places());
    return counters_so_far();
}

bool Shard::fold_some(std::uint32_t count) {
    State& state = *state_;
    SessionTable& sessions = state.sessions;
    const std::uint32_t places = sessions.flows.first_stateless();
    const std::uint32_t end = std::min(places, state.fold_cursor + count);
    for (; state.fold_cursor < end; ++state.fold_cursor) {
        const std::uint32_t at = state.fold_cursor;
        FlowEntry& entry = sessions.flows[at];
        if (!sessions.flows.live(at)) continue;
        const std::uint32_t rule = sessions.rule(sessions.ref_of(at >> 1));
        if (entry.packets >= 1u << 31) {  // before it overflows; the session's own count starts anew
            state.ledger.end(entry.key.scope, rule, entry.packets, entry.bytes(), false);
            entry.packets = entry.bytes_low = entry.bytes_high = 0;
        }
        state.ledger.visit(entry.key.scope, rule, entry.packets, entry.bytes());
    }
    if (end < places) return false;
    state.fold_cursor = 0;
    state.ledger.publish(state.counters.tenants);
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

const NeighbourTable& Shard::neighbours() const {
    return state_->neighbours;
}

std::uint32_t Shard::flow_places() const {
    return state_->sessions.flows.size();
}

std::optional<FlowSummary> Shard::flow(std::uint32_t place) const {
    const State& state = *state_;
    const FlowTable& flows = state.sessions.flows;
    const FlowEntry& entry = flows[place];
    if (!flows.live(place) || entry.program == no_program) return std::nullopt;
    const Program& program = state.programs[entry.program];
    const Tuple tuple = flows.tuple(place);
    IpView before;
    before.family = tuple.family;
    before.source = tuple.source;
    before.destination = tuple.destination;
    before.source_port = tuple.source_port;
    before.destination_port = tuple.destination_port;
    Translation to = state.translation_of(place, program, before);
    if (!to.changes)
        to = Translation::between(before, tuple.source, tuple.destination, tuple.source_port,
                                  tuple.destination_port);
    const std::uint64_t idle_ticks = static_cast<std::uint32_t>(state.seen_tick() - entry.last_seen);
    return FlowSummary{.ingress = program.ingress,
                       .egress = program.egress,
                       .tuple = tuple,
                       .new_source = to.source,
                       .new_destination = to.destination,
                       .new_source_port = to.source_port,
                       .new_destination_port = to.destination_port,
                       .packets = entry.packets,
                       .bytes = entry.bytes(),
                       .last_seen = state.now - std::min(state.now, idle_ticks * tick_nanoseconds)};
}

Time Shard::next_timer() const {
    const State& state = *state_;
    const bool idle =
        state.sessions.timers.empty() && state.neighbours.timers_empty() && state.fragments.empty();
    return idle ? std::numeric_limits<Time>::max() : (state.sessions.timers.tick() + 1) * tick_nanoseconds;
}

}  // namespace sluice
