// SPDX-License-Identifier: Apache-2.0
//
// What the first packets of an ingress need of the image, side by side. Owner shard only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/image/image.h"
#include "schemas/layout/address_class.h"
#include "schemas/layout/lpm.h"
#include "schemas/layout/service_map.h"

namespace sluice {

/// Of one ingress: its tenant's tables for IPv4, by pointers into the image that the shard runs. The first two
/// lines are what a packet needs that is as the last one was (LastStart).
struct alignas(64) StartRow {
    bool possible = false;  // its tenant has a service router: there are sessions to open
    bool has_own_routes = false, has_rules = false, has_nat = false;
    std::uint16_t tenant = 0, in_interface = 0;  // a slot, a position
    std::uint16_t from_zone = 0;
    image::FirewallAction default_action{};  // of what comes from there
    bool checks_source = false;              // that the way back leads there
    InterfaceRef ingress;
    std::uint32_t epoch = 0;
    std::uint32_t version = 0;  // of the tenant's section
    LpmView routes, nat;
    ServiceMapView services;
    AddressClassView sets;

    LpmView own_routes;
    const image::Adjacency* adjacencies = nullptr;
    const image::NatClass* nat_classes = nullptr;
    std::span<const image::SourceMatch> source_matches;
    const std::uint16_t* to_zones = nullptr;

    static StartRow of(const Image& image, InterfaceRef ingress);
};
static_assert(offsetof(StartRow, own_routes) == 128 && sizeof(StartRow) == 192);

}  // namespace sluice
