// SPDX-License-Identifier: Apache-2.0
//
// The law of the caches where flows begin: bursts in which most packets open a session, or try to, through
// three gateways at once. Few ports and few sessions, so that both run out in the middle of a burst and come
// back; several packets of a new flow in one burst, one inside endpoint to several destinations, replies and
// crossing flows beside them; published ports, one-to-one, hairpin, several next hops; ICMP and TCP; neighbours
// that are not known yet; packets that guards refuse; rules that deny, reject and log; another policy between
// two bursts.
//
// SLUICE_PROPERTY_RUNS multiplies the number of sequences; SLUICE_PROPERTY_SEED runs one alone.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/property/trials.h"
#include "tests/support/all_tiers.h"
#include "tests/support/compile.h"
#include "tests/support/decoded.h"
#include "tests/support/random.h"

namespace sluice::test {
namespace {

constexpr std::uint64_t sequences = 24;
constexpr std::uint32_t bursts_a_sequence = 250;
constexpr std::uint16_t access_port = 0, uplink_port = 1;

std::unique_ptr<const Image> policy(std::uint32_t variant) {
    const bool other = (variant & 1) != 0, strict = (variant & 2) != 0;
    return compile_texts(
        {{"gateway.yaml", R"(gateway: starts
mac: 02:00:5e:00:01:01
ports: {access0: {mtu: 1500}, uplink0: {mtu: 1500}}
tenants: [one.yaml, two.yaml]
)"},
         {"one.yaml",
          std::string(R"(tenant: one
segments:
  web:
    vlan: {port: access0, id: 10}
    gateway: 10.1.1.1/24
    neighbours: {10.1.1.5: "02:b1:00:00:01:05", 10.1.1.6: "02:b1:00:00:01:06"}
  lab: {vlan: {port: access0, id: 11}, gateway: 10.1.2.1/24}
uplinks:
  internet: {untagged: {port: uplink0}, address: 203.0.113.2/24, neighbours: {203.0.113.1: "02:00:00:00:09:01"}}
routes:
  - {to: 0.0.0.0/0, via: 203.0.113.1}
  - {to: 10.2.0.0/16, via: 10.1.1.5}
  - {to: 10.3.0.0/16, via: [10.1.1.5, 10.1.1.6]}
nat:
  - {dnat: "udp 203.0.113.10:1030", on: internet, to: "10.1.1.5:1030"}
  - {one-to-one: 203.0.113.20, inside: 10.1.1.20, on: internet}
)") +
              (other
                   ? "  - {snat: 10.1.1.0/24, out: internet, to: 203.0.113.10-203.0.113.11, ports: 1024-1047}\n"
                   : "  - {snat: 10.1.1.0/24, out: internet, to: 203.0.113.10, ports: 1024-1055}\n") +
              R"(firewall:
  rules:
    - {name: dropped, from: web, to: internet, service: udp/70, action: drop}
    - {name: refused, from: web, to: internet, service: udp/69, action: reject}
    - {name: logged,  from: web, to: internet, service: udp/71, action: allow, log: true}
)" + (strict ? "    - {name: nobody, from: 10.1.1.6, to: internet, action: drop}\n" : "") +
              R"(    - {name: out,  from: [web, lab], to: internet, action: allow}
    - {name: in,   from: internet, to: web, service: [udp/1030, icmp, udp/9], action: allow}
    - {name: side, from: web, to: lab, action: allow}
)"},
         {"two.yaml", R"(tenant: two
segments:
  lan: {vlan: {port: access0, id: 20}, gateway: 10.1.1.1/24, neighbours: {10.1.1.5: "02:b2:00:00:01:05"}}
uplinks:
  internet: {vlan: {port: uplink0, id: 20}, address: 198.51.100.2/24, neighbours: {198.51.100.1: "02:00:00:00:09:02"}}
routes: [{to: 0.0.0.0/0, via: 198.51.100.1}]
nat: [{snat: 10.1.0.0/16, out: internet, to: 198.51.100.10}]
)"}});
}

class Beginnings {
  public:
    explicit Beginnings(std::uint64_t seed) : random_(seed) {}

    std::vector<SentFrame> burst() {
        std::vector<SentFrame> burst;
        for (std::uint64_t left = random_.between(1, random_.percent(10) ? 1 : 48); left > 0; --left) {
            if (!burst.empty() && random_.percent(15)) {
                burst.push_back(random_.pick(burst));
            } else if (!sent_.empty() && random_.percent(15)) {
                burst.push_back(reply_to(random_.pick(sent_)));
            } else if (random_.percent(12)) {
                burst.push_back({uplink_port, from_outside()});
            } else {
                burst.push_back({access_port, from_inside()});
            }
        }
        return burst;
    }
    void saw(const std::vector<SentFrame>& frames) {
        for (const SentFrame& frame : frames) {
            const Decoded packet = decode(frame.bytes);
            if (packet.ethertype == 0x0806) asked_ = true;
            if (!packet.is_ip() || !packet.fault.empty()) continue;
            if (sent_.size() < 40) sent_.push_back(frame);
            sent_[random_.next() % sent_.size()] = frame;
        }
    }
    /// What the host in `lab` says when it is asked for.
    std::vector<SentFrame> answers() {
        if (!std::exchange(asked_, false) || random_.percent(40)) return {};
        return {{access_port, arp({.source_mac = "02:b1:00:00:02:05",
                                   .destination_mac = "02:00:5e:00:01:01",
                                   .vlan = 11,
                                   .operation = 2,
                                   .sender_mac = "02:b1:00:00:02:05",
                                   .sender_ip = "10.1.2.5",
                                   .target_mac = "02:00:5e:00:01:01",
                                   .target_ip = "10.1.2.1"})}};
    }

    Random& random() { return random_; }

  private:
    Bytes from_inside() {
        Packet packet;
        packet.vlan = random_.percent(15) ? 20 : 10;
        packet.source = random_.pick(hosts_);
        packet.destination = random_.pick(remotes_);
        // Few endpoints, so that they meet again; sometimes one nobody had.
        packet.source_port = static_cast<std::uint16_t>(random_.percent(70) ? 5000 + random_.between(0, 3)
                                                                            : random_.between(1, 65535));
        packet.destination_port = random_.pick(services_);
        return finish(packet);
    }
    Bytes from_outside() {
        Packet packet;
        packet.source_mac = "02:00:00:00:09:01";
        packet.source = random_.pick(remotes_);
        packet.destination = random_.pick(externals_);
        packet.source_port = random_.pick(services_);
        packet.destination_port =
            random_.percent(50) ? 1030 : static_cast<std::uint16_t>(random_.between(1024, 1055));
        return finish(packet);
    }
    Bytes finish(Packet packet) {
        packet.ttl = static_cast<std::uint8_t>(random_.percent(5) ? random_.between(0, 2) : 64);
        packet.dont_fragment = random_.percent(50);
        packet.no_udp_checksum = random_.percent(10);
        if (random_.percent(4)) packet.payload.assign(1480, 0x62);
        if (random_.percent(3)) packet.ip_checksum_error = 1;
        if (random_.percent(2)) packet.ip_options = {1, 1, 1, 0};
        packet.id = static_cast<std::uint16_t>(random_.next());
        packet.identifier = packet.source_port;
        packet.tcp_flags = random_.percent(80) ? 0x02 : random_.percent(50) ? 0x10 : 0x12;
        const std::size_t kind = random_.weighted({70, 15, 12, 3});
        if (kind == 0) return udp(packet);
        if (kind == 1) return tcp(packet);
        if (kind == 2) return echo_request(packet);
        return ip_protocol(packet, 47);
    }
    SentFrame reply_to(const SentFrame& frame) {
        const Decoded asked = decode(frame.bytes);
        Packet packet;
        packet.source_mac = to_string(asked.destination_mac);
        packet.destination_mac = to_string(asked.source_mac);
        if (!asked.vids.empty()) packet.vlan = asked.vids.back();
        packet.source = to_string(asked.destination, asked.family);
        packet.destination = to_string(asked.source, asked.family);
        packet.source_port = asked.destination_port();
        packet.destination_port = asked.source_port();
        packet.identifier = asked.source_port();
        packet.tcp_flags = (asked.tcp_flags() & 0x02) != 0 ? 0x12 : 0x10;
        if (asked.kind() == Kind::tcp) return {frame.port, tcp(packet)};
        return {frame.port, asked.kind() == Kind::udp ? udp(packet) : echo_reply(packet)};
    }

    Random random_;
    std::vector<SentFrame> sent_;  // some of what left
    bool asked_ = false;
    const std::vector<std::string> hosts_ = {"10.1.1.5", "10.1.1.6", "10.1.1.7",     "10.1.1.20", "10.2.0.1",
                                             "10.3.0.1", "10.1.1.1", "203.0.113.10", "0.0.0.0",   "127.0.0.1"};
    const std::vector<std::string> remotes_ = {
        "198.18.0.9",   "198.18.0.10",  "10.1.2.5",  "10.2.0.1",   "10.3.0.7",  "10.1.1.1",    "203.0.113.10",
        "203.0.113.20", "203.0.113.77", "224.0.0.9", "10.1.1.255", "127.1.1.1", "198.18.0.11", "198.18.0.12"};
    const std::vector<std::string> externals_ = {"203.0.113.10", "203.0.113.11", "203.0.113.20", "10.1.1.5"};
    const std::vector<std::uint16_t> services_ = {9, 9, 53, 69, 70, 71, 1030, 5000};
};

ShardSettings settings_for(std::uint64_t seed) {
    ShardSettings settings{.seed = seed};
    settings.sessions = seed % 3 == 0 ? 24 : 512;
    settings.wide_sessions = 16;
    settings.neighbours = 64;
    settings.traces = seed % 4 == 0 ? 8 : 512;  // so few that a burst's traces push each other out
    settings.rule_answers = seed % 4 == 0 ? 4 : 512;
    settings.programs = seed % 5 == 0 ? 8 : 512;
    settings.timeouts.udp = seconds(seed % 2 == 0 ? 2 : 20);
    settings.timeouts.icmp = settings.timeouts.dns = seconds(1);
    settings.timeouts.tcp_opening = seconds(3);
    return settings;
}

void run_sequence(const Image& first, const Image& second, std::uint64_t seed, std::uint64_t& started,
                  std::uint64_t& exhausted) {
    AllTiers gateways(first, settings_for(seed));
    Beginnings beginnings(seed);
    Random& random = beginnings.random();
    for (std::uint32_t i = 0; i < bursts_a_sequence; ++i) {
        const std::string where = "burst " + std::to_string(i) +
                                  "\nreproduce with SLUICE_PROPERTY_SEED=" + std::to_string(seed) +
                                  " starts_test";
        if (random.percent(4)) gateways.activate(random.percent(50) ? first : second);
        std::vector<SentFrame> burst = beginnings.answers();
        for (SentFrame& frame : beginnings.burst()) burst.push_back(std::move(frame));
        beginnings.saw(gateways.inject(burst));
        ASSERT_EQ(gateways.parting(), "") << where;
        beginnings.saw(gateways.advance(
            random.percent(3) ? seconds(30) : nanoseconds_per_second / 100 * random.between(0, 80)));
        if (random.percent(15)) gateways.compare_counters();
        ASSERT_EQ(gateways.parting(), "") << where;
    }
    gateways.compare_counters();
    ASSERT_EQ(gateways.parting(), "") << "seed " << seed;
    for (const TenantCount& tenant : gateways.gateway(CacheTiers::trace_cache).counters().tenants) {
        started += tenant.traces.started;
    }
    exhausted += gateways.gateway(CacheTiers::none).drops("one.sr", DropReason::NAT_NO_PORT);
}

TEST(Starts, NoTierShows) {
    std::vector<std::unique_ptr<const Image>> images;
    for (std::uint32_t variant = 0; variant < 4; ++variant) images.push_back(policy(variant));
    std::uint64_t started = 0, exhausted = 0;
    for (const std::uint64_t seed : property_seeds(sequences)) {
        run_sequence(*images[seed % 4], *images[seed / 4 % 4], seed, started, exhausted);
        if (testing::Test::HasFatalFailure()) return;
    }
    EXPECT_GT(started, 100u) << "hardly a flow was started by its trace";
    EXPECT_GT(exhausted, 10u) << "ports hardly ran out";
}

}  // namespace
}  // namespace sluice::test
