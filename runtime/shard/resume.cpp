// SPDX-License-Identifier: Apache-2.0
//
// What the process before left becomes this shard's. The bytes are as they were sealed, but nothing else is
// taken for granted: every number is looked at before it is used, and what does not fit is left out.
#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "runtime/shard/saved_state.h"
#include "runtime/shard/shard_state.h"

namespace sluice {
namespace {

// Their port spaces take 25 KB each; as many as a gateway's NAT record can number.
constexpr std::size_t most_externals = 1u << 16;
constexpr std::uint8_t most_window_scale = 14;  // RFC 7323 2.3

std::optional<Family> family_of(std::uint8_t number) {
    if (number == static_cast<std::uint8_t>(Family::v4)) return Family::v4;
    if (number == static_cast<std::uint8_t>(Family::v6)) return Family::v6;
    return std::nullopt;
}

bool is_address(Ip ip, Family family) {
    return family == Family::v6 || ip == Ip::from_v4(ip.v4());
}

bool has(const saved::Session& row, saved::SessionFlag flag) {
    return (static_cast<unsigned>(row.flags()) & static_cast<unsigned>(flag)) != 0;
}

Tuple tuple_of(const saved::Side& side, const saved::Session& row, Family family) {
    return {from_image(side.source()),
            from_image(side.destination()),
            side.source_port(),
            side.destination_port(),
            row.tenant(),
            protocol_in(family, row.protocol()),
            family};
}

/// Of its reverse side, where the forward one is of `family`.
Family reverse_family(const saved::Session& row, Family family) {
    if (!has(row, saved::SessionFlag::Crosses)) return family;
    return family == Family::v4 ? Family::v6 : Family::v4;
}

PacketCount from_saved(const saved::Count* count) {
    return count == nullptr ? PacketCount{} : PacketCount{count->packets(), count->bytes()};
}

/// Counters stand by reasons' names: another version may have other reasons, or another order.
template <typename Reason>
std::vector<std::optional<Reason>> reasons_named(
    const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>& names, std::uint32_t count) {
    std::vector<std::optional<Reason>> reasons;
    for (const flatbuffers::String* name : names) {
        std::optional<Reason>& reason = reasons.emplace_back();
        for (std::uint32_t i = 0; i < count; ++i) {
            if (name_of(static_cast<Reason>(i)) == name->string_view()) reason = static_cast<Reason>(i);
        }
    }
    return reasons;
}

}  // namespace

class StateReader {
  public:
    StateReader(Shard::State& state, const saved::Gateway& root) : state_(state), root_(root) {}
    Shard::Resumed read();

  private:
    struct KnownMapping {
        InsideEndpoint inside;
        std::uint32_t external = 0;
        Ip external_ip;
        Family external_family{};
        std::uint16_t external_port = 0;
        std::uint32_t number = no_mapping;
        bool good = false;
    };

    void start_clocks();
    void read_counters();
    void read_components();
    void read_mappings();
    KnownMapping mapping_of(const saved::Mapping& row);
    bool read_session(const saved::Session& row);
    bool is_sane(const saved::Session& row, Family family) const;
    /// Null where the session has none; `refused` where it should have one that is not to be had.
    KnownMapping* mapping_at(std::uint32_t place, const Tuple& tuple, bool& refused);
    bool join(KnownMapping* mapping, Ip remote);
    bool read_neighbour(const saved::Neighbour& row);
    std::uint32_t tick_not_after_now(std::uint32_t tick) const;

