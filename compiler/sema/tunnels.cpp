// SPDX-License-Identifier: Apache-2.0
//
// Tunnel endpoints of ports, segments that reach their stations through tunnels, and the routers of the
// underlay: for each port with a tunnel endpoint a tenant that the policy does not name, with that port for an
// uplink.
#include <fmt/format.h>

#include <algorithm>

#include "compiler/sema/keys.h"
#include "compiler/sema/passes.h"
#include "compiler/sema/scalars.h"
#include "schemas/layout/binding_key.h"

namespace sluice::sema {
namespace {

constexpr std::uint32_t most_vni = (1u << 24) - 1;
// Outer IPv4, UDP and VXLAN header, or a Geneve header without options, and the Ethernet header inside (RFC
// 7348 4.3).
constexpr std::uint16_t overhead_ipv4 = 50;
std::optional<Ip> endpoint_of(Context& context, const Node& node, std::string_view what) {
    const auto ip = ip_of(context, node, what);
    if (!ip) return std::nullopt;
    if (ip->family == Family::v6) {
        context.report(Code::ipv6_tunnel_later, node.span,
                       fmt::format("{} cannot be IPv6 in this version yet", what));
        return std::nullopt;
    }
    if (const auto why = why_no_host(*ip); !why.empty()) {
        context.report(Code::bad_remote, node.span,
                       fmt::format("{} cannot be {}: {}", what, to_string(ip->ip, ip->family), why));
        return std::nullopt;
    }
    return ip->ip;
}

std::optional<policy::InterfaceAddress> own_endpoint_of(Context& context, const Node& node) {
    if (node.text.find('/') == std::string_view::npos) {
        const auto ip = endpoint_of(context, node, "a tunnel endpoint");
        if (!ip) return std::nullopt;
        return policy::InterfaceAddress{{Ip{}, 0, Family::v4}, *ip};
    }
    const auto address = interface_address_of(context, node);
    if (address && address->subnet.family == Family::v6) {
        context.report(Code::ipv6_tunnel_later, node.span,
                       "a tunnel endpoint cannot be IPv6 in this version yet");
        return std::nullopt;
    }
    return address;
}

void read_neighbours(Context& context, const Node& node, policy::TunnelEndpoint& endpoint) {
    for (const auto& [key, value] : entries_of(context, node, "neighbours")) {
        const auto ip = endpoint_of(context, *key, "a neighbour of a tunnel endpoint");
        const auto mac = mac_of(context, *value, "a neighbour's MAC");
        if (!ip || !mac) continue;
        if (!endpoint.address.subnet.contains(*ip) || *ip == endpoint.address.own) {
            context.report(Code::neighbour_outside, key->span,
                           fmt::format("{} cannot be a neighbour here: it is {}", key->text,
                                       *ip == endpoint.address.own ? "the tunnel endpoint itself"
                                                                   : "not in the tunnel endpoint's subnet"));
            continue;
        }
        endpoint.neighbours.push_back({{*ip, Family::v4}, *mac, std::nullopt});
    }
}

}  // namespace

void read_tunnel_endpoint(Context& context, const Object& object, policy::Port& port) {
    const auto* node = object["tunnel-endpoint"];
    if (node == nullptr) {
        for (const std::string_view key : {"tunnel-gateway", "neighbours"}) {
            if (object[key] == nullptr) continue;
            context
                .report(Code::conflicting_keys, object.key_span(key),
                        fmt::format("{} is for ports with a tunnel endpoint", key))
                .help("add tunnel-endpoint: ADDRESS/LENGTH");
        }
        return;
    }
    const auto address = own_endpoint_of(context, *node);
    if (!address) return;
    policy::TunnelEndpoint endpoint;
    endpoint.address = *address;
    if (const auto* gateway = object["tunnel-gateway"]) {
        endpoint.gateway = endpoint_of(context, *gateway, "a tunnel gateway");
        if (endpoint.gateway && (address->subnet.length == 0 || !address->subnet.contains(*endpoint.gateway) ||
                                 *endpoint.gateway == address->own)) {
            context
                .report(Code::next_hop_not_connected, gateway->span,
                        fmt::format("the tunnel gateway {} is no other host of the tunnel endpoint's subnet",
                                    gateway->text))
                .note(node->span, "the tunnel endpoint")
                .help("give the tunnel endpoint the length of the subnet that holds both");
            endpoint.gateway.reset();
        }
    }
    if (const auto* neighbours = object["neighbours"]) read_neighbours(context, *neighbours, endpoint);
    port.tunnel_endpoint = std::move(endpoint);
}

void read_tunnels(Context& context, const Object& attachment, policy::Encapsulation encapsulation,
                  policy::Interface& result) {
    result.encapsulation = encapsulation;
    if (const auto* node = attachment["vni"]) {
        // Neither RFC 7348 5 nor RFC 8926 3.3 gives a number a meaning of its own.
        result.vni = number_of(context, *node, "a VNI", 0, most_vni).value_or(0);
    }
    const auto* port = result.port == policy::no_index ? nullptr : &context.policy.ports[result.port];
    if (port != nullptr && !port->tunnel_endpoint) {
        context
            .report(Code::no_tunnel_endpoint, attachment["port"]->span,
                    fmt::format("the port \"{}\" has no tunnel endpoint", port->name))
            .help("add tunnel-endpoint: ADDRESS/LENGTH to the port in gateway.yaml");
    }
    const auto* list = attachment["remotes"];
    if (list == nullptr) return;
    const auto items = items_of(*list);
    if (items.empty())
        context.report(Code::empty_list, list->span, "a segment with tunnels needs at least one remote");
    for (const auto* item : items) {
        const auto remote = endpoint_of(context, *item, "a remote tunnel endpoint");
        if (!remote) continue;
        std::string why;
        if (port != nullptr && port->tunnel_endpoint) {
            const auto& own = *port->tunnel_endpoint;
            if (*remote == own.address.own) {
                why = "it is the gateway's own";
            } else if (!own.address.subnet.contains(*remote) && !own.gateway) {
                why = "it is outside the tunnel endpoint's subnet, and the port has no tunnel-gateway";
            }
        }
        if (std::find(result.remotes.begin(), result.remotes.end(), *remote) != result.remotes.end()) {
            why = "it is in the list twice";
        }
        if (!why.empty()) {
            context.report(Code::bad_remote, item->span,
                           fmt::format("the remote {} cannot be one: {}", item->text, why));
            continue;
        }
        result.remotes.push_back(*remote);
        auto& tunnels = context.tunnels;
        if (!tunnels.emplace(result.port, encapsulation == policy::Encapsulation::geneve, *remote).second ||
            tunnels.size() != most_tunnels + 1)
            continue;
        context.report(Code::too_many, item->span,
                       fmt::format("a gateway has tunnels to at most {} remotes", most_tunnels));
    }
    std::sort(result.remotes.begin(), result.remotes.end());
}

void read_stations(Context& context, const Object& object, policy::Interface& result) {
    std::map<Mac, Ip> behind;
    if (const auto* node = object["stations"]) {
        if (result.encapsulation == policy::Encapsulation::none) {
            context
                .report(Code::conflicting_keys, object.key_span("stations"),
                        "stations are for segments with tunnels")
                .help("delete it: what is on a VLAN needs no tunnel endpoint");
            return;
        }
        for (const auto& [key, value] : entries_of(context, *node, "stations")) {
            const auto mac = mac_of(context, *key, "a station");
            const auto remote = endpoint_of(context, *value, "a station's tunnel endpoint");
            if (!mac || !remote) continue;
            if (!std::binary_search(result.remotes.begin(), result.remotes.end(), *remote)) {
                context.report(Code::bad_remote, value->span,
                               fmt::format("{} is not among the segment's remotes", value->text));
                continue;
            }
            if (!behind.emplace(*mac, *remote).second) {
                context.report(Code::bad_remote, key->span,
                               fmt::format("{} is given above in another spelling", key->text));
            }
        }
    }
    if (result.encapsulation == policy::Encapsulation::none) return;
    for (const auto& [mac, remote] : behind) result.stations.push_back({mac, remote});
    for (auto& neighbour : result.neighbours) {
        const auto station = behind.find(neighbour.mac);
        if (station != behind.end()) {
            neighbour.remote = station->second;
        } else if (result.remotes.size() == 1) {
            neighbour.remote = result.remotes.front();
        } else {
            context
                .report(Code::neighbour_outside, object.key_span("neighbours"),
                        fmt::format("nothing says behind which remote the static neighbour {} is",
                                    to_string(neighbour.ip.ip, neighbour.ip.family)))
                .help(fmt::format("add stations: {{\"{}\": REMOTE}}", to_string(neighbour.mac)));
        }
    }
}

std::uint16_t overhead_of(policy::Encapsulation encapsulation) {
    return encapsulation == policy::Encapsulation::none ? std::uint16_t{0} : overhead_ipv4;
}

void add_underlays(Context& context) {
    for (auto& port : context.policy.ports) {
        if (!port.tunnel_endpoint) continue;
        const auto& endpoint = *port.tunnel_endpoint;
        policy::Interface interface;
        interface.name = port.name;
        interface.kind = policy::InterfaceKind::uplink;
        interface.port = context.ports.at(port.name);
        interface.mac = context.gateway_mac.value_or(Mac{});
        interface.mtu = port.mtu;
        interface.addresses = {endpoint.address};
        interface.neighbours = endpoint.neighbours;
        interface.where = port.where;

        policy::Tenant underlay;
        underlay.name = std::string(underlay_prefix) + port.name;
        underlay.file = "gateway.yaml";  // wherever that is: the section is the same
        underlay.interfaces.push_back(std::move(interface));
        if (endpoint.gateway) {
            underlay.routes.push_back({{Ip{}, 0, Family::v4}, false, {{0, endpoint.gateway}}, port.where});
        }
        // Nothing is forwarded: what is not for the gateway is dropped.
        underlay.firewall = policy::Firewall{policy::Action::drop, policy::Action::drop, false, {}};
        port.underlay = static_cast<std::uint16_t>(context.policy.tenants.size());
        context.policy.tenants.push_back(std::move(underlay));
    }
}

}  // namespace sluice::sema
