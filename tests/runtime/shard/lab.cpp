// SPDX-License-Identifier: Apache-2.0
#include "tests/runtime/shard/lab.h"

#include <algorithm>

#include "schemas/layout/hexadecimal.h"
#include "tests/support/compile.h"

namespace sluice::test {
namespace {

constexpr const char* gateway_text = R"(gateway: lab
mac: 02:00:5e:00:01:01
ports:
  access0: {mtu: 1500}
  uplink0: {mtu: 1400}
tenants: [blue.yaml, red.yaml, plain.yaml]
)";

constexpr const char* blue_text = R"(tenant: blue
peers: [red]
segments:
  web:
    vlan: {port: access0, id: 110}
    gateway: [10.1.1.1/24, "2001:db8:b:1::1/64"]
    neighbours:
      10.1.1.5: "02:b1:00:00:01:05"
      10.1.1.6: "02:b1:00:00:01:06"
      10.1.1.20: "02:b1:00:00:01:20"
      "2001:db8:b:1::5": "02:b1:00:00:01:05"
  db:
    qinq: {port: access0, outer: 100, inner: 7}
    gateway: [10.1.2.1/24, "fd00:2::1/64"]
    urpf: loose
    neighbours: {10.1.2.5: "02:b1:00:00:02:05", "fd00:2::5": "02:b1:00:00:02:05"}
uplinks:
  internet:
    untagged: {port: uplink0}
    address: [203.0.113.2/24, "2001:db8:ffff::2/64"]
    neighbours: {203.0.113.1: "02:00:00:00:09:01", "2001:db8:ffff::1": "02:00:00:00:09:01"}
routes:
  - {to: 0.0.0.0/0, via: 203.0.113.1}
  - {to: "::/0", via: "2001:db8:ffff::1"}
  - {to: 10.9.0.0/16, via: [10.1.1.5, 10.1.1.6]}
  - {to: 192.168.0.0/16, blackhole: true}
  - {to: 172.20.0.0/16, tenant: red}
  - {to: 172.30.0.0/16, tenant: red}
nat:
  - {dnat: "tcp 203.0.113.30:8000-8009", on: internet, to: "10.1.1.5:9000"}
  - {dnat: "udp 203.0.113.30:53", on: internet, to: "10.1.1.5:5353"}
  - {one-to-one: 203.0.113.20, inside: 10.1.1.20, on: internet}
  - {snat: 10.1.0.0/16, out: internet, to: 203.0.113.10}
  - {snat: "fd00:2::/64", out: internet, to: "2001:db8:ffff::10"}
  - {snat: 10.1.0.0/16, out: red, to: 172.21.0.1}
addresses:
  friends: [198.18.7.0/24]
services:
  ports: [udp/7, udp/9, tcp/80, icmp]
firewall:
  rules:
    - {name: refused,   from: web,            to: internet,   service: [udp/69, tcp/23], action: reject}
    - {name: dropped,   from: web,            to: internet,   service: udp/70, action: drop}
    - {name: apps,      from: internet,       to: web,        service: tcp/9000-9009, action: allow}
    - {name: names,     from: internet,       to: web,        service: udp/53, action: allow}
    - {name: known,     from: [friends, red], to: web,        service: ports, action: allow}
    - {name: one,       from: internet,       to: web,        service: [udp/4000, icmp], action: allow, log: true}
    - {name: v6-in,     from: internet,       to: [web, db],  service: udp/6000, action: allow}
)";

constexpr const char* red_text = R"(tenant: red
peers: [blue]
segments:
  web:
    vlan: {port: access0, id: 210}
    gateway: 10.1.1.1/24
    neighbours: {10.1.1.5: "02:4e:00:00:01:05"}
routes:
  - {to: 172.21.0.0/16, tenant: blue}
  - {to: 172.30.0.0/16, tenant: blue}
nat:
  - {dnat: "udp 172.20.0.5:7", on: blue, to: "10.1.1.5:7"}
  - {snat: 10.1.0.0/16, out: blue, to: 172.22.0.1}
firewall:
  rules:
    - {name: served, from: blue, to: web, service: udp/7, action: allow}
    - {name: lost,   from: blue, to: blue, action: allow}
)";

