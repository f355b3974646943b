// SPDX-License-Identifier: Apache-2.0
//
// What a router is made of besides the interfaces that frames enter by: how it checks sources and counts hops,
// its links inside the gateway, and the transit between its parts.
#include <fmt/format.h>

#include <algorithm>

#include "compiler/sema/keys.h"
#include "compiler/sema/passes.h"
#include "compiler/sema/scalars.h"

namespace sluice::sema {
namespace {

using policy::Interface;
using policy::InterfaceKind;

constexpr std::uint16_t link_mtu = 65535;  // inside the gateway: the interface a packet leaves by decides

/// By family: the service part has the second host's address, the distributed part the first host's.
void read_subnets(Context& context, const TenantScope& scope, const Node& node, Interface& result) {
    for (const auto* item : items_of(node)) {
        const auto subnet = prefix_of(context, *item, "a transit's subnet");
        if (!subnet) continue;
        const auto hosts = first_hosts_of(*subnet);
        const bool twice =
            std::any_of(result.addresses.begin(), result.addresses.end(),
                        [&](const auto& other) { return other.subnet.family == subnet->family; });
        if (!hosts || twice) {
            context.report(Code::bad_link, item->span,
                           twice ? fmt::format("the transit of \"{}\" has two subnets of one family",
                                               context.tenant(scope).name)
                                 : fmt::format("{} has no room for the router's two parts", item->text));
            continue;
        }
        result.addresses.push_back({*subnet, hosts->second});
        result.addresses.push_back({*subnet, hosts->first});
    }
}

void read_transit_tunnels(Context& context, const TenantScope& scope, const Object& transit,
                          std::string_view key, Interface& result) {
    if (context.tenant(scope).is_provider) {
        context.report(Code::conflicting_keys, transit.key_span(key),
                       "the provider's transit is inside this gateway: no tunnels lead there");
        return;
    }
    const bool geneve = key == "geneve";
    const Object attachment(context, *transit[key], geneve ? keys::geneve : keys::vxlan, transit.key_span(key));
    if (!attachment.is_map()) return;
    read_port(context, attachment, result);
    read_tunnels(context, attachment, geneve ? policy::Encapsulation::geneve : policy::Encapsulation::vxlan,
                 result);
}

void add(Context& context, TenantScope& scope, Interface interface, Span where) {
    auto& interfaces = context.tenant(scope).interfaces;
    const auto number = static_cast<std::uint16_t>(interfaces.size());
    for (const auto& address : interface.addresses) {
        const bool again = !scope.subnets.empty() && scope.subnets.back().interface == number &&
                           scope.subnets.back().subnet == address.subnet;
        if (!again) scope.subnets.push_back({address.subnet, address.own, number, where});
    }
    scope.interface_spans.push_back(where);
    interfaces.push_back(std::move(interface));
}

}  // namespace

std::optional<policy::SourceCheck> source_check_of(Context& context, const Node& node) {
    const auto word = word_of(context, node, "urpf", {"off", "loose", "strict"});
    if (!word) return std::nullopt;
    return static_cast<policy::SourceCheck>(*word);
}

void read_router(Context& context, TenantScope& scope) {
    const auto* node = (*scope.object)["router"];
    if (node == nullptr) return;
    const Object router(context, *node, keys::router, scope.object->key_span("router"));
    if (!router.is_map()) return;
    if (const auto* check = router["urpf"]) {
        scope.source_check = source_check_of(context, *check).value_or(scope.source_check);
    }
    if (const auto* ttl = router["ttl"]) {
        const auto word = word_of(context, *ttl, "ttl", {"per-router", "per-stage"});
        if (word) context.tenant(scope).ttl = static_cast<policy::TtlMode>(*word);
    }
    if (const auto* transit = router["transit"]) {
        scope.transit.emplace(context, *transit, keys::transit, router.key_span("transit"));
    }
}

bool declare_zone(Context& context, TenantScope& scope, std::string_view name, Span where) {
    const auto number = static_cast<std::uint32_t>(context.tenant(scope).interfaces.size());
    const auto [first, is_new] = scope.names.emplace(name, Symbol{Symbol::Kind::zone, number, where});
    if (!is_new) {
        context
            .report(Code::name_twice, where,
                    fmt::format("the name \"{}\" is taken: zones of a tenant share one name space", name))
            .note(first->second.where, "it is given here");
    }
    return is_new;
}

void add_link(Context& context, TenantScope& scope, std::string_view name, Span where, std::uint16_t peer,
              const std::vector<policy::InterfaceAddress>& addresses) {
    Interface link;
    link.name = name;
    link.kind = InterfaceKind::peer;
    link.where = context.position(where);
    link.mac = context.gateway_mac.value_or(Mac{});
    link.mtu = link_mtu;
    link.peer_tenant = peer;
    link.addresses = addresses;
    add(context, scope, std::move(link), where);
}

void add_provider_links(Context& context, TenantScope& scope) {
    const bool is_provider = context.tenant(scope).is_provider;
    for (const auto& link : context.links) {
        const std::string_view name =
            is_provider ? std::string_view(context.policy.tenants[link.tenant].name) : provider_name;
        if (!is_provider && link.tenant != scope.index) continue;
        if (!declare_zone(context, scope, name, link.where)) continue;
        const auto provider = context.tenants.back().index;  // it was loaded last
        add_link(context, scope, name, link.where, is_provider ? link.tenant : provider,
                 is_provider ? link.provider_ends : link.tenant_ends);
    }
}

void add_transit(Context& context, TenantScope& scope) {
    if (!scope.transit || !scope.transit->is_map()) return;
    const Object& object = *scope.transit;
    if (!declare_zone(context, scope, transit_name, object.owner())) return;
    Interface transit;
    transit.name = transit_name;
    transit.kind = InterfaceKind::transit;
    transit.where = context.position(object.owner());
    transit.mac = context.gateway_mac.value_or(Mac{});
    transit.mtu = link_mtu;
    transit.source_check = scope.source_check;
    if (const auto* node = object["mac"]) {
        if (const auto mac = mac_of(context, *node, "an interface's MAC")) transit.mac = *mac;
    }
    if (object["vxlan"] != nullptr && object["geneve"] != nullptr) {
        context
            .report(Code::conflicting_keys, object.key_span("geneve"),
                    "a transit has one attachment: vxlan and geneve exclude each other")
            .note(object.key_span("vxlan"), "the first one");
    } else if (object["vxlan"] != nullptr) {
        read_transit_tunnels(context, scope, object, "vxlan", transit);
    } else if (object["geneve"] != nullptr) {
        read_transit_tunnels(context, scope, object, "geneve", transit);
    }
    if (const auto* node = object["subnet"]) read_subnets(context, scope, *node, transit);
    add(context, scope, std::move(transit), object.owner());
}

void check_transit(Context& context, const TenantScope& scope) {
    const auto& tenant = context.tenant(scope);
    if (!scope.transit || tenant.is_provider || tenant.has_service_router()) return;
    context
        .report(
            Code::conflicting_keys, scope.transit->owner(),
            fmt::format("the router of \"{}\" has no service part that a transit would lead to", tenant.name))
        .help("a tenant has one with a firewall or NAT; without, delete the transit");
}

}  // namespace sluice::sema
