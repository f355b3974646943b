// SPDX-License-Identifier: Apache-2.0
#include "runtime/shard/start_row.h"

namespace sluice {

StartRow StartRow::of(const Image& image, InterfaceRef ingress) {
    const TenantView& tenant = image.tenants()[ingress.tenant];
    StartRow row;
    const image::Interface& in = tenant.interfaces[tenant.interface_position(ingress.interface)];
    row.possible = tenant.has_service_router && in.kind() != image::InterfaceKind::Transit;
    row.checks_source = in.source_check() != image::SourceCheck::Off;
    row.has_rules = !tenant.rules.empty();
    row.has_nat = !tenant.nat_classes4.empty();
    row.tenant = tenant.index;
    row.in_interface = tenant.interface_position(ingress.interface);
    if (row.has_rules) row.from_zone = tenant.from_zones[row.in_interface];
    row.default_action = is_inside(in.kind()) ? tenant.default_action : tenant.default_action_from_uplink;
    row.ingress = ingress;
    row.epoch = tenant.closure_changed;
    row.version = tenant.section_changed;
    row.has_own_routes = !tenant.routes4.own.empty();
    row.own_routes = tenant.routes4.own;
    row.routes = tenant.routes4.common;
    row.nat = tenant.nat4;
    row.sets = tenant.sets4;
    row.adjacencies = tenant.adjacencies.data();
    row.nat_classes = tenant.nat_classes4.data();
    row.source_matches = tenant.source_matches;
    row.to_zones = tenant.to_zones.data();
    row.services = tenant.service_classes();
    return row;
}

}  // namespace sluice
