// SPDX-License-Identifier: Apache-2.0
//
// What the first packets of an ingress need of the image, side by side. Owner shard only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/image/image.h"
#include "runtime/state/fetch_line.h"
#include "schemas/layout/address_class.h"
#include "schemas/layout/lpm.h"
#include "schemas/layout/service_map.h"

namespace sluice {

/// Of one ingress: its tenant's tables for IPv4, by pointers into the image that the shard runs. The first two
/// lines are what a packet needs that is as the last one was (LastStart); with many tenants each line more is a
/// cold one. Stays where it is: it may point into itself.
struct alignas(64) StartRow {
    static constexpr std::size_t hot_bytes = 128;
    void prefetch() const noexcept {
        for (std::size_t at = 0; at < hot_bytes; at += 64) fetch_line(reinterpret_cast<const char*>(this) + at);
    }

    StartRow() = default;
    StartRow(const StartRow&) = delete;
    StartRow& operator=(const StartRow&) = delete;
    void set(const Image& image, InterfaceRef ingress);

    bool possible = false;  // its tenant has a service router: there are sessions to open
    bool has_own_routes = false, has_rules = false, has_nat = false;
    bool limits_sessions : 1 = false;            // of its own, or of a host's
    bool from_inside : 1 = false;                // what enters there
    bool tells : 1 = false;                      // its senders why they get no session
    std::uint16_t tenant = 0, in_interface = 0;  // a slot, a position
    std::uint16_t from_zone = 0;
    image::FirewallAction default_action{};  // of what comes from there
    bool checks_source = false;              // that the way back leads there
    InterfaceRef ingress;
    std::uint32_t epoch = 0;
    LpmView routes, nat;
    ServiceMapView services;
    CombView set_walk;
    // The roots of routes and nat, where they are this small: no line of their own.
    std::array<std::uint32_t, 1> routes_root;
    std::array<std::uint32_t, 4> nat_root;

    LpmView sets;  // where the walk is empty
    LpmView own_routes;
    const image::Adjacency* adjacencies = nullptr;
    const image::NatClass* nat_classes = nullptr;
    std::span<const image::SourceMatch> source_matches;
    const std::uint16_t* to_zones = nullptr;
    std::uint32_t version = 0;  // of the tenant's section

    /// Whether the root is here: look-ups begin at the table's first records then.
    bool has_routes_root() const noexcept { return routes.root == routes_root.data(); }
    bool has_nat_root() const noexcept { return nat.root == nat_root.data(); }
    /// Reads the cold lines only where the walk is empty.
    AddressClassView address_classes() const noexcept {
        return {set_walk, set_walk.empty() ? sets : LpmView{}};
    }
};
static_assert(offsetof(StartRow, sets) == StartRow::hot_bytes && sizeof(StartRow) == 256);

}  // namespace sluice
