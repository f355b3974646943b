// SPDX-License-Identifier: Apache-2.0
#include "tests/support/random_change.h"

#include <algorithm>
#include <utility>

namespace sluice::test {
namespace {

using policy::Policy;
using policy::Tenant;

template <typename Items>
void erase_one(Items& items, Random& random) {
    if (!items.empty()) items.erase(items.begin() + static_cast<std::ptrdiff_t>(random.next() % items.size()));
}

template <typename Items>
void swap_two(Items& items, Random& random) {
    if (items.size() < 2) return;
    const std::size_t first = random.next() % items.size();
    const std::size_t second = random.next() % items.size();
    std::swap(items[first], items[second]);
}

template <typename Items>
auto* one_of(Items& items, Random& random) {
    return items.empty() ? nullptr : &items[random.next() % items.size()];
}

void change_rules(Tenant& tenant, Random& random) {
    if (!tenant.firewall) return;
    policy::Firewall& firewall = *tenant.firewall;
    switch (random.next() % 5) {
        case 0:
            return erase_one(firewall.rules, random);
        case 1:
            return swap_two(firewall.rules, random);
        case 2:
            firewall.otherwise = random.percent(50) ? policy::Action::allow : policy::Action::drop;
            if (random.percent(30)) firewall.keeps_denied_sessions = !firewall.keeps_denied_sessions;
            return;
        case 3:
            if (auto* rule = one_of(firewall.rules, random)) rule->log = !rule->log;
            return;
        default:
            if (auto* rule = one_of(firewall.rules, random)) {
                rule->action = static_cast<policy::Action>(random.next() % 3);
            }
    }
}

void change_routes(Tenant& tenant, Random& random) {
    if (random.percent(50)) return erase_one(tenant.routes, random);
    if (auto* route = one_of(tenant.routes, random)) {
        route->blackhole = true;
        route->next_hops.clear();
    }
}

void change_nat(Tenant& tenant, Random& random) {
    switch (random.next() % 8) {
        case 0:
            return erase_one(tenant.snat, random);
        case 1:
            return swap_two(tenant.snat, random);
        case 2:
            if (auto* rule = one_of(tenant.snat, random)) rule->ports = {1024, 65535};
            return;
        case 3:
            if (auto* rule = one_of(tenant.snat, random); rule != nullptr && rule->pool.size() > 1) {
                rule->pool.pop_back();
            }
            return;
        case 4:
            return erase_one(tenant.dnat, random);
        case 5:
            if (auto* rule = one_of(tenant.dnat, random); rule != nullptr && rule->ports) {
                rule->to_port = static_cast<std::uint16_t>(8000 + random.next() % 2);
            }
            return;
        case 6:
            return erase_one(tenant.exemptions, random);
        default:
            return erase_one(tenant.one_to_one, random);
    }
}

void change_interface(Tenant& tenant, Random& random) {
    auto* interface = one_of(tenant.interfaces, random);
    if (interface->kind == policy::InterfaceKind::peer) return;
    switch (random.next() % 4) {
        case 0:
            interface->mtu = static_cast<std::uint16_t>(interface->mtu == 1380 ? 1400 : 1380);
            return;
        case 1:
            interface->mac.bytes[5] ^= 1;
            return;
        case 2:
            return erase_one(interface->neighbours, random);
        default:
            if (auto* neighbour = one_of(interface->neighbours, random)) neighbour->mac.bytes[5] ^= 0x40;
    }
}

/// Two interfaces change places, and whatever names them by their places follows.
void swap_interfaces(Policy& policy, std::size_t number, Random& random) {
    Tenant& tenant = policy.tenants[number];
    const auto a = static_cast<std::uint16_t>(random.next() % tenant.interfaces.size());
    const auto b = static_cast<std::uint16_t>(random.next() % tenant.interfaces.size());
    std::swap(tenant.interfaces[a], tenant.interfaces[b]);
    const auto follow = [&](std::uint16_t& interface) {
        interface = interface == a ? b : interface == b ? a : interface;
    };
    for (auto& route : tenant.routes) {
        for (auto& next : route.next_hops) follow(next.interface);
    }
    for (auto& rule : tenant.snat) follow(rule.out);
    for (auto& rule : tenant.dnat) follow(rule.on);
    for (auto& rule : tenant.one_to_one) follow(rule.on);
    for (auto& rule : tenant.exemptions) follow(rule.out);
    for (auto& assertion : tenant.assertions) follow(assertion.on);
    if (tenant.firewall) {
        for (auto& rule : tenant.firewall->rules) {
            for (auto& zone : rule.from.zones) follow(zone);
            for (auto& zone : rule.to.zones) follow(zone);
        }
    }
    for (Tenant& other : policy.tenants) {
        for (auto& interface : other.interfaces) {
            if (interface.kind == policy::InterfaceKind::peer && interface.peer_tenant == number) {
                follow(interface.peer_interface);
            }
        }
    }
}

/// `places`: where each tenant goes, no_index for one that goes away (and that nobody is linked with).
void move_tenants(Policy& policy, const std::vector<std::uint16_t>& places) {
    std::vector<Tenant> tenants(policy.tenants.size());
    std::size_t count = 0;
    for (std::size_t i = 0; i < places.size(); ++i) {
        if (places[i] == policy::no_index) continue;
        for (auto& interface : policy.tenants[i].interfaces) {
            if (interface.kind == policy::InterfaceKind::peer)
                interface.peer_tenant = places[interface.peer_tenant];
        }
        tenants[places[i]] = std::move(policy.tenants[i]);
        ++count;
    }
    tenants.resize(count);
    policy.tenants = std::move(tenants);
}

bool is_linked(const Tenant& tenant) {
    return std::any_of(tenant.interfaces.begin(), tenant.interfaces.end(),
                       [](const auto& row) { return row.kind == policy::InterfaceKind::peer; });
}

void change_tenants(Policy& policy, std::size_t number, Random& random) {
    const std::size_t count = policy.tenants.size();
    std::vector<std::uint16_t> places(count);
    if (random.percent(50) && count > 1 && !is_linked(policy.tenants[number])) {
        for (std::size_t i = 0; i < count; ++i) places[i] = static_cast<std::uint16_t>(i > number ? i - 1 : i);
        places[number] = policy::no_index;
    } else {
        for (std::size_t i = 0; i < count; ++i) places[i] = static_cast<std::uint16_t>((i + 1) % count);
    }
    move_tenants(policy, places);
}

}  // namespace

Policy random_change(Policy policy, Random& random) {
    for (std::uint64_t edits = random.between(1, 4); edits > 0; --edits) {
        const std::size_t number = random.next() % policy.tenants.size();
        Tenant& tenant = policy.tenants[number];
        switch (random.weighted({8, 4, 6, 6, 2, 2, 1})) {
            case 0:
                change_rules(tenant, random);
                break;
            case 1:
                change_routes(tenant, random);
                break;
            case 2:
                change_nat(tenant, random);
                break;
            case 3:
                change_interface(tenant, random);
                break;
            case 4:
                swap_interfaces(policy, number, random);
                break;
            case 5:
                change_tenants(policy, number, random);
                break;
            default:
                policy.ttl = policy.ttl == policy::TtlMode::per_stage ? policy::TtlMode::per_router
                                                                      : policy::TtlMode::per_stage;
        }
    }
    return policy;
}

}  // namespace sluice::test
