// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "compiler/sema/keys.h"
#include "compiler/sema/passes.h"
#include "compiler/sema/scalars.h"

namespace sluice::sema {
namespace {

constexpr std::size_t most_next_hops = 64;

class RouteReader {
  public:
    RouteReader(Context& context, TenantScope& scope) : context_(context), scope_(scope) {}

    void read(const Node& node) {
        const Span start = node.is_map() && node.entry_count() > 0 ? node.key(0).span : node.span;
        const Object object(context_, node, keys::route, start);
        if (!object.is_map()) return;
        const auto* to = object["to"];
        const auto prefix = to == nullptr ? std::nullopt : prefix_of(context_, *to, "a route's destination");
        policy::Route route;
        route.where = context_.position(start);
        const bool is_whole = target(object, prefix, route);
        if (!prefix) return;
        const auto [first, is_new] = seen_.emplace(*prefix, to->span);
        if (!is_new) {
            context_
                .report(Code::route_twice, to->span,
                        fmt::format("there are two routes to {}", to_string(*prefix)))
                .note(first->second, "the first one")
                .help("for several next hops write one route: via: [A, B]");
            return;
        }
        if (!is_whole) return;
        route.to = *prefix;
        scope_.route_spans.push_back(to->span);
        context_.tenant(scope_).routes.push_back(std::move(route));
    }

  private:
    bool target(const Object& object, const std::optional<Prefix>& prefix, policy::Route& route) {
        std::vector<std::string_view> given;
        for (const std::string_view key : {"via", "blackhole", "tenant"}) {
            if (object[key] != nullptr) given.push_back(key);
        }
        if (given.empty()) {
            context_.report(Code::conflicting_keys, object.owner(), "a route needs a target")
                .help("add one of via: ADDRESS, blackhole: true, tenant: NAME");
            return false;
        }
        if (given.size() > 1) {
            context_
                .report(Code::conflicting_keys, object.key_span(given[1]),
                        fmt::format("a route has one target: {} and {} exclude each other", given[0], given[1]))
                .note(object.key_span(given[0]), "the first one");
            return false;
        }
        const auto& node = *object[given.front()];
        if (given.front() == "via") return next_hops(node, prefix, route);
        if (given.front() == "tenant") return peer(node, route);
        const auto blackhole = boolean_of(context_, node, "blackhole");
        if (blackhole == false) {
            context_.report(Code::conflicting_keys, node.span, "a route that is no blackhole needs a target")
                .help("write blackhole: true, or via: ADDRESS instead");
        }
        route.blackhole = true;
        return blackhole == true;
    }

    bool next_hops(const Node& node, const std::optional<Prefix>& prefix, policy::Route& route) {
        const auto items = items_of(node);
        if (items.empty()) context_.report(Code::empty_list, node.span, "a route needs a next hop");
        if (items.size() > most_next_hops) {
            context_.report(Code::too_many, node.span,
                            fmt::format("a route has at most {} next hops", most_next_hops));
            return false;
        }
        bool all_good = !items.empty();
        for (const auto* item : items) {
            const auto hop = next_hop(*item, prefix);
            all_good = all_good && hop.has_value();
            if (!hop) continue;
            const bool is_double =
                std::any_of(route.next_hops.begin(), route.next_hops.end(),
                            [&](const auto& other) { return other.gateway == hop->gateway; });
            if (is_double) {
                context_
                    .report(Code::next_hop_twice, item->span,
                            fmt::format("the next hop {} stands here twice", item->text))
                    .help("next hops share the traffic evenly; delete one");
            } else {
                route.next_hops.push_back(*hop);
            }
        }
        return all_good;
    }

