// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "compiler/sema/keys.h"
#include "compiler/sema/passes.h"
#include "compiler/sema/scalars.h"

namespace sluice::sema {
namespace {

using policy::Interface;
using policy::InterfaceKind;

constexpr std::uint32_t smallest_mtu = 68;
constexpr std::uint32_t smallest_ipv6_mtu = 1280;  // RFC 8200 §5
constexpr std::size_t most_interfaces = 4096;

struct KindWords {
    const ObjectTable& table;
    std::string_view noun, section, address_key;  // noun: with its article
};

const KindWords& words_of(InterfaceKind kind) {
    static const KindWords segment{keys::segment, "a segment", "segments", "gateway"};
    static const KindWords uplink{keys::uplink, "an uplink", "uplinks", "address"};
    return kind == InterfaceKind::segment ? segment : uplink;
}

class InterfaceReader {
  public:
    InterfaceReader(Context& context, TenantScope& scope) : context_(context), scope_(scope) {}

    void section(InterfaceKind kind);
    void peers();
    void sort_subnets();

  private:
    void interface(InterfaceKind kind, const Node& name, const Node& value);
    bool declare(const Node& name, std::string_view noun);
    void addresses(const Node& node, Interface& result);
    void mtu(const Object& object, Interface& result);
    void neighbours(const Node& node, Interface& result);

