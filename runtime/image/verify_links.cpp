// SPDX-License-Identifier: Apache-2.0
//
// What one table says about another tenant's: links between tenants, and bindings of frames to interfaces.
#include <fmt/format.h>

#include "runtime/image/verify_tenant.h"

namespace sluice::verify {
namespace {

constexpr std::uint64_t absent_tag = 0xffff;

Refusal check_peer(std::span<const TenantView> tenants, std::size_t tenant, std::size_t index) {
    const image::Interface& near = tenants[tenant].interfaces[index];
    if (near.peer_tenant() >= tenants.size()) {
        return fmt::format("leads to tenant {}, there are {}", near.peer_tenant(), tenants.size());
    }
    const TenantView& peer = tenants[near.peer_tenant()];
    if (near.peer_interface() >= peer.interfaces.size()) {
        return fmt::format("leads to interface {} of tenant \"{}\", which has {}", near.peer_interface(),
                           peer.name, peer.interfaces.size());
    }
    const image::Interface& far = peer.interfaces[near.peer_interface()];
    if (near.peer_tenant() == tenant) return "leads to its own tenant";
    if (far.kind() != image::InterfaceKind::Peer || far.peer_tenant() != tenant ||
        far.peer_interface() != index) {
        return fmt::format("leads to \"{}\" of tenant \"{}\", which does not lead back",
                           peer.interface_names[near.peer_interface()], peer.name);
    }
    return std::nullopt;
}

std::uint64_t key_of(const image::Interface& row) {
    const std::uint64_t outer = row.tag_count() >= 1 ? row.outer_vid() : absent_tag;
    const std::uint64_t inner = row.tag_count() == 2 ? row.inner_vid() : absent_tag;
    return std::uint64_t{row.port()} << 32 | outer << 16 | inner;
}

Refusal check_binding(const image::Binding& row, std::span<const TenantView> tenants) {
    if (row.tenant() >= tenants.size()) {
        return fmt::format("leads to tenant {}, there are {}", row.tenant(), tenants.size());
    }
    const TenantView& tenant = tenants[row.tenant()];
    if (row.interface() >= tenant.interfaces.size()) {
        return fmt::format("leads to interface {} of tenant \"{}\", which has {}", row.interface(), tenant.name,
                           tenant.interfaces.size());
    }
    const image::Interface& interface = tenant.interfaces[row.interface()];
    if (interface.kind() == image::InterfaceKind::Peer || key_of(interface) != row.key()) {
        return fmt::format("leads to interface \"{}\" of tenant \"{}\", which has another port or other tags",
                           tenant.interface_names[row.interface()], tenant.name);
    }
    return std::nullopt;
}

}  // namespace

Refusal check_peers(std::span<const TenantView> tenants) {
    for (std::size_t tenant = 0; tenant < tenants.size(); ++tenant) {
        for (std::size_t i = 0; i < tenants[tenant].interfaces.size(); ++i) {
            if (tenants[tenant].interfaces[i].kind() != image::InterfaceKind::Peer) continue;
            if (auto refusal = check_peer(tenants, tenant, i)) {
                return fmt::format("tenant \"{}\": interface \"{}\" {}", tenants[tenant].name,
                                   tenants[tenant].interface_names[i], *refusal);
            }
        }
    }
    return std::nullopt;
}

// Keys are all different and each is its interface's own: equal numbers of both mean that each interface has
// one.
Refusal check_bindings(std::span<const image::Binding> bindings, std::span<const TenantView> tenants) {
    for (std::size_t i = 0; i < bindings.size(); ++i) {
        if (i != 0 && bindings[i - 1].key() >= bindings[i].key()) {
            return fmt::format("binding {} is not sorted behind the one before it", i);
        }
        if (auto refusal = check_binding(bindings[i], tenants))
            return fmt::format("binding {} {}", i, *refusal);
    }
    std::size_t on_ports = 0;
    for (const TenantView& tenant : tenants) {
        for (const image::Interface& row : tenant.interfaces)
            on_ports += row.kind() != image::InterfaceKind::Peer;
    }
    if (on_ports != bindings.size()) {
        return fmt::format("{} interfaces are on ports and {} bindings lead to them", on_ports,
                           bindings.size());
    }
    return std::nullopt;
}

}  // namespace sluice::verify
