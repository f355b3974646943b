// SPDX-License-Identifier: Apache-2.0
#include "runtime/state/slot_changes.h"

#include <algorithm>

namespace sluice {
namespace {

std::vector<std::uint16_t> kept(const NameSlots& slots, std::size_t count_before, std::uint32_t generation) {
    std::vector<std::uint16_t> result;
    for (std::uint32_t slot = 0; slot < count_before; ++slot) {
        if (slots.since(slot) != generation) result.push_back(static_cast<std::uint16_t>(slot));
    }
    return result;
}

}  // namespace

SlotChanges::SlotChanges(const Image& running, const Counters& before, const Image& next, const Counters& after)
    : kept_ports(kept(next.port_slots(), before.rx.size(), next.generation())),
      kept_tenants(kept(next.tenant_slots(), before.tenants.size(), next.generation())) {
    const auto keep = [this](Component then, Component now) { kept_components.emplace_back(then, now); };
    for (const std::uint16_t port : kept_ports) keep(before.port_component(port), after.port_component(port));
    for (const std::uint16_t tenant : kept_tenants) {
        keep(before.service_router(tenant), after.service_router(tenant));
        keep(before.distributed_router(tenant), after.distributed_router(tenant));
        const TenantSlots& slots = *next.tenants()[tenant].slots;
        for (const std::uint16_t slot :
             kept(slots.interfaces, before.interfaces_of(tenant), next.generation())) {
            keep(before.interface_component(tenant, slot), after.interface_component(tenant, slot));
        }
        if (running.tenants()[tenant].slots == next.tenants()[tenant].slots) continue;
        for (std::uint32_t rule = 0; rule < slots.rules.size(); ++rule) {
            if (slots.rules.since(rule) == next.generation()) new_rules.push_back({tenant, rule});
        }
    }
    same_components =
        before.drops.size() == after.drops.size() && kept_components.size() == after.drops.size() &&
        std::ranges::all_of(kept_components, [](const auto& pair) { return pair.first == pair.second; });
}

}  // namespace sluice
