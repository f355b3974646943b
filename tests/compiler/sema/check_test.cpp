// SPDX-License-Identifier: Apache-2.0
#include "compiler/sema/check.h"

#include "compiler/front/render.h"

namespace sluice::sema {
namespace {

constexpr const char* gateway =
    "gateway: edge-a\nmac: 02:00:5e:00:01:01\nttl: per-stage\nports:\n  access0: {mtu: 1500}\n  overlay0: "
    "{mtu: 1600, tunnel-endpoint: 198.51.100.10}\n"
    "  uplink0:\ntenants: [tenants/blue.yaml, tenants/red.yaml]\n";
constexpr const char* blue = R"(
tenant: blue
segments:
  web: {vlan: {port: access0, id: 110}, gateway: [10.1.1.1/24, "2001:db8:b:1::1/64"]}
  app: {qinq: {port: overlay0, outer: 100, inner: 5}, gateway: 10.1.3.1/24, mtu: 1550, mac: 02:00:5e:00:01:02}
  lan: {untagged: {port: access0}, gateway: 10.1.5.1/24, neighbours: {10.1.5.9: "02:00:00:00:05:09"}}
uplinks:
  internet: {vlan: {port: uplink0, id: 900}, address: [203.0.113.10/24, "2001:db8:ffff::10/64"]}
peers: [red]
routes:
  - {to: 0.0.0.0/0, via: 203.0.113.1}
  - {to: 10.9.0.0/16, via: [10.1.1.5, 10.1.1.6]}
  - {to: 192.0.2.0/24, blackhole: true}
  - {to: 10.77.0.0/16, tenant: red}
nat:
  - {snat: [10.1.0.0/16, admins], out: internet, to: 203.0.113.10-203.0.113.14, ports: 2000-2999}
  - {dnat: "tcp 203.0.113.10:443-444", on: internet, to: "10.1.1.10:8443"}
  - {one-to-one: 203.0.113.20, inside: 10.1.1.20, on: internet}
addresses: {admins: [198.51.100.0/24, "2001:db8:a::/48"]}
services:  {web: [tcp/80, tcp/8443-8444]}
firewall:
  default: reject
  rules:
    - {name: web-in, from: any, to: web, service: web, action: allow}
    - {name: ssh, from: [admins, 192.0.2.7], to: [web, lan], service: tcp/22, action: drop, log: true}
tests:
  - {name: web is public, packet: "tcp 198.18.0.9:40000 > 203.0.113.10:443", on: internet, expect: allow, becomes: "tcp 198.18.0.9:* > 10.1.1.10:8443"}
)";
constexpr const char* red =
    "tenant: red\npeers: [blue]\nsegments: {lan: {vlan: {port: access0, id: 210}, gateway: 10.1.1.1/24}}\n";

CheckResult check(std::map<std::string, std::string> files, const std::string& path = "p") {
    return check_policy(path, front::MemoryFiles(std::move(files)));
}

CheckResult check_example() {
    return check({{"p/gateway.yaml", gateway}, {"p/tenants/blue.yaml", blue}, {"p/tenants/red.yaml", red}});
}

std::string text_of(const CheckResult& result) {
    return front::render_text(result.diagnostics, result.sources, front::Colour::off);
}

TEST(Check, TheExampleBecomesThePolicy) {
    const auto result = check_example();
    ASSERT_TRUE(result.policy) << text_of(result);
    EXPECT_EQ(text_of(result), "");
    const auto& policy = *result.policy;
    EXPECT_EQ(policy.gateway, "edge-a");
    EXPECT_EQ(policy.ttl, policy::TtlMode::per_stage);
    ASSERT_EQ(policy.ports.size(), 3U);
    EXPECT_EQ(policy.ports[1].mtu, 1600);
    EXPECT_EQ(policy.ports[2].mtu, 1500);
    EXPECT_THAT(policy.files,
                testing::ElementsAre("p/gateway.yaml", "p/tenants/blue.yaml", "p/tenants/red.yaml"));
    ASSERT_EQ(policy.tenants.size(), 3U);
    EXPECT_EQ(policy.tenants[0].file, "tenants/blue.yaml");
}

TEST(Check, ATunnelEndpointGetsARouterOfItsOwn) {
    const auto result = check_example();
    ASSERT_TRUE(result.policy);
    const auto& policy = *result.policy;
    EXPECT_EQ(policy.ports[1].underlay, 2);
    EXPECT_EQ(policy.ports[0].underlay, policy::no_index);
    const auto& underlay = policy.tenants[2];
    EXPECT_EQ(underlay.name, "underlay-overlay0");
    ASSERT_EQ(underlay.interfaces.size(), 1U);
    EXPECT_EQ(underlay.interfaces[0].port, 1);
    EXPECT_EQ(underlay.interfaces[0].mtu, 1600);
    EXPECT_EQ(to_string(underlay.interfaces[0].addresses[0].own, Family::v4), "198.51.100.10");
    EXPECT_EQ(underlay.interfaces[0].addresses[0].subnet.length, 0);  // every other endpoint is a neighbour
    EXPECT_TRUE(underlay.routes.empty());
}

TEST(Check, SegmentsBehindTunnels) {
    const auto result =
        check({{"p/gateway.yaml",
                "gateway: edge-a\nmac: 02:00:5e:00:01:01\nports:\n  overlay0: {mtu: 1600, tunnel-endpoint: "
                "198.51.100.10/24, tunnel-gateway: 198.51.100.1, neighbours: {198.51.100.21: "
                "\"02:00:00:00:21:01\"}}\n"
                "tenants: [blue.yaml]\n"},
               {"p/blue.yaml", R"(
tenant: blue
segments:
  app:
    vxlan: {port: overlay0, vni: 5001, remotes: [198.51.100.22, 192.0.2.9, 198.51.100.21]}
    gateway: 10.1.3.1/24
    neighbours: {10.1.3.5: "02:aa:00:00:00:05"}
    stations: {"02:aa:00:00:00:05": 198.51.100.21}
  far: {vxlan: {port: overlay0, vni: 5002, remotes: 192.0.2.9}, gateway: 10.1.4.1/24, neighbours: {10.1.4.5: "02:aa:00:00:00:06"}}
)"}});
    ASSERT_TRUE(result.policy) << text_of(result);
    const auto& interfaces = result.policy->tenants[0].interfaces;
    EXPECT_EQ(interfaces[0].encapsulation, policy::Encapsulation::vxlan);
    EXPECT_EQ(interfaces[0].vni, 5001U);
    EXPECT_EQ(interfaces[0].mtu, 1550);
    const auto ip = [](const char* text) { return parse_ip(text)->ip; };
    EXPECT_THAT(interfaces[0].remotes,
                testing::ElementsAre(ip("192.0.2.9"), ip("198.51.100.21"), ip("198.51.100.22")));
    EXPECT_EQ(interfaces[0].neighbours[0].remote, ip("198.51.100.21"));
    EXPECT_EQ(interfaces[1].neighbours[0].remote, ip("192.0.2.9"));  // the only one
    const auto& underlay = result.policy->tenants[1];
    ASSERT_EQ(underlay.routes.size(), 1U);
    EXPECT_EQ(underlay.routes[0].next_hops[0].gateway, ip("198.51.100.1"));
    EXPECT_EQ(underlay.interfaces[0].neighbours.size(), 1U);
}

TEST(Check, TunnelsOverIpv6) {
    const auto result =
        check({{"p/gateway.yaml",
                "gateway: edge-a\nmac: 02:00:5e:00:01:01\nports:\n  overlay0: {mtu: 1600, tunnel-endpoint: "
                "[\"2001:db8:51::10/64\", 198.51.100.10], tunnel-gateway: \"2001:db8:51::1\", neighbours: "
                "{198.51.100.21: \"02:00:00:00:21:01\", \"2001:db8:51::21\": \"02:00:00:00:21:02\"}}\n"
                "tenants: [blue.yaml]\n"},
               {"p/blue.yaml", R"(
tenant: blue
segments:
  app:
    vxlan: {port: overlay0, vni: 5001, remotes: ["2001:db8:51::22", "2001:db8:9::9", "2001:db8:51::21"]}
    gateway: 10.1.3.1/24
    neighbours: {10.1.3.5: "02:aa:00:00:00:05"}
    stations: {"02:aa:00:00:00:05": "2001:db8:51::21"}
  old: {geneve: {port: overlay0, vni: 5001, remotes: 198.51.100.21}, gateway: 10.1.4.1/24}
)"}});
    ASSERT_TRUE(result.policy) << text_of(result);
    const auto& interfaces = result.policy->tenants[0].interfaces;
    EXPECT_EQ(interfaces[0].outer_family, Family::v6);
    EXPECT_EQ(interfaces[0].mtu, 1600 - 70);
    const auto ip = [](const char* text) { return parse_ip(text)->ip; };
    EXPECT_THAT(interfaces[0].remotes,
                testing::ElementsAre(ip("2001:db8:9::9"), ip("2001:db8:51::21"), ip("2001:db8:51::22")));
    EXPECT_EQ(interfaces[0].neighbours[0].remote, ip("2001:db8:51::21"));
    EXPECT_EQ(interfaces[1].outer_family, Family::v4);
    EXPECT_EQ(interfaces[1].mtu, 1600 - 50);
    const auto& underlay = result.policy->tenants[1];
    ASSERT_EQ(underlay.interfaces[0].addresses.size(), 2U);
    EXPECT_EQ(to_string(underlay.interfaces[0].addresses[0].subnet), "2001:db8:51::/64");
    EXPECT_EQ(to_string(underlay.interfaces[0].addresses[1].subnet), "0.0.0.0/0");
    ASSERT_EQ(underlay.interfaces[0].neighbours.size(), 2U);
    EXPECT_EQ(underlay.interfaces[0].neighbours[0].ip, *parse_ip("2001:db8:51::21"));
    ASSERT_EQ(underlay.routes.size(), 1U);
    EXPECT_EQ(to_string(underlay.routes[0].to), "::/0");
    EXPECT_EQ(underlay.routes[0].next_hops[0].gateway, ip("2001:db8:51::1"));
}

TEST(Check, ASegmentWithTunnelsMayBeOnPortsAsWell) {
    const auto result = check({{"p/gateway.yaml",
                                "gateway: edge-a\nmac: 02:00:5e:00:01:01\nports:\n  overlay0: {mtu: 1600, "
                                "tunnel-endpoint: 198.51.100.10/24}\n  access0: {mtu: 1500}\n"
                                "  access1: {mtu: 1400}\ntenants: [blue.yaml]\n"},
                               {"p/blue.yaml", R"(
tenant: blue
segments:
  app:
    vxlan: {port: overlay0, vni: 5001, remotes: [198.51.100.21]}
    gateway: 10.1.3.1/24
    mac: 02:00:00:00:00:77
    stations: {"02:aa:00:00:00:06": 198.51.100.21, "02:aa:00:00:00:05": 198.51.100.21}
    bridge: [{vlan: {port: access0, id: 130}}, {qinq: {port: access0, outer: 7, inner: 8}}, {untagged: {port: access1}}]
    unknown: drop
  far: {vxlan: {port: overlay0, vni: 5002, remotes: 198.51.100.21}, gateway: 10.1.4.1/24}
)"}});
    ASSERT_TRUE(result.policy) << text_of(result);
    const auto& interfaces = result.policy->tenants[0].interfaces;
    ASSERT_EQ(interfaces.size(), 5U);
    EXPECT_EQ(interfaces[0].mtu, 1400);
    EXPECT_TRUE(interfaces[0].drops_unknown);
    ASSERT_EQ(interfaces[0].stations.size(), 2U);
    EXPECT_EQ(to_string(interfaces[0].stations[0].mac), "02:aa:00:00:00:05");
    EXPECT_FALSE(interfaces[1].drops_unknown);
    EXPECT_EQ(interfaces[2].name, "app@access0.130");
    EXPECT_EQ(interfaces[3].name, "app@access0.7.8");
    EXPECT_EQ(interfaces[4].name, "app@access1");
    for (std::size_t i = 2; i < 5; ++i) {
        EXPECT_EQ(interfaces[i].kind, policy::InterfaceKind::attachment);
        EXPECT_EQ(interfaces[i].segment, 0);
        EXPECT_EQ(to_string(interfaces[i].mac), "02:00:00:00:00:77");
        EXPECT_TRUE(interfaces[i].addresses.empty());
    }
}

TEST(Check, Interfaces) {
    const auto result = check_example();
    ASSERT_TRUE(result.policy);
    const auto& interfaces = result.policy->tenants[0].interfaces;
    ASSERT_EQ(interfaces.size(), 5U);
    EXPECT_THAT(interfaces[1].vids, testing::ElementsAre(100, 5));
    EXPECT_EQ(interfaces[1].mtu, 1550);
    EXPECT_EQ(to_string(interfaces[1].mac), "02:00:5e:00:01:02");
    EXPECT_EQ(to_string(interfaces[0].mac), "02:00:5e:00:01:01");
    EXPECT_EQ(interfaces[0].addresses.size(), 2U);
    EXPECT_EQ(to_string(interfaces[0].addresses[1].subnet), "2001:db8:b:1::/64");
    EXPECT_TRUE(interfaces[2].vids.empty());
    EXPECT_EQ(interfaces[2].neighbours.size(), 1U);
    EXPECT_EQ(interfaces[3].kind, policy::InterfaceKind::uplink);
    EXPECT_EQ(interfaces[3].where.line, 8U);
    EXPECT_EQ(interfaces[4].kind, policy::InterfaceKind::peer);
    EXPECT_EQ(interfaces[4].peer_tenant, 1);
    EXPECT_EQ(interfaces[4].peer_interface, 1);
    EXPECT_EQ(result.policy->tenants[1].interfaces[1].peer_interface, 4);
}

TEST(Check, RoutesAndNat) {
    const auto result = check_example();
    ASSERT_TRUE(result.policy);
    const auto& tenant = result.policy->tenants[0];
    ASSERT_EQ(tenant.routes.size(), 4U);
    EXPECT_EQ(tenant.routes[0].next_hops[0].interface, 3);
    EXPECT_EQ(tenant.routes[1].next_hops.size(), 2U);
    EXPECT_TRUE(tenant.routes[2].blackhole);
    EXPECT_EQ(tenant.routes[3].next_hops[0].interface, 4);
    EXPECT_FALSE(tenant.routes[3].next_hops[0].gateway);
    ASSERT_EQ(tenant.snat.size(), 1U);
    EXPECT_EQ(tenant.snat[0].pool.size(), 5U);
    EXPECT_EQ(tenant.snat[0].sources.size(), 2U) << "only what the pool can translate";
    EXPECT_EQ(tenant.snat[0].ports.high, 2999);
    ASSERT_EQ(tenant.dnat.size(), 1U);
    EXPECT_EQ(tenant.dnat[0].ports->high, 444);
    EXPECT_EQ(tenant.dnat[0].to_port, 8443);
    EXPECT_EQ(tenant.one_to_one.size(), 1U);
}

TEST(Check, Firewall) {
    const auto result = check_example();
    ASSERT_TRUE(result.policy);
    const auto& tenant = result.policy->tenants[0];
    ASSERT_TRUE(tenant.firewall);
    EXPECT_EQ(tenant.firewall->from_uplink, policy::Action::reject);
    EXPECT_EQ(tenant.firewall->otherwise, policy::Action::reject);
    const auto& rules = tenant.firewall->rules;
    ASSERT_EQ(rules.size(), 2U);
    EXPECT_TRUE(rules[0].from.any);
    EXPECT_THAT(rules[0].to.zones, testing::ElementsAre(0));
    EXPECT_EQ(rules[0].services.size(), 2U);
    EXPECT_THAT(rules[1].to.zones, testing::ElementsAre(0, 2));
    ASSERT_EQ(rules[1].from.sets.size(), 2U);
    EXPECT_EQ(tenant.sets[rules[1].from.sets[0]].name, "admins");
    EXPECT_EQ(tenant.sets[rules[1].from.sets[1]].name, "192.0.2.7/32");
    EXPECT_TRUE(rules[1].log);
    ASSERT_EQ(tenant.assertions.size(), 1U);
    EXPECT_EQ(tenant.assertions[0].on, 3);
    EXPECT_FALSE(result.policy->tenants[1].firewall);
    EXPECT_FALSE(result.policy->tenants[1].has_service_router());
}

TEST(Check, AnAbsentDefaultDropsWhatComesFromAnUplink) {
    const auto result =
        check({{"p/gateway.yaml", "gateway: g\nmac: 02:00:00:00:00:01\nports: {a: {}}\ntenants: [b.yaml]\n"},
               {"p/b.yaml", "tenant: b\nfirewall: {rules: []}\n"}});
    ASSERT_TRUE(result.policy) << text_of(result);
    EXPECT_EQ(result.policy->tenants[0].firewall->from_uplink, policy::Action::drop);
    EXPECT_EQ(result.policy->tenants[0].firewall->otherwise, policy::Action::allow);
    EXPECT_FALSE(result.policy->tenants[0].firewall->keeps_denied_sessions);
}

TEST(Check, DeniedSessionsAreCutOrKept) {
    const auto with = [](const std::string& word) {
        return check(
            {{"p/gateway.yaml", "gateway: g\nmac: 02:00:00:00:00:01\nports: {a: {}}\ntenants: [b.yaml]\n"},
             {"p/b.yaml", "tenant: b\nfirewall: {denied-sessions: " + word + "}\n"}});
    };
    EXPECT_TRUE(with("keep").policy->tenants[0].firewall->keeps_denied_sessions);
    EXPECT_FALSE(with("cut").policy->tenants[0].firewall->keeps_denied_sessions);
    EXPECT_FALSE(with("perhaps").policy);
}

TEST(Check, ThePathMayNameTheFile) {
    EXPECT_TRUE(check({{"p/gateway.yaml", gateway}, {"p/tenants/blue.yaml", blue}, {"p/tenants/red.yaml", red}},
                      "p/gateway.yaml")
                    .policy);
}

TEST(Check, AllProblemsOfAllFilesInFileOrder) {
    const auto result = check(
        {{"p/gateway.yaml",
          "gateway: g\nmac: 02:00:00:00:00:01\nports: {a: {mtu: 1}}\ntenants: [b.yaml, c.yaml, d.yaml]\n"},
         {"p/b.yaml", "tenant: b\nfirewal: {}\nroutes: [{to: 1.2.3.4/8, blackhole: true}]\n"},
         {"p/c.yaml", "tenant: [c\n"}});
    EXPECT_FALSE(result.policy);
    std::vector<std::string> places;
    for (const auto& diagnostic : result.diagnostics.all()) {
        places.push_back(result.sources[diagnostic.where.file].name() + ":" +
                         std::to_string(result.sources.at(diagnostic.where).line));
    }
    EXPECT_THAT(places, testing::ElementsAre("p/gateway.yaml:3", "p/gateway.yaml:4", "p/b.yaml:2", "p/b.yaml:3",
                                             "p/c.yaml:1"));
}

TEST(Check, TenantsMayOverlapInAddresses) {
    const auto result = check_example();  // red's lan has web's subnet
    EXPECT_TRUE(result.policy);
}

}  // namespace
}  // namespace sluice::sema
