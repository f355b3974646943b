// SPDX-License-Identifier: Apache-2.0
//
// What a shard leaves for the next process: all that packets could tell the difference of, but for what can be
// found again (programs, traces, answers of the firewall) and the frames that wait.
#include <algorithm>

#include "runtime/image/numbering.h"
#include "runtime/shard/saved_state.h"
#include "runtime/shard/shard_state.h"

namespace sluice {
namespace {

using Builder = flatbuffers::FlatBufferBuilder;

saved::Count to_saved(const PacketCount& count) {
    return {count.packets, count.bytes};
}

template <typename Names>
auto save_names(Builder& builder, const Names& names) {
    std::vector<flatbuffers::Offset<flatbuffers::String>> offsets;
    for (const auto& name : names) offsets.push_back(builder.CreateString(name.data(), name.size()));
    return builder.CreateVector(offsets);
}

template <typename Reason>
auto save_reasons(Builder& builder, std::uint32_t count) {
    std::vector<std::string_view> names;
    for (std::uint32_t i = 0; i < count; ++i) names.push_back(name_of(static_cast<Reason>(i)));
    return save_names(builder, names);
}

}  // namespace

/// What the parts of a saved gateway are written from.
class StateWriter {
  public:
    StateWriter(const Shard::State& state, std::size_t sessions)
        : state_(state), builder_(sessions * sizeof(saved::Session) + (1u << 16)) {}

    std::vector<std::uint8_t> write(const BootId& boot);

  private:
    flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<saved::Port>>> ports();
    flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<saved::Tenant>>> tenants();
    flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<saved::Component>>> components();
    flatbuffers::Offset<flatbuffers::Vector<const saved::Session*>> sessions();
    std::vector<saved::Neighbour> neighbours() const;
    saved::Session session(SessionRef ref);
    saved::Side side(SessionRef ref, Direction direction) const;
    std::uint32_t place_of(std::uint32_t mapping);