    std::optional<policy::NextHop> next_hop(const Node& node, const std::optional<Prefix>& prefix) {
        if (node.is_scalar() && node.text == provider_name) return link_to_provider(node);
        const auto ip = ip_of(context_, node, "a next hop");
        if (!ip) return std::nullopt;
        if (prefix && prefix->family != ip->family) {
            context_.report(Code::families_mixed, node.span,
                            fmt::format("the route to {} cannot go via {}: one is IPv4, the other IPv6",
                                        to_string(*prefix), node.text));
            return std::nullopt;
        }
        const auto* subnet = scope_.subnet_of(*ip);
        const auto kind_of = [&](std::uint16_t interface) {
            return context_.tenant(scope_).interfaces[interface].kind;
        };
        if (subnet == nullptr || kind_of(subnet->interface) == policy::InterfaceKind::transit) {
            auto& diagnostic = context_.report(Code::next_hop_not_connected, node.span,
                                               fmt::format("the next hop {} lies in no subnet of tenant \"{}\"",
                                                           node.text, context_.tenant(scope_).name));
            diagnostic.help(
                "a next hop must be a neighbour: an address inside the subnet of a segment or an uplink");
            return std::nullopt;
        }
        const std::string_view why =
            ip->ip == subnet->own ? "it is the gateway's own address" : why_no_host_in(subnet->subnet, ip->ip);
        if (!why.empty()) {
            context_
                .report(Code::next_hop_own, node.span,
                        fmt::format("{} cannot be a next hop: {}", node.text, why))
                .note(subnet->where, "the subnet is connected here");
            return std::nullopt;
        }
        if (kind_of(subnet->interface) == policy::InterfaceKind::peer) {
            return policy::NextHop{subnet->interface, std::nullopt};
        }
        return policy::NextHop{subnet->interface, ip->ip};
    }

    std::optional<policy::NextHop> link_to_provider(const Node& node) {
        const auto& interfaces = context_.tenant(scope_).interfaces;
        const auto found = scope_.names.find(provider_name);
        const bool is_link = found != scope_.names.end() && found->second.kind == Symbol::Kind::zone &&
                             interfaces[found->second.index].kind == policy::InterfaceKind::peer;
        if (is_link) return policy::NextHop{static_cast<std::uint16_t>(found->second.index), std::nullopt};
        context_
            .report(Code::route_not_to_peer, node.span,
                    fmt::format("tenant \"{}\" has no link to the provider", context_.tenant(scope_).name))
            .help("add it to the links of the provider in gateway.yaml");
        return std::nullopt;
    }

    bool peer(const Node& node, policy::Route& route) {
        if (!text_of(context_, node, "a tenant")) return false;
        const auto& interfaces = context_.tenant(scope_).interfaces;
        const auto found = scope_.names.find(node.text);
        const bool is_peer = found != scope_.names.end() && found->second.kind == Symbol::Kind::zone &&
                             interfaces[found->second.index].kind == policy::InterfaceKind::peer;
        if (is_peer) {
            route.next_hops.push_back({static_cast<std::uint16_t>(found->second.index), std::nullopt});
            return true;
        }
        const bool provider = context_.tenant(scope_).is_provider;
        auto& diagnostic =
            context_.report(Code::route_not_to_peer, node.span,
                            provider ? fmt::format("the provider has no link to tenant \"{}\"", node.text)
                                     : fmt::format("\"{}\" is not a peer of tenant \"{}\"", node.text,
                                                   context_.tenant(scope_).name));
        std::vector<std::string_view> peers;
        for (const auto& interface : interfaces) {
            if (interface.kind == policy::InterfaceKind::peer) peers.push_back(interface.name);
        }
        const auto nearest = context_.suggester.nearest(node.text, peers);
        diagnostic.help(!nearest.empty() ? fmt::format("did you mean \"{}\"?", nearest)
                        : provider       ? "add it to the provider's links"
                                         : "list it under peers, in both tenants");
        return false;
    }

    Context& context_;
    TenantScope& scope_;
    std::map<Prefix, Span> seen_;
};

}  // namespace

void read_routes(Context& context, TenantScope& scope) {
    const auto* node = (*scope.object)["routes"];
    if (node == nullptr) return;
    RouteReader reader(context, scope);
    for (const auto* item : list_of(context, *node, "routes")) reader.read(*item);
}

}  // namespace sluice::sema
