// SPDX-License-Identifier: Apache-2.0
//
// Values that no row may have, one change a case, with the sentence it is refused with.
#include <gtest/gtest.h>

#include "tests/runtime/image/refusal.h"

namespace sluice {
namespace {

using policy::Policy;

struct Case {
    const char* name;
    void (*change)(Policy&);
    const char* sentence;
};

class WrongRow : public testing::TestWithParam<Case> {};

std::string case_name(const testing::TestParamInfo<Case>& row) {
    return row.param.name;
}

TEST_P(WrongRow, IsRefusedWithItsSentence) {
    EXPECT_EQ(test::refusal_of_policy(GetParam().change), GetParam().sentence);
}

policy::Interface& blue_web(Policy& policy) {
    return policy.tenants[0].interfaces[0];
}
policy::Tenant& blue(Policy& policy) {
    return policy.tenants[0];
}

constexpr Case interface_cases[] = {
    {"OuterVlan", [](Policy& p) { blue_web(p).vids = {4095}; },
     R"(tenant "blue": interface "web" has outer VLAN id 4095, expected 1 to 4094)"},
    {"InnerVlan",
     [](Policy& p) {
         blue_web(p).vids = {110, 0};
     },
     R"(tenant "blue": interface "web" has inner VLAN id 0, expected 1 to 4094)"},
    {"ThreeTags",
     [](Policy& p) {
         blue_web(p).vids = {1, 2, 3};
     },
     R"(tenant "blue": interface "web" has 3 VLAN tags, expected at most 2)"},
    {"Port", [](Policy& p) { blue_web(p).port = 2; },
     R"(tenant "blue": interface "web" is on port 2, the image has 2)"},
    {"GroupMac", [](Policy& p) { blue_web(p).mac.bytes[0] = 3; },
     R"(tenant "blue": interface "web" has the group address 03:00:5e:00:01:01 for a MAC)"},
    {"SmallMtu", [](Policy& p) { p.tenants[1].interfaces[0].mtu = 67; },
     R"(tenant "red": interface "web" has MTU 67, expected at least 68)"},
    {"SmallIpv6Mtu", [](Policy& p) { blue_web(p).mtu = 1279; },
     R"(tenant "blue": interface "web" has MTU 1279, expected at least 1280 with an IPv6 address)"},
    {"PrefixLength", [](Policy& p) { blue_web(p).addresses[0].subnet.length = 33; },
     R"(tenant "blue": interface "web" has a prefix length of 33, expected at most 32)"},
    {"WrongFamily", [](Policy& p) { blue_web(p).addresses[0].own.lo = 1; },
     R"(tenant "blue": interface "web" has an address that is of neither family)"},
    {"NameTwice", [](Policy& p) { blue(p).interfaces[1].name = "web"; },
     R"(tenant "blue": the interface "web" stands twice)"},
    {"NoName", [](Policy& p) { blue(p).interfaces[1].name.clear(); },
     R"(tenant "blue": interface 1 has an empty name)"},
    {"NeighbourOnPeer", [](Policy& p) { blue(p).interfaces[3].neighbours = blue(p).interfaces[2].neighbours; },
     R"(tenant "blue": static neighbour 1 is on a link to a tenant or an attachment)"},
};
INSTANTIATE_TEST_SUITE_P(Interfaces, WrongRow, testing::ValuesIn(interface_cases), case_name);

policy::Interface& tunnelled(Policy& p) {
    test::add_tunnels(p);
    return blue(p).interfaces[1];
}

policy::Interface& tunnelled_over_ipv6(Policy& p) {
    test::add_tunnels(p);
    return test::put_over_ipv6(p);
}

policy::Interface& attachment(Policy& p) {
    const policy::Interface& db = tunnelled(p);
    policy::Interface row;
    row.name = "db@b";
    row.kind = policy::InterfaceKind::attachment;
    row.port = 0;
    row.vids = {500};
    row.mac = db.mac;
    row.mtu = db.mtu;
    row.segment = 1;
    blue(p).interfaces.push_back(row);
    return blue(p).interfaces.back();
}

constexpr Case tunnel_cases[] = {
    {"Vni", [](Policy& p) { tunnelled(p).vni = 1 << 24; },
     R"(tenant "blue": interface "db" has VNI 16777216, expected at most 16777215)"},
    {"OnAnUplink", [](Policy& p) { tunnelled(p).kind = policy::InterfaceKind::uplink; },
     R"(tenant "blue": interface "db" has tunnels and is no untagged segment or transit)"},
    {"OverPeer",
     [](Policy& p) {
         tunnelled(p);
         blue(p).interfaces[3].encapsulation = policy::Encapsulation::vxlan;
     },
     R"(tenant "blue": interface "to-red" is a link to a tenant and has VLAN tags, tunnels or a source check)"},
    {"PeerThatChecksSources",
     [](Policy& p) { blue(p).interfaces[3].source_check = policy::SourceCheck::strict; },
     R"(tenant "blue": interface "to-red" is a link to a tenant and has VLAN tags, tunnels or a source check)"},
    {"TransitWithTags",
     [](Policy& p) {
         policy::Interface& transit = tunnelled(p);
         transit.kind = policy::InterfaceKind::transit;
         transit.vids = {5};
     },
     R"(tenant "blue": interface "db" has tunnels and is no untagged segment or transit)"},
    {"NoRemote",
     [](Policy& p) {
         tunnelled(p).remotes.clear();
         blue(p).interfaces[1].neighbours.clear();
     },
     R"(tenant "blue": interface "db" has 0 remotes)"},
    {"RemotesWithoutTunnels", [](Policy& p) { blue_web(p).remotes = {test::ip_of("198.51.100.21")}; },
     R"(tenant "blue": interface "web" has 1 remotes)"},
    {"RemoteTwice",
     [](Policy& p) {
         policy::Interface& db = tunnelled(p);
         db.remotes[1] = db.remotes[0];
     },
     R"(tenant "blue": interface "db" has remote 1 out of order or no IPv4 address)"},
    {"RemoteUnspecified", [](Policy& p) { tunnelled(p).remotes[0] = {}; },
     R"(tenant "blue": interface "db" has remote 0 out of order or no IPv4 address)"},
    {"RemoteIpv6", [](Policy& p) { tunnelled(p).remotes[1] = test::ip_of("ffff::1"); },
     R"(tenant "blue": interface "db" has remote 1 out of order or no IPv4 address)"},
    {"RemotesOfNoFamily", [](Policy& p) { tunnelled(p).outer_family = static_cast<Family>(5); },
     R"(tenant "blue": interface "db" has remotes of family 5)"},
    {"NoEndpointOfTheFamily",
     [](Policy& p) {
         tunnelled_over_ipv6(p);
         p.tenants[2].interfaces[0].addresses.pop_back();
     },
     R"(tenant "blue": interface "db" has tunnels on port 2, which has no IPv6 endpoint)"},
    {"TooLongForIpv6", [](Policy& p) { tunnelled_over_ipv6(p).mtu = 1531; },
     R"(tenant "blue": interface "db" has tunnels and an MTU of 1531, which does not fit into IPv6 on port 2)"},
    {"TwoEndpointsOfAFamily",
     [](Policy& p) {
         tunnelled_over_ipv6(p);
         auto& addresses = p.tenants[2].interfaces[0].addresses;
         addresses[1] = addresses[0];
         addresses[1].own = test::ip_of("198.51.100.11");
     },
     R"(port 2 has its tunnel endpoint in tenant "underlay-overlay0", which has no one untagged uplink there with one address, or one of each family)"},
    {"NeighbourBehindNone", [](Policy& p) { tunnelled(p).neighbours[0].remote.reset(); },
     R"(tenant "blue": static neighbour 0 is behind remote 4294967295, which its interface does not have)"},
    {"StationTwice",
     [](Policy& p) {
         policy::Interface& db = tunnelled(p);
         db.stations = {{db.neighbours[0].mac, db.remotes[0]}, {db.neighbours[0].mac, db.remotes[1]}};
     },
     R"(tenant "blue": station 1 is not sorted behind the one before it)"},
    {"StationWithoutTunnels",
     [](Policy& p) {
         tunnelled(p);
         blue_web(p).stations = {{blue_web(p).mac, test::ip_of("198.51.100.21")}};
     },
     R"(tenant "blue": station 0 is behind remote 0, which its interface does not have)"},
    {"AttachmentOfNone", [](Policy& p) { attachment(p).segment = 0; },
     R"(tenant "blue": interface "db@b" is attached to interface 0, which is no segment with tunnels of an MTU that fits)"},
    {"AttachmentOfALargerSegment", [](Policy& p) { attachment(p).mtu = blue(p).interfaces[1].mtu - 1; },
     R"(tenant "blue": interface "db@b" is attached to interface 1, which is no segment with tunnels of an MTU that fits)"},
    {"AttachmentWithAddresses",
     [](Policy& p) {
         // attachment() adds an interface, and may move the others.
         const auto addresses = blue_web(p).addresses;
         attachment(p).addresses = addresses;
     },
     R"(tenant "blue": interface "db@b" is an attachment and has addresses or a source check)"},
    {"AttachmentThatIsBeforeOthers",
     [](Policy& p) {
         attachment(p);
         blue(p).interfaces.push_back(blue_web(p));
         blue(p).interfaces.back().name = "late";
         blue(p).interfaces.back().vids = {777};
         blue(p).interfaces.back().addresses.clear();
     },
     R"(tenant "blue": interface "db@b" is an attachment and stands before others, or the other way round)"},
    {"NoEndpoint",
     [](Policy& p) {
         tunnelled(p);
         p.ports[2].underlay = policy::no_index;
     },
     R"(tenant "blue": interface "db" has tunnels on port 2, which has no endpoint)"},
    {"EndpointOfNobody",
     [](Policy& p) {
         tunnelled(p);
         p.ports[2].underlay = 3;
     },
     R"(port 2 has its tunnel endpoint in tenant 3, there are 3)"},
    {"EndpointElsewhere",
     [](Policy& p) {
         tunnelled(p);
         p.ports[2].underlay = 1;
     },
     R"(port 2 has its tunnel endpoint in tenant "red", which has no one untagged uplink there with one address, or one of each family)"},
    {"EndpointWithoutAddress",
     [](Policy& p) {
         tunnelled(p);
         p.tenants[2].interfaces[0].addresses.clear();
     },
     R"(port 2 has its tunnel endpoint in tenant "underlay-overlay0", which has no one untagged uplink there with one address, or one of each family)"},
};
INSTANTIATE_TEST_SUITE_P(Tunnels, WrongRow, testing::ValuesIn(tunnel_cases), case_name);

constexpr Case link_cases[] = {
    {"PeerTenant", [](Policy& p) { blue(p).interfaces[3].peer_tenant = 2; },
     R"(tenant "blue": interface "to-red" leads to tenant 2, there are 2)"},
    {"PeerInterface", [](Policy& p) { blue(p).interfaces[3].peer_interface = 3; },
     R"(tenant "blue": interface "to-red" leads to interface 3 of tenant "red", which has 3)"},
    {"PeerNotMutual", [](Policy& p) { blue(p).interfaces[3].peer_interface = 1; },
     R"(tenant "blue": interface "to-red" leads to "internet" of tenant "red", which does not lead back)"},
    {"PeerItself",
     [](Policy& p) {
         blue(p).interfaces[3].peer_tenant = 0;
         blue(p).interfaces[3].peer_interface = 3;
     },
     R"(tenant "blue": interface "to-red" leads to its own tenant)"},
    {"BindingTwice", [](Policy& p) { blue_web(p).vids = {210}; },
     "binding 2 is not sorted behind the one before it"},
    {"TenantTwice", [](Policy& p) { p.tenants[1].name = "blue"; }, R"(the tenant "blue" stands twice)"},
    {"PortTwice", [](Policy& p) { p.ports[1].name = "access0"; }, R"(the port "access0" stands twice)"},
};
INSTANTIATE_TEST_SUITE_P(Links, WrongRow, testing::ValuesIn(link_cases), case_name);

constexpr Case route_cases[] = {
    {"Interface", [](Policy& p) { blue(p).routes[0].next_hops[0].interface = 4; },
     R"(tenant "blue": adjacency 1 is on interface 4, the tenant has 4)"},
    {"PeerOverSegment",
     [](Policy& p) {
         blue(p).routes[0].next_hops = {{0, std::nullopt}};
     },
     R"(tenant "blue": adjacency 1 leads to a tenant over an interface that does not)"},
    {"NeighbourOnPeer", [](Policy& p) { blue(p).routes[0].next_hops[0].interface = 3; },
     R"(tenant "blue": adjacency 1 needs a neighbour on a link to a tenant or a transit, which has none)"},
    {"PeerInGroup",
     [](Policy& p) {
         blue(p).routes[1].next_hops[1] = {3, std::nullopt};
     },
     R"(tenant "blue": adjacency 4 has member 3, which is neither a gateway nor a connected network)"},
};
INSTANTIATE_TEST_SUITE_P(Routes, WrongRow, testing::ValuesIn(route_cases), case_name);

constexpr Case nat_cases[] = {
    {"SnatPorts",
     [](Policy& p) {
         blue(p).snat[0].ports = {2000, 1999};
     },
     R"(tenant "blue": SNAT rule 0 has ports 2000 to 1999, expected 1 to 65535 in order)"},
    {"SnatPortZero",
     [](Policy& p) {
         blue(p).snat[0].ports = {0, 1999};
     },
     R"(tenant "blue": SNAT rule 0 has ports 0 to 1999, expected 1 to 65535 in order)"},
    {"SnatBlocksOfNoPowerOfTwo",
     [](Policy& p) { blue(p).snat[0].block_size = 12, blue(p).snat[0].most_blocks = 1; },
     R"(tenant "blue": SNAT rule 0 has blocks of 12 ports, 1 a host)"},
    {"SnatBlocksTooSmall", [](Policy& p) { blue(p).snat[0].block_size = 4, blue(p).snat[0].most_blocks = 1; },
     R"(tenant "blue": SNAT rule 0 has blocks of 4 ports, 1 a host)"},
    {"SnatBlocksAndNoneAHost", [](Policy& p) { blue(p).snat[0].block_size = 64; },
     R"(tenant "blue": SNAT rule 0 has blocks of 64 ports, 0 a host)"},
    {"IdleForYears", [](Policy& p) { blue(p).idle_times.udp = 40 * 86400; },
     R"(tenant "blue": lets sessions be idle for 3456000 s, expected 2592000 at most)"},
    {"EmptyPool", [](Policy& p) { blue(p).snat[0].pool.clear(); },
     R"(tenant "blue": SNAT rule 0 has an empty pool)"},
    {"SourceHostBits", [](Policy& p) { blue(p).snat[0].sources[0].length = 8; },
     R"(tenant "blue": prefix 0 has host bits set)"},
    {"DnatPortsBackwards",
     [](Policy& p) {
         blue(p).dnat[3].ports = policy::PortRange{9, 8};
     },
     R"(tenant "blue": DNAT rule 1 has ports 9 to 8, not in order)"},
    {"DnatPortsWithoutProtocol", [](Policy& p) { blue(p).dnat[3].protocol = 0; },
     R"(tenant "blue": DNAT rule 1 has ports and no protocol)"},
    {"DnatToPortOverflows", [](Policy& p) { blue(p).dnat[3].to_port = 65526; },
     R"(tenant "blue": DNAT rule 1 leads to ports beyond 65535: 65526 and the next 10)"},
    {"DnatToPortWithoutPorts", [](Policy& p) { blue(p).dnat[0].to_port = 80; },
     R"(tenant "blue": DNAT rule 3 is for every port and leads to port 80, expected 0)"},
    {"DnatToNowhere", [](Policy& p) { blue(p).dnat[0].to.lo = 1; },
     R"(tenant "blue": DNAT rule 3 leads to an address of neither family)"},
    {"TwoInterfaces", [](Policy& p) { blue(p).dnat[0].on = 1; },
     R"(tenant "blue": external address 0 has a DNAT rule of another address or interface)"},
    {"PoolOfAnotherInterface",
     [](Policy& p) { blue(p).snat[0].pool[0] = blue(p).one_to_one[0].external, blue(p).snat[0].out = 1; },
     R"(tenant "blue": SNAT rule 0 has a pool address of the other family or of another interface)"},
};
INSTANTIATE_TEST_SUITE_P(Nat, WrongRow, testing::ValuesIn(nat_cases), case_name);

constexpr Case firewall_cases[] = {
    {"RuleTwice", [](Policy& p) { blue(p).firewall->rules[3].name = "web-in"; },
     R"(tenant "blue": the firewall rule "web-in" stands twice)"},
    {"NameTooLong", [](Policy& p) { blue(p).firewall->rules[3].name.assign(4097, 'x'); },
     R"(tenant "blue": firewall rule 3 has a name of 4097 bytes, expected at most 4096)"},
    {"PacketTooLong", [](Policy& p) { blue(p).assertions[0].packet.assign(4097, 'x'); },
     R"(tenant "blue": assertion 0 lacks a text or has one of more than 4096 bytes)"},
};
INSTANTIATE_TEST_SUITE_P(Firewall, WrongRow, testing::ValuesIn(firewall_cases), case_name);

}  // namespace
}  // namespace sluice