    const Shard::State& state_;
    Builder builder_;
    std::vector<std::uint32_t> places_;  // of mappings in what is written; no_mapping: not yet
    std::vector<saved::Mapping> mappings_;
};

auto StateWriter::ports() -> flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<saved::Port>>> {
    std::vector<flatbuffers::Offset<saved::Port>> rows;
    const auto names = state_.image->port_names();
    for (std::size_t port = 0; port < names.size(); ++port) {
        const auto name = builder_.CreateString(names[port].data(), names[port].size());
        const saved::Count rx = to_saved(state_.counters.rx[port]), tx = to_saved(state_.counters.tx[port]);
        rows.push_back(saved::CreatePort(builder_, name, &rx, &tx));
    }
    return builder_.CreateVector(rows);
}

auto StateWriter::tenants() -> flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<saved::Tenant>>> {
    std::vector<flatbuffers::Offset<saved::Tenant>> rows;
    const Numbering numbering = state_.image->numbering();
    const auto count_of_tenants = static_cast<std::uint16_t>(numbering.tenants.size());  // an image's most
    for (std::uint16_t slot = 0; slot < count_of_tenants; ++slot) {
        const Numbering::Tenant& names = numbering.tenants[slot];
        const TenantCount& count = state_.counters.tenants[slot];
        std::vector<saved::RuleCount> rules;
        for (std::uint32_t rule = 0; rule <= names.rules.size(); ++rule) {
            const RuleCount& settled = state_.ledger.settled(slot, rule);
            rules.emplace_back(settled.sessions, settled.packets, settled.bytes);
        }
        const auto name = builder_.CreateString(names.name);
        const auto interfaces = save_names(builder_, names.interfaces);
        const auto rule_names = save_names(builder_, names.rules);
        const auto snat_rules = save_names(builder_, names.snat_rules);
        const auto snat_slots = builder_.CreateVector(names.snat_slots);
        const auto rule_counts = builder_.CreateVectorOfStructs(rules);
        const saved::Count rx = to_saved(count.rx), tx = to_saved(count.tx);
        rows.push_back(saved::CreateTenant(builder_, name, interfaces, rule_names, snat_rules, snat_slots,
                                           rule_counts, &rx, &tx, count.traces.hits, count.traces.misses,
                                           count.traces.started));
    }
    return builder_.CreateVector(rows);
}

auto StateWriter::components()
    -> flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<saved::Component>>> {
    std::vector<flatbuffers::Offset<saved::Component>> rows;
    for (Component component = 0; component < state_.counters.drops.size(); ++component) {
        const auto& drops = state_.counters.drops[component];
        const IcmpLimiter& limiter = state_.icmp_limiters[component];
        const bool silent = std::ranges::all_of(drops, [](std::uint64_t count) { return count == 0; });
        if (silent && limiter.filled() == 0) continue;
        const auto name = builder_.CreateString(state_.counters.component_names[component]);
        const auto counts = builder_.CreateVector(drops.data(), drops.size());
        rows.push_back(saved::CreateComponent(builder_, name, counts, limiter.tokens(), limiter.filled()));
    }
    return builder_.CreateVector(rows);
}

std::uint32_t StateWriter::place_of(std::uint32_t mapping) {
    if (mapping == no_mapping) return no_mapping;
    if (mapping >= places_.size()) places_.resize(mapping + 1u, no_mapping);
    if (places_[mapping] == no_mapping) {
        places_[mapping] = static_cast<std::uint32_t>(mappings_.size());
        const Mapping known = state_.nat[mapping];
        mappings_.emplace_back(
            to_image(known.inside.ip), to_image(known.external_ip), known.inside.snat_rule, known.inside.tenant,
            known.inside.port, known.external_port, known.inside.protocol,
            known.external_family != known.inside.family ? family_nat64
                                                         : static_cast<std::uint8_t>(known.inside.family));
    }
    return places_[mapping];
}

saved::Side StateWriter::side(SessionRef ref, Direction direction) const {
    const FlowEntry& entry = state_.sessions.flow(ref, direction);
    const Tuple tuple = state_.sessions.tuple(ref, direction);
    return {to_image(tuple.source), to_image(tuple.destination),
            entry.bytes(),          tuple.source_port,
            tuple.destination_port, entry.packets,
            entry.last_seen,        entry.last_ack};
}

saved::Session StateWriter::session(SessionRef ref) {
    const SessionTable& table = state_.sessions;
    const Tuple tuple = table.tuple(ref, Direction::forward);
    const TcpTracker tcp = table.tcp(ref);
    const bool judged = table.judged(ref) >= state_.image->tenants()[tuple.scope].section_changed;
    unsigned flags = 0;
    const auto set = [&flags](saved::SessionFlag flag, bool on) {
        if (on) flags |= static_cast<unsigned>(flag);
    };
    set(saved::SessionFlag::Wide, table.is_wide(ref));
    set(saved::SessionFlag::Timestamp, table.timestamp(ref));
    set(saved::SessionFlag::ArrivedByMapping, table.arrived_by_mapping(ref));
    set(saved::SessionFlag::Judged, judged);
    set(saved::SessionFlag::ForwardAcked, tcp.seen_ack[0]);
    set(saved::SessionFlag::ReverseAcked, tcp.seen_ack[1]);
    set(saved::SessionFlag::Crosses, table.tuple(ref, Direction::reverse).family != tuple.family);
    const bool joined = table.is_wide(ref) && table.wide(ref).joined_mapping != no_mapping;
    return {side(ref, Direction::forward),
            side(ref, Direction::reverse),
            to_image(joined ? table.wide(ref).joined_remote : Ip{}),
            table.rule(ref),
            place_of(table.mapping(ref)),
            joined ? place_of(table.wide(ref).joined_mapping) : no_mapping,
            table.flow(ref, Direction::reverse).aside,
            table.timers.due_tick(ref.index),
            tuple.scope,
            table.in_interface(ref),
            tuple.protocol,
            static_cast<std::uint8_t>(tuple.family),
            static_cast<std::uint8_t>(tcp.state),
            tcp.window_scale[0],
            tcp.window_scale[1],
            static_cast<saved::SessionFlag>(flags)};
}

flatbuffers::Offset<flatbuffers::Vector<const saved::Session*>> StateWriter::sessions() {
    saved::Session* row = nullptr;
    const auto rows = builder_.CreateUninitializedVectorOfStructs(state_.sessions.size(), &row);
    for (std::uint32_t index = 0; index < state_.sessions.capacity(); ++index) {
        if (state_.sessions.live(index)) *row++ = session(state_.sessions.ref_of(index));
    }
    return rows;
}

std::vector<saved::Neighbour> StateWriter::neighbours() const {
    std::vector<saved::Neighbour> rows;
    state_.neighbours.for_each_in_order([&](const Neighbour& neighbour, std::uint32_t due_tick) {
        if (neighbour.state == NeighbourState::permanent) return;  // the image's
        if (neighbour.tunnel != no_tunnel) return;                 // numbers of tunnels are this process's
        rows.emplace_back(to_image(neighbour.ip), neighbour.changed, due_tick, neighbour.interface.tenant,
                          neighbour.interface.interface, to_image(neighbour.mac),
                          static_cast<std::uint8_t>(neighbour.family),
                          static_cast<std::uint8_t>(neighbour.state), neighbour.requests);
    });
    return rows;
}

std::vector<std::uint8_t> StateWriter::write(const BootId& boot) {
    const Counters& counters = state_.counters;
    const auto session_rows = sessions();
    const auto mapping_rows = builder_.CreateVectorOfStructs(mappings_);
    const auto neighbour_rows = builder_.CreateVectorOfStructs(neighbours());
    const auto image = builder_.CreateVector(state_.image->digest().data(), state_.image->digest().size());
    const auto port_rows = ports();
    const auto tenant_rows = tenants();
    const auto component_rows = components();
    const auto drop_reasons = save_reasons<DropReason>(builder_, drop_reason_count);
    const auto nocache_reasons = save_reasons<NoCacheReason>(builder_, nocache_reason_count);
    const auto uncacheable =
        builder_.CreateVector(counters.cache.uncacheable.data(), counters.cache.uncacheable.size());
    const auto ip_ids = builder_.CreateVector(state_.ip_ids.counters().data(), state_.ip_ids.counters().size());
    saved::GatewayBuilder gateway(builder_);
    gateway.add_image(image);
    gateway.add_now(state_.now);
    gateway.add_seed(state_.settings.seed);
    gateway.add_ports(port_rows);
    gateway.add_tenants(tenant_rows);
    gateway.add_components(component_rows);
    gateway.add_drop_reasons(drop_reasons);
    gateway.add_nocache_reasons(nocache_reasons);
    gateway.add_uncacheable(uncacheable);
    gateway.add_originated(counters.originated);
    gateway.add_copies(counters.copies);
    gateway.add_consumed(counters.consumed);
    gateway.add_held(counters.held);
    gateway.add_flow_hits(counters.cache.flow_hits);
    gateway.add_trace_hits(counters.cache.trace_hits);
    gateway.add_pipeline_runs(counters.cache.pipeline_runs);
    gateway.add_revalidated(counters.cache.revalidated);
    gateway.add_invalidated(counters.cache.invalidated);
    gateway.add_sessions_created(counters.sessions.created);
    gateway.add_sessions_expired(counters.sessions.expired);
    gateway.add_sessions_ended(counters.sessions.ended);
    gateway.add_ip_ids(ip_ids);
    gateway.add_sessions(session_rows);
    gateway.add_mappings(mapping_rows);
    gateway.add_neighbours(neighbour_rows);
    saved::FinishGatewayBuffer(builder_, gateway.Finish());
    return seal_state({builder_.GetBufferPointer(), builder_.GetSize()}, boot);
}

std::vector<std::uint8_t> Shard::save(const BootId& boot) {
    state_->ledger.restart();
    state_->fold_cursor = 0;
    counters_so_far();
    return StateWriter(*state_, state_->sessions.size()).write(boot);
}

}  // namespace sluice
