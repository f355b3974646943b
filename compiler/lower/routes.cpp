// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iterator>
#include <map>
#include <tuple>
#include <vector>

#include "compiler/lower/passes.h"
#include "schemas/layout/image_types.h"

namespace sluice::lower {
namespace {

using image::AdjacencyKind;

// Adjacencies in the order of their first use, each once; number 0 is "no route".
class AdjacencyTable {
  public:
    explicit AdjacencyTable(TenantTables& tables) : tables_(tables) {
        tables_.adjacencies.emplace_back(image::Ip{}, 0, 0, 0, 0, AdjacencyKind::NoRoute);
    }

    std::uint32_t single(AdjacencyKind kind, Family family, std::uint16_t interface, Ip next_hop = {}) {
        const auto [place, is_new] = singles_.try_emplace({kind, family, interface, next_hop}, next_index());
        if (is_new) {
            tables_.adjacencies.emplace_back(to_image(next_hop), 0, 0, interface,
                                             static_cast<std::uint8_t>(family), kind);
        }
        return place->second;
    }

    // The order of the members is the policy's: the hash picks by position.
    std::uint32_t group(Family family, const std::vector<std::uint32_t>& members) {
        const auto [place, is_new] = groups_.try_emplace(members, next_index());
        if (is_new) {
            const auto first_member = static_cast<std::uint32_t>(tables_.ecmp_members.size());
            tables_.ecmp_members.insert(tables_.ecmp_members.end(), members.begin(), members.end());
            tables_.adjacencies.emplace_back(image::Ip{}, first_member,
                                             static_cast<std::uint32_t>(members.size()), 0,
                                             static_cast<std::uint8_t>(family), AdjacencyKind::Ecmp);
        }
        return place->second;
    }

  private:
    std::uint32_t next_index() const { return static_cast<std::uint32_t>(tables_.adjacencies.size()); }

    TenantTables& tables_;
    std::map<std::tuple<AdjacencyKind, Family, std::uint16_t, Ip>, std::uint32_t> singles_;
    std::map<std::vector<std::uint32_t>, std::uint32_t> groups_;
};

struct RouteEntries {
    std::vector<LpmEntry> v4, v6;

