// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "runtime/image/tenant_view.h"
#include "runtime/image/verify_tenant.h"

namespace sluice::verify {
namespace {

using image::AdjacencyKind;

// A group picks its member in one step: members are ways out, never groups.
Refusal check_group(const TenantView& tenant, const image::Adjacency& row) {
    if (row.member_count() == 0) return "is a group of no members";
    if (!fits(row.first_member(), row.member_count(), tenant.ecmp_members.size())) {
        return fmt::format("has members {} and the next {}, the table has {}", row.first_member(),
                           row.member_count(), tenant.ecmp_members.size());
    }
    for (const std::uint32_t member : tenant.ecmp_members.subspan(row.first_member(), row.member_count())) {
        if (member >= tenant.adjacencies.size()) {
            return fmt::format("has member {}, there are {} adjacencies", member, tenant.adjacencies.size());
        }
        const image::Adjacency& target = tenant.adjacencies[member];
        if (target.kind() != AdjacencyKind::Gateway && target.kind() != AdjacencyKind::Connected) {
            return fmt::format("has member {}, which is neither a gateway nor a connected network", member);
        }
        if (target.family() != row.family()) return fmt::format("has member {} of the other family", member);
    }
    return std::nullopt;
}

Refusal check_adjacency(const TenantView& tenant, std::size_t index) {
    const image::Adjacency& row = tenant.adjacencies[index];
    if (row.kind() > AdjacencyKind::MAX) {
        return fmt::format("has kind {}, expected at most {}", static_cast<unsigned>(row.kind()),
                           static_cast<unsigned>(AdjacencyKind::MAX));
    }
    if ((row.kind() == AdjacencyKind::NoRoute) != (index == 0)) {
        return index == 0 ? "is not \"no route\"" : "is \"no route\", which is adjacency 0 alone";
    }
    if (row.kind() == AdjacencyKind::NoRoute) return std::nullopt;
    if (!is_canonical(row.next_hop(), row.family()))
        return "has a family or a next hop that is of neither family";
    if (row.kind() == AdjacencyKind::Blackhole) return std::nullopt;
    if (row.kind() == AdjacencyKind::Ecmp) return check_group(tenant, row);
    if (row.interface() >= tenant.interfaces.size()) {
        return fmt::format("is on interface {}, the tenant has {}", row.interface(), tenant.interfaces.size());
    }
    if (row.interface() >= tenant.first_attachment) return "is on an attachment, which has no addresses";
    const bool on_peer = tenant.interfaces[row.interface()].kind() == image::InterfaceKind::Peer;
    if (row.kind() == AdjacencyKind::Peer && !on_peer)
        return "leads to a tenant over an interface that does not";
    const bool on_transit = tenant.interfaces[row.interface()].kind() == image::InterfaceKind::Transit;
    const bool needs_neighbour = row.kind() == AdjacencyKind::Gateway || row.kind() == AdjacencyKind::Connected;
    if (needs_neighbour && (on_peer || on_transit)) {
        return "needs a neighbour on a link to a tenant or a transit, which has none";
    }
    return std::nullopt;
}

// A stage takes the family of a neighbour from the packet: what it finds must be of that family.
Refusal check_table(const TenantView& tenant, const image::Lpm* table, TableChecks& tables, Family family,
                    std::string_view what) {
    if (table == nullptr) return std::nullopt;
    if (auto refusal = tables.lpm(table, family, tenant.adjacencies.size(), what)) return refusal;
    for (const std::uint32_t leaf : tables.values_of(*table)) {
        if (leaf != 0 && tenant.adjacencies[leaf].family() != static_cast<std::uint8_t>(family)) {
            return fmt::format("{} leads to adjacency {} of the other family", what, leaf);
        }
    }
    return std::nullopt;
}

}  // namespace

Refusal check_adjacencies(const TenantView& tenant) {
    if (tenant.adjacencies.empty()) return "has no adjacency, not even \"no route\"";
    for (std::size_t i = 0; i < tenant.adjacencies.size(); ++i) {
        if (auto refusal = check_adjacency(tenant, i)) return fmt::format("adjacency {} {}", i, *refusal);
    }
    return std::nullopt;
}

Refusal check_routes(const TenantView& tenant, TableChecks& tables) {
    const SharedTables& of = tenant.shared;
    if (auto refusal = check_table(tenant, of.own_routes4, tables, Family::v4, "own_routes4")) return refusal;
    if (auto refusal = check_table(tenant, of.own_routes6, tables, Family::v6, "own_routes6")) return refusal;
    if (auto refusal = check_table(tenant, of.routes4, tables, Family::v4, "routes4")) return refusal;
    return check_table(tenant, of.routes6, tables, Family::v6, "routes6");
}

}  // namespace sluice::verify
