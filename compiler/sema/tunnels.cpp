// SPDX-License-Identifier: Apache-2.0
//
// Tunnel endpoints of ports, segments that reach their stations through tunnels, and the routers of the
// underlay: for each port with tunnel endpoints a tenant that the policy does not name, with that port for an
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
constexpr std::uint32_t smallest_ipv6_mtu = 1280;  // RFC 8200 5
// Outer IP, UDP and VXLAN header, or a Geneve header without options, and the Ethernet header inside (RFC 7348
// 4.3).
constexpr std::uint16_t overhead_ipv4 = 50, overhead_ipv6 = 70;

std::string_view name_of(Family family) {
    return family == Family::v4 ? "IPv4" : "IPv6";
}

std::optional<IpAndFamily> endpoint_of(Context& context, const Node& node, std::string_view what) {
    const auto ip = ip_of(context, node, what);
    if (!ip) return std::nullopt;
    if (const auto why = why_no_host(*ip); !why.empty()) {
        context.report(Code::bad_remote, node.span,
                       fmt::format("{} cannot be {}: {}", what, to_string(ip->ip, ip->family), why));
        return std::nullopt;
    }
    return ip;
}

std::optional<policy::InterfaceAddress> own_endpoint_of(Context& context, const Node& node) {
    if (node.text.find('/') != std::string_view::npos) return interface_address_of(context, node);
    const auto ip = endpoint_of(context, node, "a tunnel endpoint");
    if (!ip) return std::nullopt;
    return policy::InterfaceAddress{{Ip{}, 0, ip->family}, ip->ip};
}

policy::TunnelEndpoint* find(policy::Port& port, Family family) {
    const auto found = std::ranges::find(port.tunnel_endpoints, family, &policy::TunnelEndpoint::family);
    return found == port.tunnel_endpoints.end() ? nullptr : &*found;
}

void read_addresses(Context& context, const Object& object, const Node& node, policy::Port& port) {
    const auto items = items_of(node);
    if (items.empty()) context.report(Code::empty_list, node.span, "a tunnel endpoint needs an address");
    for (const auto* item : items) {
        const auto address = own_endpoint_of(context, *item);
        if (!address) continue;
        const Family family = address->subnet.family;
        if (port.tunnel_endpoint(family) != nullptr) {
            context.report(Code::too_many, item->span,
                           fmt::format("a port has at most one {} tunnel endpoint", name_of(family)));
            continue;
        }
        if (family == Family::v6 && port.mtu < smallest_ipv6_mtu) {
            const auto* mtu = object["mtu"];
            context
                .report(Code::mtu_above_port, item->span,
                        fmt::format("the port \"{}\" has an MTU of {}; an IPv6 tunnel endpoint needs {}",
                                    port.name, port.mtu, smallest_ipv6_mtu))
                .note(mtu == nullptr ? item->span : mtu->span, "the port's MTU");
        }
        port.tunnel_endpoints.push_back({*address});
    }
}

void read_gateways(Context& context, const Node& addresses, const Node& node, policy::Port& port) {
    for (const auto* item : items_of(node)) {
        const auto gateway = endpoint_of(context, *item, "a tunnel gateway");
        if (!gateway) continue;
        auto* const endpoint = find(port, gateway->family);
        if (endpoint == nullptr) {
            // Where an address is wrong, that has been said.
            if (port.tunnel_endpoints.size() != items_of(addresses).size()) continue;
            context
                .report(Code::families_mixed, item->span,
                        fmt::format("the tunnel gateway {} is {}, and the port has no such tunnel endpoint",
                                    item->text, name_of(gateway->family)))
                .note(addresses.span, "the tunnel endpoint")
                .help(fmt::format("add an {} ADDRESS/LENGTH to tunnel-endpoint, or delete the gateway",
                                  name_of(gateway->family)));
            continue;
        }
        if (endpoint->gateway) {
            context.report(Code::too_many, item->span,
                           fmt::format("a port has at most one {} tunnel gateway", name_of(gateway->family)));
            continue;
        }
        const auto& address = endpoint->address;
        if (address.subnet.length == 0 || !address.subnet.contains(gateway->ip) || gateway->ip == address.own) {
            context
                .report(Code::next_hop_not_connected, item->span,
                        fmt::format("the tunnel gateway {} is no other host of the tunnel endpoint's subnet",
                                    item->text))
                .note(addresses.span, "the tunnel endpoint")
                .help("give the tunnel endpoint the length of the subnet that holds both");
            continue;
        }
        endpoint->gateway = gateway->ip;
    }
}

