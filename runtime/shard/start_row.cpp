// SPDX-License-Identifier: Apache-2.0
#include "runtime/shard/start_row.h"

#include <algorithm>
#include <span>

namespace sluice {
namespace {

void keep_root(LpmView& table, std::span<std::uint32_t> copy) {
    const std::size_t entries = std::size_t{1} << table.root_bits;
    if (entries > copy.size()) return;
    std::copy_n(table.root, entries, copy.begin());
    table.root = copy.data();
}

/// One to speak from.
bool has_address(const TenantView& tenant, const image::Interface& interface, Family family) {
    const auto addresses = tenant.addresses.subspan(interface.first_address(), interface.address_count());
    return std::ranges::any_of(addresses, [family](const auto& address) {
        return address.family() == static_cast<std::uint8_t>(family);
    });
}

}  // namespace

void StartRow::set(const Image& image, InterfaceRef from) {
    const TenantView& view = image.tenants()[from.tenant];
    in_interface = view.interface_position(from.interface);
    const image::Interface& in = view.interfaces[in_interface];
    possible = view.has_service_router && in.kind() != image::InterfaceKind::Transit;
    limits_sessions = view.limits_sessions();
    from_inside = is_inside(in.kind());
    tells = from_inside && has_address(view, in, Family::v4);
    checks_source = in.source_check() != image::SourceCheck::Off;
    has_rules = !view.rules.empty();
    has_nat = !view.nat_classes4.empty();
    tenant = view.index;
    if (has_rules) from_zone = view.from_zones[in_interface];
    default_action = from_inside ? view.default_action : view.default_action_from_uplink;
    ingress = from;
    epoch = view.closure_changed;
    version = view.section_changed;
    has_own_routes = !view.routes4.own.empty();
    own_routes = view.routes4.own;
    routes = view.routes4.common;
    nat = view.nat4;
    set_walk = view.sets4.comb;
    sets = view.sets4.lpm;
    adjacencies = view.adjacencies.data();
    nat_classes = view.nat_classes4.data();
    source_matches = view.source_matches;
    to_zones = view.to_zones.data();
    services = view.service_classes();
    keep_root(routes, routes_root);
    keep_root(nat, nat_root);
}

}  // namespace sluice