    void add(const Prefix& prefix, std::uint32_t adjacency) {
        (prefix.family == Family::v4 ? v4 : v6).push_back({prefix, adjacency});
    }
    void add_host(Ip ip, Family family, std::uint32_t adjacency) {
        add({ip, static_cast<std::uint8_t>(address_bits(family)), family}, adjacency);
    }
};

std::uint32_t next_hop_adjacency(const policy::NextHop& hop, Family family, AdjacencyTable& adjacencies) {
    if (!hop.gateway) return adjacencies.single(AdjacencyKind::Peer, family, hop.interface);
    return adjacencies.single(AdjacencyKind::Gateway, family, hop.interface, *hop.gateway);
}

void add_configured(const policy::Tenant& tenant, AdjacencyTable& adjacencies, RouteEntries& entries) {
    for (const policy::Route& route : tenant.routes) {
        const Family family = route.to.family;
        if (route.blackhole) {
            entries.add(route.to, adjacencies.single(AdjacencyKind::Blackhole, family, 0));
            continue;
        }
        std::vector<std::uint32_t> members;
        for (const policy::NextHop& hop : route.next_hops) {
            members.push_back(next_hop_adjacency(hop, family, adjacencies));
        }
        if (members.empty()) continue;
        entries.add(route.to, members.size() == 1 ? members[0] : adjacencies.group(family, members));
    }
}

// The addresses of a subnet that no host may have: IPv4's all-ones and all-zeros (RFC 1812 4.2.2.11 and 5.3.5,
// none in a /31 by RFC 3021), IPv6's all-zeros (RFC 4291 2.6.1, none in a /127 by RFC 6164).
void add_reserved_hosts(const Prefix& subnet, std::uint16_t interface, AdjacencyTable& adjacencies,
                        RouteEntries& entries) {
    const Family family = subnet.family;
    if (subnet.length + 1U >= address_bits(family)) return;
    if (family == Family::v6) {
        entries.add_host(subnet.ip, family,
                         adjacencies.single(AdjacencyKind::SubnetRouterAnycast, family, interface));
        return;
    }
    const std::uint32_t broadcast = adjacencies.single(AdjacencyKind::DirectedBroadcast, family, interface);
    const Ip all_ones = subnet.ip | (~prefix_mask(subnet.length) & prefix_mask(address_bits(family)));
    entries.add_host(subnet.ip, family, broadcast);
    entries.add_host(all_ones, family, broadcast);
}

void add_connected(const policy::Tenant& tenant, AdjacencyTable& adjacencies, RouteEntries& entries) {
    for (std::size_t i = 0; i < tenant.interfaces.size(); ++i) {
        const auto index = static_cast<std::uint16_t>(i);
        const policy::InterfaceKind kind = tenant.interfaces[i].kind;
        for (const policy::InterfaceAddress& address : tenant.interfaces[i].addresses) {
            const Family family = address.subnet.family;
            if (kind == policy::InterfaceKind::transit) {  // nobody but the router's own parts is in there
                entries.add(address.subnet, adjacencies.single(AdjacencyKind::Blackhole, family, 0));
                continue;
            }
            const bool is_peer = kind == policy::InterfaceKind::peer;
            entries.add(
                address.subnet,
                adjacencies.single(is_peer ? AdjacencyKind::Peer : AdjacencyKind::Connected, family, index));
            if (!is_peer) add_reserved_hosts(address.subnet, index, adjacencies, entries);
        }
    }
}

void add_own(const policy::Tenant& tenant, AdjacencyTable& adjacencies, RouteEntries& entries) {
    for (std::size_t i = 0; i < tenant.interfaces.size(); ++i) {
        for (const policy::InterfaceAddress& address : tenant.interfaces[i].addresses) {
            const Family family = address.subnet.family;
            entries.add_host(address.own, family,
                             adjacencies.single(AdjacencyKind::Local, family, static_cast<std::uint16_t>(i)));
        }
    }
}

/// Those that no other covers, by address.
std::vector<Prefix> outermost(std::vector<LpmEntry> entries) {
    sort_prefixes(entries);
    std::vector<Prefix> prefixes;
    for (const LpmEntry& entry : entries) {
        if (prefixes.empty() || !prefixes.back().contains(entry.prefix.ip)) prefixes.push_back(entry.prefix);
    }
    return prefixes;
}

bool is_covered(const std::vector<Prefix>& outermost, const Prefix& prefix) {
    const auto behind = std::upper_bound(outermost.begin(), outermost.end(), prefix.ip,
                                         [](Ip ip, const Prefix& other) { return ip < other.ip; });
    if (behind == outermost.begin()) return false;
    const Prefix& before = *std::prev(behind);
    return before.length <= prefix.length && before.contains(prefix.ip);
}

// The own table decides for all that its prefixes cover, so it has the configured ones inside them as well. Of
// equal prefixes the last one counts: what the interfaces imply wins over what is configured, and an address of
// our own wins over everything.
void build_tables(std::vector<LpmEntry> configured, std::vector<LpmEntry> own, std::size_t own_from,
                  LpmTable& own_table, LpmTable& table) {
    if (configured.size() < own_from) {
        configured.insert(configured.end(), own.begin(), own.end());
        table = build_lpm(std::move(configured));
        return;
    }
    const std::vector<Prefix> covers = outermost(own);
    std::vector<LpmEntry> inside;
    for (const LpmEntry& entry : configured) {
        if (is_covered(covers, entry.prefix)) inside.push_back(entry);
    }
    inside.insert(inside.end(), own.begin(), own.end());
    own_table = build_lpm(std::move(inside));
    table = build_lpm(std::move(configured));
}

}  // namespace

void lower_routes(const policy::Tenant& tenant, TenantTables& tables, std::size_t own_from) {
    AdjacencyTable adjacencies(tables);
    RouteEntries configured, own;
    // Configured ones come first: tenants that have them in common number their adjacencies alike.
    add_configured(tenant, adjacencies, configured);
    add_connected(tenant, adjacencies, own);
    add_own(tenant, adjacencies, own);
    build_tables(std::move(configured.v4), std::move(own.v4), own_from, tables.own_routes4, tables.routes4);
    build_tables(std::move(configured.v6), std::move(own.v6), own_from, tables.own_routes6, tables.routes6);
}

}  // namespace sluice::lower