void read_neighbours(Context& context, const Node& node, policy::Port& port) {
    for (const auto& [key, value] : entries_of(context, node, "neighbours")) {
        const auto ip = endpoint_of(context, *key, "a neighbour of a tunnel endpoint");
        const auto mac = mac_of(context, *value, "a neighbour's MAC");
        if (!ip || !mac) continue;
        auto* const endpoint = find(port, ip->family);
        std::string why;
        if (endpoint == nullptr) {
            why = fmt::format("the port has no {} tunnel endpoint", name_of(ip->family));
        } else if (ip->ip == endpoint->address.own) {
            why = "it is the tunnel endpoint itself";
        } else if (!endpoint->address.subnet.contains(ip->ip)) {
            why = "it is not in the tunnel endpoint's subnet";
        }
        if (!why.empty()) {
            context.report(Code::neighbour_outside, key->span,
                           fmt::format("{} cannot be a neighbour here: {}", key->text, why));
            continue;
        }
        endpoint->neighbours.push_back({*ip, *mac, std::nullopt});
    }
}

/// The endpoint of `port` that a segment's tunnels to remotes of a family begin at. Null: there is none, which
/// is reported; or the port is not known.
const policy::TunnelEndpoint* end_here(Context& context, const policy::Port* port, Family family, Span where) {
    if (port == nullptr || port->tunnel_endpoints.empty()) return nullptr;
    const auto* const own = port->tunnel_endpoint(family);
    if (own == nullptr) {
        context
            .report(Code::no_tunnel_endpoint, where,
                    fmt::format("the port \"{}\" has no {} tunnel endpoint", port->name, name_of(family)))
            .help(fmt::format("add an {} ADDRESS/LENGTH to its tunnel-endpoint in gateway.yaml",
                              name_of(family)));
    }
    return own;
}

/// Why tunnels from here cannot lead there; empty where they can.
std::string_view why_no_remote(const policy::TunnelEndpoint* own, Ip remote) {
    if (own == nullptr) return {};
    if (remote == own->address.own) return "it is the gateway's own";
    if (own->address.subnet.contains(remote) || own->gateway) return {};
    return "it is outside the tunnel endpoint's subnet, and the port has no tunnel-gateway";
}

void read_remotes(Context& context, const Node& list, const policy::Port* port, policy::Interface& result) {
    const auto items = items_of(list);
    if (items.empty())
        context.report(Code::empty_list, list.span, "a segment with tunnels needs at least one remote");
    const Node* first = nullptr;
    const policy::TunnelEndpoint* own = nullptr;
    const bool geneve = result.encapsulation == policy::Encapsulation::geneve;
    for (const auto* item : items) {
        const auto remote = endpoint_of(context, *item, "a remote tunnel endpoint");
        if (!remote) continue;
        if (first == nullptr) {
            first = item;
            result.outer_family = remote->family;
            own = end_here(context, port, remote->family, item->span);
        } else if (remote->family != result.outer_family) {
            context
                .report(Code::families_mixed, item->span,
                        fmt::format("the remote {} cannot be one: the segment's remotes are of one family",
                                    item->text))
                .note(first->span, fmt::format("the first one is {}", name_of(result.outer_family)))
                .help(
                    "give the stations behind the others a segment of their own, or those endpoints an "
                    "address of this family");
            continue;
        }
        std::string_view why = why_no_remote(own, remote->ip);
        if (std::find(result.remotes.begin(), result.remotes.end(), remote->ip) != result.remotes.end()) {
            why = "it is in the list twice";
        }
        if (!why.empty()) {
            context.report(Code::bad_remote, item->span,
                           fmt::format("the remote {} cannot be one: {}", item->text, why));
            continue;
        }
        result.remotes.push_back(remote->ip);
        auto& tunnels = context.tunnels;
        if (!tunnels.emplace(result.port, geneve, *remote).second || tunnels.size() != most_tunnels + 1)
            continue;
        context.report(Code::too_many, item->span,
                       fmt::format("a gateway has tunnels to at most {} remotes", most_tunnels));
    }
    std::sort(result.remotes.begin(), result.remotes.end());
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
    read_addresses(context, object, *node, port);
    if (port.tunnel_endpoints.empty()) return;
    if (const auto* gateways = object["tunnel-gateway"]) read_gateways(context, *node, *gateways, port);
    if (const auto* neighbours = object["neighbours"]) read_neighbours(context, *neighbours, port);
}