    Context& context_;
    TenantScope& scope_;
};

bool InterfaceReader::declare(const Node& name, std::string_view noun) {
    if (!is_name(context_, name, noun)) return false;
    if (name.text == "any") {
        context_.report(Code::reserved_name, name.span,
                        fmt::format("{} cannot be called \"any\": that is every address", noun));
        return false;
    }
    return declare_zone(context_, scope_, name.text, name.span);
}

void InterfaceReader::section(InterfaceKind kind) {
    const auto& words = words_of(kind);
    const auto* node = (*scope_.object)[words.section];
    if (node == nullptr) return;
    const auto entries = entries_of(context_, *node, words.section);
    auto& interfaces = context_.tenant(scope_).interfaces;
    if (entries.size() + interfaces.size() > most_interfaces) {
        context_.report(Code::too_many, scope_.object->key_span(words.section),
                        fmt::format("a tenant has at most {} interfaces", most_interfaces));
        return;
    }
    for (const auto& [name, value] : entries) interface(kind, *name, *value);
}

void InterfaceReader::interface(InterfaceKind kind, const Node& name, const Node& value) {
    const auto& words = words_of(kind);
    const Object object(context_, value, words.table, name.span);
    if (!declare(name, words.noun)) return;
    Interface result;
    result.name = name.text;
    result.kind = kind;
    result.where = context_.position(name.span);
    result.mac = context_.gateway_mac.value_or(Mac{});
    if (object.is_map()) {
        read_attachment(context_, object, words.noun, kind == InterfaceKind::segment, result);
        if (const auto* node = object["mac"]) {
            if (const auto mac = mac_of(context_, *node, "an interface's MAC")) result.mac = *mac;
        }
        if (const auto* node = object[words.address_key]) addresses(*node, result);
        if (kind == InterfaceKind::segment) result.source_check = scope_.source_check;
        if (const auto* node = object["urpf"]) {
            result.source_check = source_check_of(context_, *node).value_or(result.source_check);
        }
        mtu(object, result);
        if (const auto* node = object["neighbours"]) neighbours(*node, result);
        if (kind == InterfaceKind::segment) {
            read_stations(context_, object, result);
            read_bridge(context_, scope_, object, result);
        }
    }
    scope_.interface_spans.push_back(name.span);
    context_.tenant(scope_).interfaces.push_back(std::move(result));
}

void InterfaceReader::addresses(const Node& node, Interface& result) {
    const auto items = items_of(node);
    if (items.empty()) context_.report(Code::empty_list, node.span, "an interface needs at least one address");
    for (const auto* item : items) {
        const auto address = interface_address_of(context_, *item);
        if (!address) continue;
        result.addresses.push_back(*address);
        scope_.subnets.push_back({address->subnet, address->own,
                                  static_cast<std::uint16_t>(context_.tenant(scope_).interfaces.size()),
                                  item->span});
    }
}

void InterfaceReader::mtu(const Object& object, Interface& result) {
    const bool has_ipv6 = std::any_of(result.addresses.begin(), result.addresses.end(),
                                      [](const auto& address) { return address.subnet.family == Family::v6; });
    const auto* port = result.port == policy::no_index ? nullptr : &context_.policy.ports[result.port];
    const std::uint16_t overhead = overhead_of(result);
    const auto room = static_cast<std::uint16_t>(port == nullptr                       ? result.mtu
                                                 : port->mtu > overhead + smallest_mtu ? port->mtu - overhead
                                                                                       : smallest_mtu);
    if (port != nullptr) result.mtu = room;
    Span where = object.owner();
    if (const auto* node = object["mtu"]) {
        where = node->span;
        const auto mtu = number_of(context_, *node, "an interface's MTU", smallest_mtu, 65535);
        if (!mtu) return;
        if (port != nullptr && *mtu > room) {
            const auto through =
                overhead == 0 ? std::string() : fmt::format(", through whose tunnels {} fit", room);
            context_.report(Code::mtu_above_port, node->span,
                            fmt::format("the MTU {} is above that of its port \"{}\", {}{}", *mtu, port->name,
                                        port->mtu, through));
            return;
        }
        result.mtu = static_cast<std::uint16_t>(*mtu);
    }
    if (has_ipv6 && port != nullptr && result.mtu < smallest_ipv6_mtu) {
        context_.report(Code::mtu_above_port, where,
                        fmt::format("\"{}\" has an IPv6 address but an MTU of {}; IPv6 needs {}", result.name,
                                    result.mtu, smallest_ipv6_mtu));
    }
}

void InterfaceReader::neighbours(const Node& node, Interface& result) {
    for (const auto& [key, value] : entries_of(context_, node, "neighbours")) {
        const auto ip = ip_of(context_, *key, "a neighbour");
        const auto mac = mac_of(context_, *value, "a neighbour's MAC");
        if (!ip) continue;
        const auto subnet =
            std::find_if(result.addresses.begin(), result.addresses.end(), [&](const auto& address) {
                return address.subnet.family == ip->family && address.subnet.contains(ip->ip);
            });
        std::string why;
        if (subnet == result.addresses.end()) {
            why = fmt::format("\"{}\" has no subnet that holds it", result.name);
        } else if (ip->ip == subnet->own) {
            why = "it is the gateway's own address";
        } else {
            why = why_no_host_in(subnet->subnet, ip->ip);
        }
        const bool is_double = std::any_of(result.neighbours.begin(), result.neighbours.end(),
                                           [&](const auto& other) { return other.ip == *ip; });
        if (why.empty() && is_double) why = "it is given above in another spelling";
        if (!why.empty()) {
            context_.report(Code::neighbour_outside, key->span,
                            fmt::format("{} cannot be a neighbour here: {}", key->text, why));
        } else if (mac) {
            result.neighbours.push_back({*ip, *mac, std::nullopt});
        }
    }
}

void InterfaceReader::peers() {
    const auto* node = (*scope_.object)["peers"];
    if (node == nullptr) return;
    std::map<std::string_view, std::uint16_t> tenants;
    for (const auto& other : context_.tenants) {
        if (!context_.tenant(other).is_provider) tenants.emplace(context_.tenant(other).name, other.index);
    }
    for (const auto* item : list_of(context_, *node, "peers")) {
        if (!text_of(context_, *item, "a peer")) continue;
        if (item->text == context_.tenant(scope_).name) {
            context_.report(Code::peer_itself, item->span,
                            fmt::format("the tenant \"{}\" cannot be its own peer", item->text));
            continue;
        }
        const auto found = tenants.find(item->text);
        if (found == tenants.end() || item->text.empty()) {
            std::vector<std::string_view> candidates;
            for (const auto& [name, index] : tenants) {
                if (name != context_.tenant(scope_).name && !name.empty()) candidates.push_back(name);
            }
            context_.report_unknown(*item, "tenant", candidates);
            continue;
        }
        if (!declare(*item, "a peer")) continue;
        add_link(context_, scope_, item->text, item->span, found->second, {});
    }
}

void InterfaceReader::sort_subnets() {
    auto& subnets = scope_.subnets;
    const auto order = [](const ConnectedSubnet& subnet) {
        return std::tuple(subnet.subnet.family, subnet.subnet.ip, subnet.subnet.length, subnet.where.begin);
    };
    std::sort(subnets.begin(), subnets.end(),
              [&](const auto& a, const auto& b) { return order(a) < order(b); });
    // Prefixes nest or are apart, so whatever overlaps lies inside the last one that is not inside another.
    std::vector<ConnectedSubnet> apart;
    for (const auto& subnet : subnets) {
        const bool overlaps = !apart.empty() && apart.back().subnet.family == subnet.subnet.family &&
                              apart.back().subnet.contains(subnet.subnet.ip);
        if (!overlaps) {
            apart.push_back(subnet);
            continue;
        }
        const bool is_later = apart.back().where.begin < subnet.where.begin;
        const auto& later = is_later ? subnet : apart.back();
        const auto& earlier = is_later ? apart.back() : subnet;
        context_
            .report(
                Code::subnets_overlap, later.where,
                fmt::format("the subnet {} overlaps {}", to_string(later.subnet), to_string(earlier.subnet)))
            .note(earlier.where, "which is connected here");
    }
    subnets = std::move(apart);
}

}  // namespace

void read_port(Context& context, const Object& attachment, Interface& result) {
    const auto* node = attachment["port"];
    if (node == nullptr || !text_of(context, *node, "a port")) return;
    const auto found = context.ports.find(node->text);
    if (found != context.ports.end()) {
        result.port = found->second;
        return;
    }
    std::vector<std::string_view> candidates;
    for (const auto& [name, index] : context.ports) candidates.push_back(name);
    context.report_unknown(*node, "port", candidates);
}

void read_interfaces(Context& context, TenantScope& scope) {
    InterfaceReader reader(context, scope);
    reader.section(InterfaceKind::segment);
    reader.section(InterfaceKind::uplink);
    reader.peers();
    add_provider_links(context, scope);
    add_transit(context, scope);
    add_attachments(context, scope);
    reader.sort_subnets();
}

void link_peers(Context& context) {
    for (auto& scope : context.tenants) {
        auto& tenant = context.tenant(scope);
        for (std::size_t i = 0; i < tenant.interfaces.size(); ++i) {
            auto& near_end = tenant.interfaces[i];
            if (near_end.kind != InterfaceKind::peer) continue;
            const auto& other = context.tenants[near_end.peer_tenant];
            const auto& interfaces = context.tenant(other).interfaces;
            const auto far_end =
                std::find_if(interfaces.begin(), interfaces.end(), [&](const Interface& candidate) {
                    return candidate.kind == InterfaceKind::peer && candidate.peer_tenant == scope.index;
                });
            if (far_end != interfaces.end()) {
                near_end.peer_interface = static_cast<std::uint16_t>(far_end - interfaces.begin());
                continue;
            }
            const auto& name = context.tenant(other).name;
            const bool has_list = (*other.object)["peers"] != nullptr;
            context
                .report(Code::peer_not_mutual, scope.interface_spans[i],
                        fmt::format("\"{}\" lists \"{}\" as a peer, but not the other way round", tenant.name,
                                    name))
                .note(has_list ? other.object->key_span("peers") : other.name_span,
                      fmt::format("\"{}\" does not list \"{}\" under peers", name, tenant.name))
                .help(fmt::format("add peers: [{}] to \"{}\": both sides must agree", tenant.name, name));
        }
    }
}

namespace {

/// What frames an interface takes: a port, and tags or a VNI.
struct Taken {
    std::uint16_t port;
    std::vector<std::uint16_t> vids;
    std::optional<std::uint32_t> vni;
    bool geneve = false;
    friend auto operator<=>(const Taken&, const Taken&) = default;
};

std::string words_for(const Taken& taken) {
    if (taken.vni) return fmt::format("{}VNI {}", taken.geneve ? "Geneve " : "", *taken.vni);
    if (taken.vids.empty()) return "untagged frames";
    if (taken.vids.size() == 1) return fmt::format("VLAN {}", taken.vids[0]);
    return fmt::format("VLAN {} inside {}", taken.vids[1], taken.vids[0]);
}

struct Taker {
    std::string words;
    Span where;
};

}  // namespace

void check_bindings(Context& context) {
    std::map<Taken, Taker> takers;
    const auto take = [&](const Taken& taken, Taker taker) {
        const Span where = taker.where;
        const auto [first, is_new] = takers.emplace(taken, std::move(taker));
        if (is_new) return;
        const bool several = !taken.vni && taken.vids.empty();
        context
            .report(Code::binding_twice, where,
                    fmt::format("{} of port \"{}\" belong{} to {} already", words_for(taken),
                                context.policy.ports[taken.port].name, several ? "" : "s", first->second.words))
            .note(first->second.where, "taken here");
    };
    for (std::size_t port = 0; port < context.policy.ports.size(); ++port) {
        if (context.policy.ports[port].tunnel_endpoints.empty()) continue;
        take({static_cast<std::uint16_t>(port), {}, std::nullopt, false},
             {"its tunnel endpoint", context.port_spans[port]});
    }
    for (const auto& scope : context.tenants) {
        const auto& tenant = context.tenant(scope);
        for (std::size_t i = 0; i < tenant.interfaces.size(); ++i) {
            const auto& interface = tenant.interfaces[i];
            if (interface.port == policy::no_index) continue;
            std::optional<std::uint32_t> vni;
            if (interface.encapsulation != policy::Encapsulation::none) vni = interface.vni;
            take(
                {interface.port, interface.vids, vni, interface.encapsulation == policy::Encapsulation::geneve},
                {fmt::format("\"{}\" of tenant \"{}\"", interface.name, tenant.name),
                 scope.interface_spans[i]});
        }
    }
}

}  // namespace sluice::sema
