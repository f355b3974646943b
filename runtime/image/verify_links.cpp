// SPDX-License-Identifier: Apache-2.0
//
// What one table says about another tenant's: links between tenants, and bindings of frames to interfaces.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "runtime/image/tenant_view.h"
#include "runtime/image/verify_tenant.h"
#include "schemas/layout/binding_key.h"
#include "schemas/layout/image_types.h"

namespace sluice::verify {
namespace {

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
    if (row.encapsulation() != image::Encapsulation::None)
        return tunnel_binding_key(row.port(), numbered_vni(row));
    return binding_key(row.port(), row.tag_count() >= 1 ? row.outer_vid() : absent_binding_tag,
                       row.tag_count() == 2 ? row.inner_vid() : absent_binding_tag);
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
    if (!takes_frames(interface) || key_of(interface) != row.key()) {
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

Refusal check_external_addresses(std::span<const TenantView> tenants) {
    std::vector<std::tuple<std::uint8_t, Ip, std::size_t>> all;  // by family: who presents what
    for (std::size_t tenant = 0; tenant < tenants.size(); ++tenant) {
        for (const image::ExternalAddress& row : tenants[tenant].externals) {
            // What is presented to a segment, nobody else sees.
            const auto interfaces = tenants[tenant].interfaces;
            const bool is_local = row.on_interface() < interfaces.size() &&
                                  interfaces[row.on_interface()].kind() == image::InterfaceKind::Segment;
            if (!is_local) all.emplace_back(row.family(), from_image(row.ip()), tenant);
        }
    }
    std::sort(all.begin(), all.end());
    const auto twice = std::adjacent_find(all.begin(), all.end(), [](const auto& a, const auto& b) {
        return std::get<0>(a) == std::get<0>(b) && std::get<1>(a) == std::get<1>(b);
    });
    if (twice == all.end()) return std::nullopt;
    const auto& [family, ip, tenant] = *twice;
    return fmt::format("CFG_NAT_OVERLAP: tenants \"{}\" and \"{}\" both present {} to the outside",
                       tenants[tenant].name, tenants[std::get<2>(*std::next(twice))].name,
                       to_string(ip, static_cast<Family>(family)));
}

namespace {

/// At most one address of each family, and nothing else that tunnels could end at.
bool is_underlay(const TenantView& tenant, std::size_t port) {
    if (tenant.interfaces.size() != 1 || tenant.addresses.empty() || tenant.addresses.size() > 2) return false;
    const image::Interface& row = tenant.interfaces[0];
    return row.kind() == image::InterfaceKind::Uplink && row.port() == port && row.tag_count() == 0 &&
           row.encapsulation() == image::Encapsulation::None &&
           (tenant.addresses.size() == 1 || tenant.addresses[0].family() != tenant.addresses[1].family());
}

/// Of a segment or transit with tunnels, on its port.
Refusal check_tunnels_of(const image::Interface& row, const image::Port& port,
                         std::span<const TenantView> tenants) {
    // Outer Ethernet is not part of it, inner is: IPv6, UDP, VXLAN or Geneve, Ethernet. Over IPv6 nothing is
    // fragmented on the way.
    constexpr std::uint32_t overhead_ipv6 = 70;
    if (port.underlay() == no_tenant) return fmt::format("on port {}, which has no endpoint", row.port());
    const Family family = outer_family(row);
    const TenantView& underlay = tenants[port.underlay()];
    if (!underlay.tunnel_endpoint(family)) {
        return fmt::format("on port {}, which has no IPv{} endpoint", row.port(), row.outer_family());
    }
    if (family == Family::v6 && row.kind() == image::InterfaceKind::Segment &&
        row.mtu() + overhead_ipv6 > underlay.interfaces[0].mtu()) {
        return fmt::format("and an MTU of {}, which does not fit into IPv6 on port {}", row.mtu(), row.port());
    }
    return std::nullopt;
}

}  // namespace

Refusal check_tunnels(const image::Image& root, std::span<const TenantView> tenants) {
    std::size_t number = 0;
    for (const image::Port* port : *root.ports()) {
        const std::size_t index = number++;
        if (port->underlay() == no_tenant) continue;
        if (port->underlay() >= tenants.size()) {
            return fmt::format("port {} has its tunnel endpoint in tenant {}, there are {}", index,
                               port->underlay(), tenants.size());
        }
        const TenantView& underlay = tenants[port->underlay()];
        if (!is_underlay(underlay, index)) {
            return fmt::format(
                "port {} has its tunnel endpoint in tenant \"{}\", which has no one untagged uplink "
                "there with one address, or one of each family",
                index, underlay.name);
        }
    }
    std::set<std::tuple<std::uint16_t, image::Encapsulation, std::uint8_t, Ip>> tunnels;
    for (const TenantView& tenant : tenants) {
        for (std::size_t i = 0; i < tenant.interfaces.size(); ++i) {
            const image::Interface& row = tenant.interfaces[i];
            if (row.encapsulation() == image::Encapsulation::None) continue;
            if (const auto refusal = check_tunnels_of(row, *root.ports()->Get(row.port()), tenants)) {
                return fmt::format("tenant \"{}\": interface \"{}\" has tunnels {}", tenant.name,
                                   tenant.interface_names[i], *refusal);
            }
            for (const image::Ip& remote : tenant.remotes.subspan(row.first_remote(), row.remote_count())) {
                tunnels.emplace(row.port(), row.encapsulation(), row.outer_family(), from_image(remote));
            }
            if (tunnels.size() > most_tunnels) {
                return fmt::format("the segments up to here have tunnels to {} remotes, expected at most {}",
                                   tunnels.size(), most_tunnels);
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
        for (const image::Interface& row : tenant.interfaces) on_ports += takes_frames(row) ? 1 : 0;
    }
    if (on_ports != bindings.size()) {
        return fmt::format("{} interfaces are on ports and {} bindings lead to them", on_ports,
                           bindings.size());
    }
    return std::nullopt;
}

}  // namespace sluice::verify