void read_tunnels(Context& context, const Object& attachment, policy::Encapsulation encapsulation,
                  policy::Interface& result) {
    result.encapsulation = encapsulation;
    if (const auto* node = attachment["vni"]) {
        // Neither RFC 7348 5 nor RFC 8926 3.3 gives a number a meaning of its own.
        result.vni = number_of(context, *node, "a VNI", 0, most_vni).value_or(0);
    }
    const auto* port = result.port == policy::no_index ? nullptr : &context.policy.ports[result.port];
    if (port != nullptr && port->tunnel_endpoints.empty()) {
        context
            .report(Code::no_tunnel_endpoint, attachment["port"]->span,
                    fmt::format("the port \"{}\" has no tunnel endpoint", port->name))
            .help("add tunnel-endpoint: ADDRESS/LENGTH to the port in gateway.yaml");
    }
    if (const auto* list = attachment["remotes"]) read_remotes(context, *list, port, result);
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
            if (remote->family != result.outer_family ||
                !std::binary_search(result.remotes.begin(), result.remotes.end(), remote->ip)) {
                context.report(Code::bad_remote, value->span,
                               fmt::format("{} is not among the segment's remotes", value->text));
                continue;
            }
            if (!behind.emplace(*mac, remote->ip).second) {
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

std::uint16_t overhead_of(const policy::Interface& interface) {
    if (interface.encapsulation == policy::Encapsulation::none) return 0;
    return interface.outer_family == Family::v4 ? overhead_ipv4 : overhead_ipv6;
}

void add_underlays(Context& context) {
    for (auto& port : context.policy.ports) {
        if (port.tunnel_endpoints.empty()) continue;
        policy::Interface interface;
        interface.name = port.name;
        interface.kind = policy::InterfaceKind::uplink;
        interface.port = context.ports.at(port.name);
        interface.mac = context.gateway_mac.value_or(Mac{});
        interface.mtu = port.mtu;
        for (const auto& endpoint : port.tunnel_endpoints) {
            interface.addresses.push_back(endpoint.address);
            interface.neighbours.insert(interface.neighbours.end(), endpoint.neighbours.begin(),
                                        endpoint.neighbours.end());
        }
        interface.where = port.where;

        policy::Tenant underlay;
        underlay.name = std::string(underlay_prefix) + port.name;
        underlay.file = "gateway.yaml";  // wherever that is: the section is the same
        underlay.interfaces.push_back(std::move(interface));
        for (const auto& endpoint : port.tunnel_endpoints) {
            if (!endpoint.gateway) continue;
            underlay.routes.push_back(
                {{Ip{}, 0, endpoint.family()}, false, {{0, endpoint.gateway}}, port.where});
        }
        // Nothing is forwarded: what is not for the gateway is dropped.
        auto& firewall = underlay.firewall.emplace();
        firewall.from_uplink = firewall.otherwise = policy::Action::drop;
        port.underlay = static_cast<std::uint16_t>(context.policy.tenants.size());
        context.policy.tenants.push_back(std::move(underlay));
    }
}

}  // namespace sluice::sema
