// SPDX-License-Identifier: Apache-2.0
#include "tests/support/policies.h"

#include <stdexcept>
#include <utility>

namespace sluice::test {
namespace {

constexpr std::uint16_t access0 = 0;
constexpr std::uint16_t uplink0 = 1;

policy::Interface interface_of(std::string name, policy::InterfaceKind kind, std::uint16_t port,
                               std::vector<std::uint16_t> vids,
                               const std::vector<std::string_view>& addresses) {
    policy::Interface interface;
    interface.name = std::move(name);
    interface.kind = kind;
    interface.port = port;
    interface.vids = std::move(vids);
    interface.mac = *parse_mac("02:00:5e:00:01:01");
    for (const std::string_view text : addresses) interface.addresses.push_back(address_of(text));
    return interface;
}

policy::Rule rule(std::string name, policy::Side from, policy::Side to, std::vector<policy::Service> services,
                  policy::Action action) {
    policy::Rule result;
    result.name = std::move(name);
    result.from = std::move(from);
    result.to = std::move(to);
    result.services = std::move(services);
    result.action = action;
    return result;
}

policy::Firewall blue_firewall() {
    const policy::Side any{true, {}, {}};
    const std::vector<policy::Service> web{{6, 0, 80, 80}, {6, 0, 443, 443}};
    policy::Firewall firewall;
    firewall.otherwise = policy::Action::drop;
    firewall.rules = {
        rule("web-in", any, {false, {0}, {}}, web, policy::Action::allow),
        rule("admin", {false, {}, {0, 2}}, {false, {0, 1}, {}}, {{6, 0, 22, 22}}, policy::Action::allow),
        rule("ping", any, any, {{1, 4, 8 << 8, 8 << 8 | 255}}, policy::Action::reject),
        rule("mixed", {false, {0}, {1}}, {false, {2}, {}}, {}, policy::Action::allow),
        rule("web-again", {false, {1}, {}}, {false, {0}, {}}, web, policy::Action::drop)};
    firewall.rules[1].log = true;
    return firewall;
}

void add_blue_nat(policy::Tenant& blue) {
    policy::Snat snat;
    snat.sources = {prefix_of("10.1.0.0/16")};
    snat.out = 2;
    snat.pool = {ip_of("203.0.113.11"), ip_of("203.0.113.12")};
    blue.snat = {snat};
    const auto dnat = [](std::uint8_t protocol, std::optional<policy::PortRange> ports, std::string_view to,
                         std::optional<std::uint16_t> to_port) {
        policy::Dnat result;
        result.protocol = protocol;
        result.external = ip_of("203.0.113.10");
        result.ports = ports;
        result.on = 2;
        result.to = ip_of(to);
        result.to_port = to_port;
        return result;
    };
    blue.dnat = {dnat(0, {}, "10.1.1.9", {}), dnat(6, {}, "10.1.1.8", {}),
                 dnat(6, policy::PortRange{443, 443}, "10.1.1.10", 8443),
                 dnat(17, policy::PortRange{5000, 5010}, "10.1.1.11", {})};
    policy::OneToOne one_to_one;
    one_to_one.external = ip_of("203.0.113.20");
    one_to_one.inside = ip_of("10.1.1.20");
    one_to_one.on = 2;
    blue.one_to_one = {one_to_one};
}

policy::Tenant blue_tenant() {
    policy::Tenant blue;
    blue.name = "blue";
    blue.file = "tenants/blue.yaml";
    blue.interfaces = {segment("web", access0, {110}, {"10.1.1.1/24", "2001:db8:b:1::1/64"}),
                       segment("db", access0, {100, 7}, {"10.1.2.1/24"}),
                       uplink("internet", uplink0, {900}, {"203.0.113.10/24", "2001:db8:ffff::10/64"}),
                       peer("to-red", 1, 2)};
    blue.interfaces[2].neighbours = {{*parse_ip("203.0.113.1"), *parse_mac("02:00:00:00:09:01")}};
    policy::Route ecmp = route("10.9.0.0/16", 0, "10.1.1.5");
    ecmp.next_hops.push_back({0, ip_of("10.1.1.6")});
    policy::Route blackhole;
    blackhole.to = prefix_of("192.0.2.0/24");
    blackhole.blackhole = true;
    policy::Route to_red;
    to_red.to = prefix_of("10.200.0.0/16");
    to_red.next_hops = {{3, std::nullopt}};
    blue.routes = {route("0.0.0.0/0", 2, "203.0.113.1"), ecmp, blackhole, to_red,
                   route("::/0", 2, "2001:db8:ffff::1")};
    add_blue_nat(blue);
    blue.sets = {{"admins", {prefix_of("198.51.100.0/24"), prefix_of("2001:db8:a::/48")}},
                 {"lab", {prefix_of("10.1.2.0/24"), prefix_of("198.51.100.128/25")}},
                 {"10.1.2.5", {prefix_of("10.1.2.5/32")}}};
    blue.firewall = blue_firewall();
    policy::Assertion assertion;
    assertion.name = "web is public";
    assertion.packet = "tcp 198.18.0.9:40000 > 203.0.113.10:443";
    assertion.on = 2;
    assertion.becomes = "tcp 198.18.0.9:40000 > 10.1.1.10:8443";
    blue.assertions = {assertion};
    return blue;
}

policy::Tenant red_tenant() {
    policy::Tenant red;
    red.name = "red";
    red.file = "tenants/red.yaml";
    red.interfaces = {segment("web", access0, {210}, {"10.1.1.1/24"}),
                      uplink("internet", uplink0, {}, {"198.51.100.2/31"}), peer("to-blue", 0, 3)};
    red.routes = {route("0.0.0.0/0", 1, "198.51.100.3")};
    return red;
}

}  // namespace

Ip ip_of(std::string_view text) {
    const auto ip = parse_ip(text);
    if (!ip) throw std::invalid_argument("not an address: " + std::string(text));
    return ip->ip;
}

Prefix prefix_of(std::string_view text) {
    const auto prefix = parse_prefix(text);
    if (!prefix) throw std::invalid_argument("not a prefix: " + std::string(text));
    return *prefix;
}

policy::InterfaceAddress address_of(std::string_view text) {
    Prefix subnet = prefix_of(text);
    const Ip own = subnet.ip;
    subnet.ip = own & prefix_mask(subnet.length);
    return {subnet, own};
}

policy::Interface segment(std::string name, std::uint16_t port, std::vector<std::uint16_t> vids,
                          const std::vector<std::string_view>& addresses) {
    return interface_of(std::move(name), policy::InterfaceKind::segment, port, std::move(vids), addresses);
}

policy::Interface uplink(std::string name, std::uint16_t port, std::vector<std::uint16_t> vids,
                         const std::vector<std::string_view>& addresses) {
    return interface_of(std::move(name), policy::InterfaceKind::uplink, port, std::move(vids), addresses);
}

policy::Interface peer(std::string name, std::uint16_t tenant, std::uint16_t interface) {
    policy::Interface result =
        interface_of(std::move(name), policy::InterfaceKind::peer, policy::no_index, {}, {});
    result.peer_tenant = tenant;
    result.peer_interface = interface;
    return result;
}

policy::Route route(std::string_view to, std::uint16_t interface, std::string_view gateway) {
    policy::Route result;
    result.to = prefix_of(to);
    result.next_hops = {{interface, ip_of(gateway)}};
    return result;
}

policy::Policy two_tenants() {
    policy::Policy policy;
    policy.gateway = "edge-a";
    policy.ports = {{"access0", 1504, {}}, {"uplink0", 1500, {}}};
    policy.tenants = {blue_tenant(), red_tenant()};
    policy.files = {"gateway.yaml", "tenants/blue.yaml", "tenants/red.yaml"};
    return policy;
}

void add_tunnels(policy::Policy& policy) {
    policy.ports.push_back({"overlay0", 1600, {}});
    policy.ports[2].underlay = 2;
    policy::Tenant underlay;
    underlay.name = "underlay-overlay0";
    underlay.file = "gateway.yaml";
    underlay.interfaces = {uplink("overlay0", 2, {}, {"198.51.100.10/24"})};
    underlay.interfaces[0].mtu = policy.ports[2].mtu;
    auto& firewall = underlay.firewall.emplace();
    firewall.from_uplink = firewall.otherwise = policy::Action::drop;
    policy.tenants.push_back(std::move(underlay));
    policy::Interface& db = policy.tenants[0].interfaces[1];
    db.port = 2;
    db.vids.clear();
    db.encapsulation = policy::Encapsulation::vxlan;
    db.vni = 5001;
    db.remotes = {ip_of("198.51.100.21"), ip_of("198.51.100.22")};
    db.neighbours = {{*parse_ip("10.1.2.5"), *parse_mac("02:aa:00:00:00:05"), ip_of("198.51.100.22")}};
}

policy::Interface& put_over_ipv6(policy::Policy& policy) {
    const auto endpoint = interface_of("", policy::InterfaceKind::uplink, 2, {}, {"2001:db8:51::10/64"});
    policy.tenants[2].interfaces[0].addresses.push_back(endpoint.addresses[0]);
    policy::Interface& db = policy.tenants[0].interfaces[1];
    db.outer_family = Family::v6;
    db.remotes = {ip_of("2001:db8:51::21"), ip_of("2001:db8:51::22")};
    db.neighbours[0].remote = db.remotes[1];
    return db;
}

}  // namespace sluice::test
