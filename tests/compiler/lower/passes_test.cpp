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

const image::Adjacency& route_to(const TenantTables& tables, std::string_view address) {
    const IpAndFamily to = *parse_ip(address);
    const LpmTable& table = to.family == Family::v4 ? tables.routes4 : tables.routes6;
    return tables.adjacencies[table.view().lookup(to.ip)];
}

class Blue : public testing::Test {
  protected:
    const TenantTables tables_ = lower_tenant(test::two_tenants().tenants[0]);
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
    EXPECT_EQ(route_to(lower_tenant(tenant), "8.8.8.8").kind(), AdjacencyKind::NoRoute);
}

TEST(Routes, BothAddressesOfASlash31AreHosts) {
    const TenantTables red = lower_tenant(test::two_tenants().tenants[1]);
    EXPECT_EQ(route_to(red, "198.51.100.2").kind(), AdjacencyKind::Local);
    EXPECT_EQ(route_to(red, "198.51.100.3").kind(), AdjacencyKind::Connected);
}

TEST(Routes, BothAddressesOfASlash127AreHosts) {
    policy::Tenant tenant;
    tenant.interfaces = {test::segment("web", 0, {110}, {"2001:db8::1/127"})};
    EXPECT_EQ(route_to(lower_tenant(tenant), "2001:db8::").kind(), AdjacencyKind::Connected);
}

TEST(Routes, WhatInterfacesImplyWinsOverWhatIsConfigured) {
    policy::Tenant tenant = test::two_tenants().tenants[1];
    tenant.routes.push_back(test::route("10.1.1.0/24", 1, "198.51.100.3"));
    tenant.routes.push_back(test::route("10.1.1.1/32", 1, "198.51.100.3"));
    const TenantTables tables = lower_tenant(tenant);
    EXPECT_EQ(route_to(tables, "10.1.1.7").kind(), AdjacencyKind::Connected);
    EXPECT_EQ(route_to(tables, "10.1.1.1").kind(), AdjacencyKind::Local);
}

TEST(Routes, TheSameGatewayIsOneAdjacency) {
    policy::Tenant tenant = test::two_tenants().tenants[1];
    const std::size_t before = lower_tenant(tenant).adjacencies.size();
    tenant.routes.push_back(test::route("172.16.0.0/12", 1, "198.51.100.3"));
    EXPECT_EQ(lower_tenant(tenant).adjacencies.size(), before);
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

// Nested both ways: a connected subnet with routes inside it and around it, each in one table or in two.
TEST(OwnRoutes, FindWhatOneTableWouldFind) {
    policy::Tenant tenant = test::two_tenants().tenants[0];
    for (const char* to : {"10.0.0.0/8", "10.1.0.0/16", "10.1.1.0/24", "10.1.1.64/26", "10.1.1.1/32",
                           "10.1.1.5/32", "10.1.2.0/25", "203.0.113.0/25", "11.0.0.0/8", "2001:db8:b:1::/64",
                           "2001:db8:b:1::8/125", "2001:db8::/32"}) {
        tenant.routes.push_back(
            test::route(to, 1, to[0] == '2' && to[3] == '1' ? "2001:db8:ffff::1" : "10.1.2.9"));
        tenant.routes.back().blackhole = true;
    }
    TenantTables one, two;
    lower_routes(tenant, one, 1000);
    lower_routes(tenant, two, 1);
    EXPECT_TRUE(one.own_routes4.empty() && one.own_routes6.empty());
    EXPECT_FALSE(two.own_routes4.empty() || two.own_routes6.empty());
    ASSERT_EQ(one.adjacencies.size(), two.adjacencies.size());
    const auto in_two = [](const LpmTable& own, const LpmTable& table, Ip ip) {
        const std::uint32_t leaf = own.view().lookup(ip);
        return leaf != 0 ? leaf : table.view().lookup(ip);
    };
    const auto check = [&](Ip ip, Family family) {
        const bool v4 = family == Family::v4;
        EXPECT_EQ(v4 ? in_two(two.own_routes4, two.routes4, ip) : in_two(two.own_routes6, two.routes6, ip),
                  (v4 ? one.routes4 : one.routes6).view().lookup(ip))
            << to_string(ip, family);
    };
    for (std::uint32_t low = 0; low < 0x400; ++low) check(Ip::from_v4(0x0a010000 + low), Family::v4);
    for (std::uint32_t low = 0; low < 0x100; ++low) check(Ip::from_v4(0xcb007100 + low), Family::v4);
    for (const char* ip : {"10.2.0.0", "11.0.0.1", "12.0.0.1", "0.0.0.0", "255.255.255.255"})
        check(ip_of(ip), Family::v4);
    for (std::uint64_t low = 0; low < 32; ++low) check(Ip{0x20010db8000b0001, low}, Family::v6);
    for (const char* ip : {"::", "2001:db8:b::1", "2001:db8:b:1:8000::", "2001:db9::"})
        check(ip_of(ip), Family::v6);
}

// Interfaces differ, configured routes do not.
TEST(OwnRoutes, LeaveTheConfiguredOnesTheSameForAll) {
    policy::Tenant tenant = test::two_tenants().tenants[0];
    TenantTables one, two;
    lower_routes(tenant, one, 1);
    tenant.interfaces[0].addresses = {test::address_of("10.77.1.9/20")};
    lower_routes(tenant, two, 1);
    EXPECT_EQ(one.routes4.records, two.routes4.records);
    EXPECT_EQ(one.routes4.root, two.routes4.root);
    EXPECT_NE(one.own_routes4.records, two.own_routes4.records);
}

}  // namespace
}  // namespace sluice::lower
