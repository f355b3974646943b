// SPDX-License-Identifier: Apache-2.0
//
// One tenant as tables: the rows of image.fbs before they are written. Plain data, owned by the thread that
// lowers the tenant.
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/lower/address_classes.h"
#include "compiler/lower/classifier_builder.h"
#include "compiler/lower/lpm_builder.h"
#include "schemas/image_generated.h"

namespace sluice::lower {

constexpr std::uint32_t no_row = 0xffffffff;

struct TenantTables {
    bool ttl_per_stage = false;
    std::vector<image::Interface> interfaces;
    std::vector<image::InterfaceAddress> addresses;
    std::vector<image::ProxiedAddress> proxied;
    std::vector<image::StaticNeighbour> neighbours;
    std::vector<image::Station> stations;
    std::vector<image::Ip> remotes;
    LpmTable own_routes4, own_routes6, routes4, routes6;
    std::vector<image::Adjacency> adjacencies;
    std::vector<std::uint32_t> ecmp_members;
    std::vector<image::PrefixRow> prefixes;
    std::vector<image::ExternalAddress> externals;
    std::vector<std::uint32_t> pool_addresses;
    std::vector<image::SnatRule> snat_rules;
    std::vector<image::DnatRule> dnat_rules;
    std::vector<image::OneToOneRule> one_to_one_rules;
    LpmTable nat4, nat6;
    std::vector<image::NatClass> nat_classes4, nat_classes6;
    std::vector<image::DnatPort> dnat_ports;
    std::vector<image::SourceMatch> source_matches;
    std::vector<image::Exemption> exemptions;
    std::vector<image::PrefixRow> nat64_prefixes;
    AddressClassTable sets4;
    LpmTable sets6;
    std::uint32_t address_class_count = 1;
    ClassifierTable classifier;
    std::vector<std::uint16_t> from_zones, to_zones;
    std::vector<std::uint16_t> service_cells;
    std::vector<image::FirewallRule> rules;
};

}  // namespace sluice::lower