    Shard::State& state_;
    const saved::Gateway& root_;
    std::vector<KnownMapping> mappings_;
};

std::uint32_t StateReader::tick_not_after_now(std::uint32_t tick) const {
    const std::uint32_t now = state_.seen_tick();
    return static_cast<std::int32_t>(tick - now) > 0 ? now : tick;
}

void StateReader::start_clocks() {
    state_.now = root_.now();
    state_.sessions.timers.jump_to(tick_of(state_.now));
    state_.neighbours.jump_to(tick_of(state_.now));
    state_.fragments.jump_to(tick_of(state_.now));
}

void StateReader::read_counters() {
    Counters& counters = state_.counters;
    counters.originated = root_.originated();
    counters.copies = root_.copies();
    counters.consumed = root_.consumed();
    state_.given_back = root_.held();
    counters.cache.flow_hits = root_.flow_hits();
    counters.cache.trace_hits = root_.trace_hits();
    counters.cache.pipeline_runs = root_.pipeline_runs();
    counters.cache.revalidated = root_.revalidated();
    counters.cache.invalidated = root_.invalidated();
    counters.sessions.created = root_.sessions_created();
    counters.sessions.expired = root_.sessions_expired();
    counters.sessions.ended = root_.sessions_ended();
    const auto uncacheable = reasons_named<NoCacheReason>(*root_.nocache_reasons(), nocache_reason_count);
    for (std::size_t i = 0; i < std::min<std::size_t>(uncacheable.size(), root_.uncacheable()->size()); ++i) {
        if (!uncacheable[i]) continue;
        counters.cache.uncacheable[static_cast<std::size_t>(*uncacheable[i])] =
            root_.uncacheable()->Get(static_cast<flatbuffers::uoffset_t>(i));
    }
    std::size_t port = 0;
    for (const saved::Port* row : *root_.ports()) {
        if (port == counters.rx.size()) break;
        counters.rx[port] = from_saved(row->rx());
        counters.tx[port++] = from_saved(row->tx());
    }
    std::uint16_t tenant = 0;
    for (const saved::Tenant* row : *root_.tenants()) {
        if (tenant == counters.tenants.size()) break;
        TenantCount& count = counters.tenants[tenant];
        count.rx = from_saved(row->rx());
        count.tx = from_saved(row->tx());
        count.traces = {row->trace_hits(), row->trace_misses(), row->traces_started()};
        std::uint32_t rule = 0;
        for (const saved::RuleCount* settled : *row->rule_counts()) {
            state_.ledger.settled(tenant, rule++) = {settled->sessions(), settled->packets(), settled->bytes()};
        }
        ++tenant;
    }
}

void StateReader::read_components() {
    Counters& counters = state_.counters;
    std::unordered_map<std::string_view, Component> known;
    for (Component component = 0; component < counters.component_names.size(); ++component) {
        known.emplace(counters.component_names[component], component);
    }
    const auto reasons = reasons_named<DropReason>(*root_.drop_reasons(), drop_reason_count);
    for (const saved::Component* row : *root_.components()) {
        const auto found = known.find(row->name()->string_view());
        if (found == known.end()) continue;
        state_.icmp_limiters[found->second] = IcmpLimiter(row->icmp_tokens(), row->icmp_filled());
        if (row->drops() == nullptr) continue;
        for (std::size_t i = 0; i < std::min<std::size_t>(reasons.size(), row->drops()->size()); ++i) {
            if (!reasons[i]) continue;
            counters.drops[found->second][static_cast<std::size_t>(*reasons[i])] =
                row->drops()->Get(static_cast<flatbuffers::uoffset_t>(i));
        }
    }
}

StateReader::KnownMapping StateReader::mapping_of(const saved::Mapping& row) {
    KnownMapping mapping;
    const bool nat64 = row.family() == family_nat64;
    const auto family = nat64 ? std::optional(Family::v6) : family_of(row.family());
    if (!family || row.tenant() >= state_.image->tenants().size()) return mapping;
    const TenantView& tenant = state_.image->tenants()[row.tenant()];
    mapping.inside = {.ip = from_image(row.inside()),
                      .snat_rule = row.snat_rule(),
                      .port = row.inside_port(),
                      .tenant = row.tenant(),
                      .protocol = row.protocol(),
                      .family = *family};
    mapping.external_ip = from_image(row.external());
    mapping.external_family = nat64 ? Family::v4 : *family;
    mapping.external_port = row.external_port();
    if (!is_address(mapping.inside.ip, *family) || !is_address(mapping.external_ip, mapping.external_family)) {
        return mapping;
    }
    if (!tenant.slots || row.snat_rule() >= tenant.slots->snat_rules.size() || row.snat_rule() > 0xffff) {
        return mapping;
    }
    const std::uint32_t position = tenant.snat_position(row.snat_rule());
    if (position != no_position) {
        const image::SnatRule& rule = tenant.snat_rules[position];
        if (rule.family() != static_cast<std::uint8_t>(*family) || (rule.nat64() != 0) != nat64) return mapping;
    }
    mapping.good = true;
    return mapping;
}

void StateReader::read_mappings() {
    mappings_.reserve(root_.mappings()->size());
    std::vector<NatTable::ExternalName> names;
    const auto name_of_external = [](const KnownMapping& mapping) -> NatTable::ExternalName {
        return {mapping.inside.tenant, mapping.external_family, mapping.external_ip};
    };
    for (const saved::Mapping* row : *root_.mappings()) {
        const KnownMapping& mapping = mappings_.emplace_back(mapping_of(*row));
        if (mapping.good) names.push_back(name_of_external(mapping));
    }
    std::ranges::sort(names);
    names.erase(std::unique(names.begin(), names.end()), names.end());
    if (names.size() > most_externals) names.resize(most_externals);
    const std::vector<std::uint32_t> slots = state_.nat.externals_for(names);
    for (KnownMapping& mapping : mappings_) {
        const auto at = std::ranges::lower_bound(names, name_of_external(mapping));
        mapping.good = mapping.good && at != names.end() && *at == name_of_external(mapping);
        if (mapping.good) mapping.external = slots[static_cast<std::size_t>(at - names.begin())];
    }
}

StateReader::KnownMapping* StateReader::mapping_at(std::uint32_t place, const Tuple& tuple, bool& refused) {
    if (place == no_mapping) return nullptr;
    refused = true;
    if (place >= mappings_.size()) return nullptr;
    KnownMapping& mapping = mappings_[place];
    const InsideEndpoint& inside = mapping.inside;
    if (!mapping.good || inside.tenant != tuple.scope || inside.protocol != tuple.protocol ||
        inside.family != tuple.family) {
        return nullptr;
    }
    refused = false;
    return &mapping;
}

bool StateReader::join(KnownMapping* mapping, Ip remote) {
    if (mapping->number == no_mapping) {
        mapping->number = state_.nat.adopt(mapping->inside, mapping->external, mapping->external_port);
        mapping->good = mapping->number != no_mapping;
    }
    if (!mapping->good) return false;
    state_.nat.join(mapping->number, remote);
    return true;
}

bool StateReader::is_sane(const saved::Session& row, Family family) const {
    const auto is_good = [](const saved::Side& side, Family of) {
        return is_address(from_image(side.source()), of) && is_address(from_image(side.destination()), of);
    };
    const Family back = reverse_family(row, family);
    if (!is_good(row.forward(), family) || !is_good(row.reverse(), back)) return false;
    const TenantView& tenant = state_.image->tenants()[row.tenant()];
    return is_address(from_image(row.joined_remote()), back) && row.in_interface() < tenant.interface_slots() &&
           (row.rule() == default_rule || row.rule() < tenant.rule_slots()) &&
           row.tcp_state() <= static_cast<std::uint8_t>(TcpState::trans) &&
           row.window_scale_forward() <= most_window_scale && row.window_scale_reverse() <= most_window_scale;
}

bool StateReader::read_session(const saved::Session& row) {
    const auto family = family_of(row.family());
    if (!family || row.tenant() >= state_.image->tenants().size() || !is_sane(row, *family)) return false;
    const Tuple forward = tuple_of(row.forward(), row, *family);
    const Tuple reverse = tuple_of(row.reverse(), row, reverse_family(row, *family));
    const bool arrived = has(row, saved::SessionFlag::ArrivedByMapping);
    bool refused = false;
    KnownMapping* mapping = mapping_at(row.mapping(), forward, refused);
    KnownMapping* joined = refused ? nullptr : mapping_at(row.joined_mapping(), reverse, refused);
    if (refused) return false;

    const bool both_change =
        (forward.source != reverse.destination || forward.source_port != reverse.destination_port) &&
        (forward.destination != reverse.source || forward.destination_port != reverse.source_port);
    const bool wide = has(row, saved::SessionFlag::Wide) || both_change || joined != nullptr;
    SessionTable& sessions = state_.sessions;
    const auto made = sessions.create(forward, reverse, wide);
    if (!made) return false;
    if (joined != nullptr) {
        const Ip remote = from_image(row.joined_remote());
        if (!join(joined, remote)) {
            sessions.erase(*made);
            return false;
        }
        sessions.wide(*made).joined_mapping = joined->number;
        sessions.wide(*made).joined_remote = remote;
    }
    if (mapping != nullptr) {
        if (!join(mapping, arrived ? forward.source : forward.destination)) {
            state_.release_mappings(state_.ending_of(*made));
            if (joined != nullptr && state_.nat[joined->number].sessions == 0) joined->number = no_mapping;
            sessions.erase(*made);
            return false;
        }
        sessions.set_mapping(*made, mapping->number, arrived);
    }
    sessions.set_rule(*made, row.rule());
    sessions.set_first_packet(*made, row.in_interface(), has(row, saved::SessionFlag::Timestamp));
    TcpTracker tcp;
    tcp.state = static_cast<TcpState>(row.tcp_state());
    tcp.window_scale[0] = row.window_scale_forward();
    tcp.window_scale[1] = row.window_scale_reverse();
    tcp.seen_ack[0] = has(row, saved::SessionFlag::ForwardAcked);
    tcp.seen_ack[1] = has(row, saved::SessionFlag::ReverseAcked);
    tcp.last_ack[0] = row.forward().last_ack();
    tcp.last_ack[1] = row.reverse().last_ack();
    sessions.set_tcp(*made, tcp);
    state_.recount_session(*made);
    const std::uint32_t epoch = has(row, saved::SessionFlag::Judged) ? state_.image->generation() : 0;
    for (const Direction direction : {Direction::forward, Direction::reverse}) {
        const saved::Side& side = direction == Direction::forward ? row.forward() : row.reverse();
        FlowEntry& entry = sessions.flow(*made, direction);
        entry.epoch = epoch;
        entry.packets = side.packets();
        entry.bytes_low = static_cast<std::uint32_t>(side.bytes());
        entry.bytes_high = static_cast<std::uint16_t>(side.bytes() >> 32);
        entry.last_seen = tick_not_after_now(side.last_seen());
    }
    sessions.flow(*made, Direction::reverse).aside = row.created();
    const std::uint32_t due = state_.deadline_tick(*made);
    const bool too_late = static_cast<std::int32_t>(row.due() - due) > 0;
    sessions.timers.schedule_tick(made->index, too_late ? due : row.due());
    return true;
}

bool StateReader::read_neighbour(const saved::Neighbour& row) {
    const auto family = family_of(row.family());
    if (!family || row.state() > static_cast<std::uint8_t>(NeighbourState::failed)) return false;
    Neighbour known;
    known.ip = from_image(row.ip());
    known.family = *family;
    known.interface = {row.tenant(), row.interface()};
    known.state = static_cast<NeighbourState>(row.state());
    known.mac = from_image(row.mac());
    known.requests = row.requests();
    known.changed = std::min(row.changed(), state_.now);
    if (!is_address(known.ip, *family) || !state_.image->has(known.interface)) return false;
    if (known.usable() && (known.mac.is_group() || known.mac == Mac{})) return false;
    state_.neighbours.resume(known, row.due());
    return true;
}

Shard::Resumed StateReader::read() {
    start_clocks();
    read_counters();
    read_components();
    if (root_.ip_ids()->size() == IpIds::slots) {
        state_.ip_ids.resume(
            std::span<const std::uint16_t, IpIds::slots>(root_.ip_ids()->data(), IpIds::slots));
    }
    read_mappings();
    Shard::Resumed resumed;
    for (const saved::Session* row : *root_.sessions()) {
        if (read_session(*row)) {
            ++resumed.sessions;
            continue;
        }
        ++resumed.lost_sessions;
        const auto& tenants = state_.image->tenants();
        if (row->tenant() >= tenants.size()) continue;
        // What it carried was counted by its rule.
        for (const saved::Side* side : {&row->forward(), &row->reverse()}) {
            state_.ledger.end(row->tenant(), row->rule(), side->packets(), side->bytes(), false);
        }
    }
    state_.counters.sessions.ended += resumed.lost_sessions;
    for (const saved::Neighbour* row : *root_.neighbours()) resumed.neighbours += read_neighbour(*row) ? 1 : 0;
    state_.nat.forget_block_events();  // they were told when they were taken
    state_.sweep_from_now_on();
    return resumed;
}

Shard::Resumed Shard::resume(const SavedState& state) {
    return StateReader(*state_, state.root()).read();
}

}  // namespace sluice