constexpr const char* plain_text = R"(tenant: plain
segments:
  lan:
    vlan: {port: access0, id: 310}
    gateway: [10.3.1.1/24, "2001:db8:3:1::1/64"]
    neighbours: {10.3.1.5: "02:91:00:00:01:05", 10.3.1.6: "02:91:00:00:01:06", "2001:db8:3:1::5": "02:91:00:00:01:05"}
  far:
    vlan: {port: uplink0, id: 311}
    gateway: [10.3.2.1/24, "2001:db8:3:2::1/64"]
    neighbours: {10.3.2.5: "02:91:00:00:02:05", "2001:db8:3:2::5": "02:91:00:00:02:05"}
uplinks:
  wan: {vlan: {port: uplink0, id: 930}, address: 198.51.100.2/24, neighbours: {198.51.100.1: "02:00:00:00:09:03"}}
routes:
  - {to: 10.30.0.0/16, via: [10.3.1.5, 10.3.1.6]}
  - {to: 192.168.0.0/16, blackhole: true}
)";

std::unique_ptr<const Image> compile_lab(const std::string& more) {
    return compile_texts({{"gateway.yaml", gateway_text + more},
                          {"blue.yaml", blue_text},
                          {"red.yaml", red_text},
                          {"plain.yaml", plain_text}});
}

Packet station(Packet packet, std::optional<std::uint16_t> outer, std::optional<std::uint16_t> vlan,
               std::string mac) {
    packet.source_mac = std::move(mac);
    packet.destination_mac = "02:00:5e:00:01:01";
    packet.outer_vlan = outer;
    packet.vlan = vlan;
    return packet;
}

}  // namespace

const Image& lab() {
    static const std::unique_ptr<const Image> image = compile_lab("");
    return *image;
}

const Image& lab_per_stage() {
    static const std::unique_ptr<const Image> image = compile_lab("ttl: per-stage\n");
    return *image;
}

void ShardTest::restart(const Image& image) {
    if (gateway) check();
    settings.cache = GetParam();
    image_ = &image;
    gateway = std::make_unique<TestGateway>(image, settings);
}

void ShardTest::check() {
    EXPECT_TRUE(gateway->counters().balanced());
    EXPECT_EQ(gateway->frames_in_use(), gateway->counters().held);
}

Packet ShardTest::on_web(Packet packet) {
    return station(std::move(packet), std::nullopt, 110, "02:b1:00:00:01:05");
}
Packet ShardTest::on_db(Packet packet) {
    return station(std::move(packet), 100, 7, "02:b1:00:00:02:05");
}
Packet ShardTest::on_net(Packet packet) {
    return station(std::move(packet), std::nullopt, std::nullopt, "02:00:00:00:09:01");
}
Packet ShardTest::on_red(Packet packet) {
    return station(std::move(packet), std::nullopt, 210, "02:4e:00:00:01:05");
}
Packet ShardTest::on_lan(Packet packet) {
    return station(std::move(packet), std::nullopt, 310, "02:91:00:00:01:05");
}
Packet ShardTest::on_far(Packet packet) {
    return station(std::move(packet), std::nullopt, 311, "02:91:00:00:02:05");
}
Packet ShardTest::on_wan(Packet packet) {
    return station(std::move(packet), std::nullopt, 930, "02:00:00:00:09:03");
}

std::size_t ShardTest::live_flows() const {
    std::size_t count = 0;
    for (std::uint32_t place = 0; place < gateway->shard().flow_places(); ++place) {
        count += gateway->shard().flow(place).has_value();
    }
    return count;
}

const RuleCount& ShardTest::rule(std::uint16_t tenant, std::string_view name) {
    const auto& rules = gateway->counters().tenants[tenant].rules;
    if (name == "default") return rules.back();
    const auto names = image_->tenants()[tenant].rule_names.all();
    const auto at = std::find(names.begin(), names.end(), name);
    if (at == names.end()) ADD_FAILURE() << "no rule " << name;
    return rules[static_cast<std::size_t>(at - names.begin())];
}

Decoded only(const std::vector<SentFrame>& sent) {
    EXPECT_EQ(sent.size(), 1u);
    if (sent.size() != 1) return {};
    EXPECT_TRUE(checksums_valid(sent[0].bytes)) << hexadecimal(sent[0].bytes);
    return decode(sent[0].bytes);
}

std::string from(const Decoded& packet) {
    return to_string(packet.source, packet.family);
}
std::string to(const Decoded& packet) {
    return to_string(packet.destination, packet.family);
}

}  // namespace sluice::test
