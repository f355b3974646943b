// SPDX-License-Identifier: Apache-2.0
#include "runtime/state/counters.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "runtime/state/slot_changes.h"

namespace sluice {
namespace {

void add_to(std::uint64_t& to, std::uint64_t from) {
    to += from;
}
void add_to(PacketCount& to, const PacketCount& from) {
    to.packets += from.packets;
    to.bytes += from.bytes;
}
void add_to(RuleCount& to, const RuleCount& from) {
    to.sessions += from.sessions;
    to.packets += from.packets;
    to.bytes += from.bytes;
}
template <typename Range>
void add_each(Range& to, const Range& from) {
    for (std::size_t i = 0; i < to.size(); ++i) add_to(to[i], from[i]);
}

std::uint64_t packets_of(const std::vector<PacketCount>& ports) {
    return std::accumulate(ports.begin(), ports.end(), std::uint64_t{0},
                           [](std::uint64_t sum, const PacketCount& port) { return sum + port.packets; });
}

}  // namespace

Counters::Counters(std::span<const std::string_view> port_names, std::span<const TenantView> tenant_views)
    : rx(port_names.size()), tx(port_names.size()) {
    for (const auto port : port_names) component_names.push_back("gateway." + std::string(port));
    for (const TenantView& tenant : tenant_views) {
        const std::string prefix = std::string(tenant.name) + ".";
        first_component.push_back(static_cast<Component>(component_names.size()));
        component_names.push_back(prefix + "sr");
        component_names.push_back(prefix + "dr");
        for (std::uint16_t slot = 0; slot < tenant.interface_slots(); ++slot) {
            component_names.push_back(prefix + std::string(tenant.name_of_interface(slot)));
        }
        tenants.emplace_back().rules.resize(tenant.rule_slots() + 1);
    }
    drops.resize(component_names.size());
}

bool Counters::balanced() const {
    return packets_of(rx) + originated + copies == packets_of(tx) + consumed + held + total_drops();
}

std::uint64_t Counters::total_drops() const {
    std::uint64_t sum = 0;
    for (const auto& reasons : drops) sum = std::accumulate(reasons.begin(), reasons.end(), sum);
    return sum;
}

void Counters::take_over(Counters& before, const SlotChanges& changes) noexcept {
    if (changes.same_components) {
        drops.swap(before.drops);
    } else {
        for (const auto& [then, now] : changes.kept_components) drops[now] = before.drops[then];
    }
    for (const std::uint16_t port : changes.kept_ports) {
        rx[port] = before.rx[port];
        tx[port] = before.tx[port];
    }
    for (const std::uint16_t tenant : changes.kept_tenants) {
        TenantCount &now = tenants[tenant], &then = before.tenants[tenant];
        std::swap(now, then);
        if (now.rules.size() == then.rules.size()) continue;
        now.rules.swap(then.rules);
        std::copy_n(then.rules.begin(), std::min(now.rules.size(), then.rules.size()) - 1, now.rules.begin());
        now.rules.back() = then.rules.back();
    }
    for (const SlotChanges::Rule& rule : changes.new_rules) tenants[rule.tenant].rules[rule.slot] = {};
    originated = before.originated;
    copies = before.copies;
    consumed = before.consumed;
    held = before.held;
    cache = before.cache;
    sessions = before.sessions;
}

void Counters::add(const Counters& other) {
    add_each(rx, other.rx);
    add_each(tx, other.tx);
    originated += other.originated;
    copies += other.copies;
    consumed += other.consumed;
    held += other.held;
    for (std::size_t i = 0; i < drops.size(); ++i) add_each(drops[i], other.drops[i]);
    for (std::size_t i = 0; i < tenants.size(); ++i) {
        add_to(tenants[i].rx, other.tenants[i].rx);
        add_to(tenants[i].tx, other.tenants[i].tx);
        add_each(tenants[i].rules, other.tenants[i].rules);
        tenants[i].sessions += other.tenants[i].sessions;
        tenants[i].traces.hits += other.tenants[i].traces.hits;
        tenants[i].traces.misses += other.tenants[i].traces.misses;
        tenants[i].traces.started += other.tenants[i].traces.started;
    }
    cache.flow_hits += other.cache.flow_hits;
    cache.trace_hits += other.cache.trace_hits;
    cache.pipeline_runs += other.cache.pipeline_runs;
    cache.revalidated += other.cache.revalidated;
    cache.invalidated += other.cache.invalidated;
    add_each(cache.uncacheable, other.cache.uncacheable);
    sessions.created += other.sessions.created;
    sessions.expired += other.sessions.expired;
    sessions.active += other.sessions.active;
    sessions.ended += other.sessions.ended;
}

}  // namespace sluice
