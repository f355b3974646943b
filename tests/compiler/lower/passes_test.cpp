// SPDX-License-Identifier: Apache-2.0
//
// What each pass makes of a tenant, on its tables, before they are bytes.
#include "compiler/lower/passes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schemas/layout/image_types.h"
#include "schemas/layout/lpm.h"
#include "schemas/layout/service_map.h"
#include "tests/support/policies.h"

namespace sluice::lower {
namespace {

using image::AdjacencyKind;
using test::ip_of;
using testing::ElementsAre;

TenantTables lower_all(const policy::Tenant& tenant) {
    TenantTables tables;
    lower_interfaces(tenant, tables);
    lower_routes(tenant, tables);
    lower_nat(tenant, tables);
    lower_nat_classes(tables);
    lower_proxied(tenant, tables);
    lower_firewall(tenant, tables);
    return tables;
}

const image::Adjacency& route_to(const TenantTables& tables, std::string_view address) {
    const IpAndFamily to = *parse_ip(address);
    const LpmTable& table = to.family == Family::v4 ? tables.routes4 : tables.routes6;
    return tables.adjacencies[table.view().lookup(to.ip)];
}

class Blue : public testing::Test {
  protected:
    const TenantTables tables_ = lower_all(test::two_tenants().tenants[0]);
};

TEST_F(Blue, RoutesToItsOwnAddressesAreLocal) {
    EXPECT_EQ(route_to(tables_, "10.1.1.1").kind(), AdjacencyKind::Local);
    EXPECT_EQ(route_to(tables_, "203.0.113.10").interface(), 2);
    EXPECT_EQ(route_to(tables_, "2001:db8:b:1::1").kind(), AdjacencyKind::Local);
}

TEST_F(Blue, HostsOfASubnetAreConnected) {
    EXPECT_EQ(route_to(tables_, "10.1.2.77").kind(), AdjacencyKind::Connected);
    EXPECT_EQ(route_to(tables_, "10.1.2.77").interface(), 1);
    EXPECT_EQ(route_to(tables_, "2001:db8:b:1::77").kind(), AdjacencyKind::Connected);
}

TEST_F(Blue, FirstAndLastAddressOfAnIpv4SubnetAreBroadcasts) {
    EXPECT_EQ(route_to(tables_, "10.1.1.0").kind(), AdjacencyKind::DirectedBroadcast);
    EXPECT_EQ(route_to(tables_, "10.1.1.255").kind(), AdjacencyKind::DirectedBroadcast);
}

TEST_F(Blue, TheFirstAddressOfAnIpv6SubnetIsTheRoutersAnycast) {
    EXPECT_EQ(route_to(tables_, "2001:db8:b:1::").kind(), AdjacencyKind::SubnetRouterAnycast);
    EXPECT_EQ(route_to(tables_, "2001:db8:b:1:ffff:ffff:ffff:ffff").kind(), AdjacencyKind::Connected);
}

TEST_F(Blue, StaticRoutesLeadToTheirGateway) {
    EXPECT_EQ(route_to(tables_, "8.8.8.8").kind(), AdjacencyKind::Gateway);
    EXPECT_EQ(from_image(route_to(tables_, "8.8.8.8").next_hop()), ip_of("203.0.113.1"));
    EXPECT_EQ(from_image(route_to(tables_, "2600::1").next_hop()), ip_of("2001:db8:ffff::1"));
}

TEST_F(Blue, EqualWaysAreAGroupOfGateways) {
    const image::Adjacency& group = route_to(tables_, "10.9.1.1");
    ASSERT_EQ(group.kind(), AdjacencyKind::Ecmp);
    ASSERT_EQ(group.member_count(), 2U);
    const auto hop = [&](std::uint32_t i) {
        return from_image(tables_.adjacencies[tables_.ecmp_members[group.first_member() + i]].next_hop());
    };
    EXPECT_EQ(hop(0), ip_of("10.1.1.5"));
    EXPECT_EQ(hop(1), ip_of("10.1.1.6"));
}

TEST_F(Blue, BlackholesAndLinksToTenants) {
    EXPECT_EQ(route_to(tables_, "192.0.2.9").kind(), AdjacencyKind::Blackhole);
    EXPECT_EQ(route_to(tables_, "10.200.0.1").kind(), AdjacencyKind::Peer);
    EXPECT_EQ(route_to(tables_, "10.200.0.1").interface(), 3);
}

TEST(Routes, WithoutADefaultRouteTheRestIsAdjacencyZero) {
    policy::Tenant tenant = test::two_tenants().tenants[1];
    tenant.routes.clear();
    EXPECT_EQ(route_to(lower_all(tenant), "8.8.8.8").kind(), AdjacencyKind::NoRoute);
}

TEST(Routes, BothAddressesOfASlash31AreHosts) {
    const TenantTables red = lower_all(test::two_tenants().tenants[1]);
    EXPECT_EQ(route_to(red, "198.51.100.2").kind(), AdjacencyKind::Local);
    EXPECT_EQ(route_to(red, "198.51.100.3").kind(), AdjacencyKind::Connected);
}

TEST(Routes, BothAddressesOfASlash127AreHosts) {
    policy::Tenant tenant;
    tenant.interfaces = {test::segment("web", 0, {110}, {"2001:db8::1/127"})};
    EXPECT_EQ(route_to(lower_all(tenant), "2001:db8::").kind(), AdjacencyKind::Connected);
}

TEST(Routes, WhatInterfacesImplyWinsOverWhatIsConfigured) {
    policy::Tenant tenant = test::two_tenants().tenants[1];
    tenant.routes.push_back(test::route("10.1.1.0/24", 1, "198.51.100.3"));
    tenant.routes.push_back(test::route("10.1.1.1/32", 1, "198.51.100.3"));
    const TenantTables tables = lower_all(tenant);
    EXPECT_EQ(route_to(tables, "10.1.1.7").kind(), AdjacencyKind::Connected);
    EXPECT_EQ(route_to(tables, "10.1.1.1").kind(), AdjacencyKind::Local);
}

TEST(Routes, TheSameGatewayIsOneAdjacency) {
    policy::Tenant tenant = test::two_tenants().tenants[1];
    const std::size_t before = lower_all(tenant).adjacencies.size();
    tenant.routes.push_back(test::route("172.16.0.0/12", 1, "198.51.100.3"));
    EXPECT_EQ(lower_all(tenant).adjacencies.size(), before);
}

TEST_F(Blue, ExternalAddressesAreSortedAndKnowTheirRules) {
    ASSERT_EQ(tables_.externals.size(), 4U);
    std::vector<Ip> addresses;
    for (const auto& row : tables_.externals) addresses.push_back(from_image(row.ip()));
    EXPECT_THAT(addresses, ElementsAre(ip_of("203.0.113.10"), ip_of("203.0.113.11"), ip_of("203.0.113.12"),
                                       ip_of("203.0.113.20")));
    EXPECT_EQ(tables_.externals[0].dnat_count(), 4U);
    EXPECT_EQ(tables_.externals[0].in_pool(), 0);
    EXPECT_EQ(tables_.externals[1].in_pool(), 1);
    EXPECT_EQ(tables_.externals[1].one_to_one(), no_row);
    EXPECT_EQ(tables_.externals[3].one_to_one(), 0U);
}

TEST_F(Blue, DnatRulesStandMostSpecificFirst) {
    std::vector<Ip> to;
    for (const auto& rule : tables_.dnat_rules) to.push_back(from_image(rule.to()));
    EXPECT_THAT(to, ElementsAre(ip_of("10.1.1.10"), ip_of("10.1.1.11"), ip_of("10.1.1.8"), ip_of("10.1.1.9")));
}

TEST_F(Blue, ExternalAddressesInsideASubnetAreAnsweredFor) {
    std::vector<Ip> addresses;
    for (const auto& row : tables_.proxied) addresses.push_back(from_image(row.ip()));
    // Not 203.0.113.10: the interface answers for that one as its own.
    EXPECT_THAT(addresses, ElementsAre(ip_of("203.0.113.11"), ip_of("203.0.113.12"), ip_of("203.0.113.20")));
}

std::uint32_t decision(const TenantTables& tables, const char* source, std::size_t from,
                       const char* destination, std::size_t to, std::uint8_t protocol, std::uint16_t port) {
    const ServiceMapView services{tables.service_cells.data()};
    return tables.classifier.view().lookup(
        {tables.sets4.view().lookup(ip_of(source)), tables.sets4.view().lookup(ip_of(destination)),
         services.lookup(Family::v4, protocol, port), tables.from_zones[from], tables.to_zones[to]});
}

TEST_F(Blue, TheClassifierFindsRulesByZonesSetsAndServices) {
    ASSERT_EQ(tables_.rules.size(), 5U);
    EXPECT_EQ(tables_.rules[1].log(), 1);
    // Interfaces: web, db, internet and a peer.
    EXPECT_EQ(decision(tables_, "192.0.2.1", 2, "10.1.1.10", 0, 6, 443), 0U);   // web-in
    EXPECT_EQ(decision(tables_, "198.51.100.7", 2, "10.1.2.5", 1, 6, 22), 1U);  // admins, a set, to two zones
    EXPECT_EQ(decision(tables_, "192.0.2.1", 2, "10.1.2.5", 1, 6, 22), classifier_no_rule);
}

}  // namespace
}  // namespace sluice::lower
