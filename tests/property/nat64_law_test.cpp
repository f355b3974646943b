// SPDX-License-Identifier: Apache-2.0
//
// The law of the cache for NAT64: random packets of both families, sane and not, through a tenant with every
// kind of NAT and another one behind a link that has NAT64 as well. Without a cache, with the flow table and
// with all tiers the same leaves, while policies change; nothing is lost in the counters, and what arrives
// whole leaves whole. SLUICE_PROPERTY_RUNS multiplies the runs; SLUICE_PROPERTY_SEED runs one alone.
#include <gtest/gtest.h>

#include <cstdlib>
#include <deque>
#include <map>

#include "tests/support/all_tiers.h"
#include "tests/support/bytes.h"
#include "tests/support/compile.h"
#include "tests/support/decoded.h"
#include "tests/support/random.h"

namespace sluice::test {
namespace {

constexpr unsigned packets_a_run = 600;
constexpr Time pace = nanoseconds_per_second / 20;  // below the limit of ICMP errors

/// `other`: a change that some sessions do not survive.
std::map<std::string, std::string> policy(bool other) {
    const std::string pool = other ? "203.0.113.11" : "203.0.113.10";
    return {{"gateway.yaml", R"(gateway: law
mac: 02:00:5e:00:01:01
ports: {lan0: {mtu: 1400}, uplink0: {mtu: 1300}}
tenants: [blue.yaml, red.yaml]
)"},
            {"blue.yaml", R"(tenant: blue
segments:
  lan:
    vlan: {port: lan0, id: 1}
    gateway: [10.1.1.1/24, "fd00:1::1/64"]
    neighbours:
      10.1.1.5: "02:00:00:00:01:05"
      10.1.1.6: "02:00:00:00:01:06"
      "fd00:1::5": "02:00:00:00:01:05"
      "fd00:1::6": "02:00:00:00:01:06"
uplinks:
  net:
    vlan: {port: uplink0, id: 1}
    address: [203.0.113.2/24, "2001:db8:f::2/64"]
    neighbours: {203.0.113.1: "02:00:00:00:09:01", "2001:db8:f::1": "02:00:00:00:09:01"}
peers: [red]
routes:
  - {to: 0.0.0.0/0, via: 203.0.113.1}
  - {to: "::/0", via: "2001:db8:f::1"}
  - {to: 192.0.2.0/24, tenant: red}
nat:
  - {nat64: "2001:db8:64::/96", from: "fd00:1::5", out: net, to: )" +
                              pool + R"(, filter: endpoint-independent, ports: 2000-2031}
  - {nat64: "2001:db8:64::/96", from: "fd00:1::/64", out: net, to: 203.0.113.12, block-size: 8, blocks-per-host: 1}
  - {nat64: "2001:db8:64::/96", from: "fd00:1::/64", out: red, to: 198.51.100.12}
  - {nat64: "64:ff9b::/96", from: "fd00:1::/64", out: net, to: 203.0.113.10, ports: 3000-3003}
  - {snat: 10.1.1.5, out: net, to: 203.0.113.10, ports: 2000-2031}
  - {snat: "fd00:1::/64", out: net, to: "2001:db8:f::99"}
  - {dnat: "udp 203.0.113.10:80", on: net, to: "10.1.1.6:8080"}
  - {one-to-one: 203.0.113.20, inside: 10.1.1.6, on: net}
firewall:
  default: drop
  rules:
    - {name: not-there, from: lan, to: "2001:db8:64::c612:a", action: )" +
                              (other ? "drop" : "reject") + R"(}
    - {name: rest, from: any, to: any, action: allow}
)"},
            {"red.yaml", R"(tenant: red
segments:
  six: {vlan: {port: lan0, id: 2}, gateway: "fd00:2::1/64", neighbours: {"fd00:2::7": "02:00:00:00:02:07"}}
peers: [blue]
routes: [{to: 0.0.0.0/0, tenant: blue}]
nat:
  - {nat64: "2001:db8:64::/96", from: "fd00:2::/64", out: blue, to: 192.0.2.10, ports: 5000-5003, filter: endpoint-independent}
firewall: {default: allow, rules: [{name: all, from: any, to: any, action: allow}]}
)"}};
}

class Source {
  public:
    explicit Source(std::uint64_t seed) : random_(seed) {}
    /// A packet, or its fragments in some order, not always all of them.
    std::vector<SentFrame> next() {
        const bool again = !heard_.empty() && random_.percent(60);
        const SentFrame frame = again ? about(heard_[random_.between(0, heard_.size() - 1)]) : first();
        std::vector<SentFrame> pieces;
        if (random_.percent(12)) {
            for (const Bytes& piece : fragments(frame.bytes, random_.between(1, 60) * 8, id_++)) {
                if (random_.percent(2)) continue;
                const auto at = static_cast<std::ptrdiff_t>(random_.between(0, pieces.size()));
                pieces.insert(pieces.begin() + at, {frame.port, piece});
            }
        } else {
            pieces = {frame};
        }
        if (!pieces.empty() && random_.percent(4)) {
            Bytes& bytes = pieces[random_.between(0, pieces.size() - 1)].bytes;
            bytes[random_.between(14, bytes.size() - 1)] ^=
                static_cast<std::uint8_t>(1 << random_.between(0, 7));
        }
        return pieces;
    }
    void saw(const SentFrame& frame) {
        if (decode(frame.bytes).is_ip() && !decode(frame.bytes).is_fragment()) heard_.push_front(frame);
        if (heard_.size() > 40) heard_.pop_back();
    }

  private:
    Packet shaped(Packet packet) {
        packet.ttl = static_cast<std::uint8_t>(random_.percent(5) ? random_.between(0, 3) : 64);
        packet.tos = static_cast<std::uint8_t>(random_.next());
        packet.id = static_cast<std::uint16_t>(random_.next());
        packet.dont_fragment = random_.percent(40);
        packet.no_udp_checksum = random_.percent(10);
        packet.l4_checksum_error = random_.percent(3) ? 0x1234 : 0;
        const std::size_t longest = random_.percent(15) ? 1420 : 90;
        packet.payload = Bytes(random_.between(0, longest), static_cast<std::uint8_t>(random_.next()));
        if (packet.source.find(':') != std::string::npos && random_.percent(6)) {
            packet.extensions = {{60, Bytes(7, 0)}};
        }
        if (packet.source.find(':') == std::string::npos && random_.percent(4)) packet.ip_options = Bytes(4, 1);
        return packet;
    }
    Bytes built(unsigned kind, const Packet& packet) {
        switch (kind) {
            case 0:
                return udp(packet);
            case 1:
                return tcp(packet);
            case 2:
                return echo_request(packet);
            case 3:
                return echo_reply(packet);
            default:
                return ip_protocol(packet, static_cast<std::uint8_t>(random_.pick<int>({47, 58, 1, 6})));
        }
    }
    SentFrame first() {
        const bool from_outside = random_.percent(15), red = !from_outside && random_.percent(20);
        Packet packet;
        packet.vlan = red ? 2 : 1;
        packet.source_port = static_cast<std::uint16_t>(random_.between(4000, 4005));
        packet.destination_port = random_.pick<std::uint16_t>({80, 53, 2000, 2001, 5000, 5001});
        packet.identifier = static_cast<std::uint16_t>(random_.between(1, 4));
        packet.tcp_flags = random_.pick<std::uint8_t>({2, 2, 2, 16, 4, 17});
        if (from_outside) {
            packet.source_mac = "02:00:00:00:09:01";
            packet.source = random_.pick<std::string>({"198.18.0.9", "8.8.8.8", "2001:db8:64::808:808"});
            const bool six = packet.source.find(':') != std::string::npos;
            packet.destination =
                six ? "fd00:1::5"
                    : random_.pick<std::string>({"203.0.113.10", "203.0.113.12", "203.0.113.20", "192.0.2.10"});
        } else {
            const bool second = random_.percent(40), four = !red && random_.percent(15);
            packet.source_mac = red ? "02:00:00:00:02:07" : second ? "02:00:00:00:01:06" : "02:00:00:00:01:05";
            packet.source = red    ? "fd00:2::7"
                            : four ? (second ? "10.1.1.6" : "10.1.1.5")
                                   : (second ? "fd00:1::6" : "fd00:1::5");
            const std::string to = random_.pick<std::string>({"198.18.0.9", "8.8.8.8", "198.18.0.10",
                                                              "203.0.113.10", "203.0.113.12", "203.0.113.20",
                                                              "203.0.113.2", "192.0.2.10", "10.1.1.6"});
            packet.destination = four ? to : (random_.percent(15) && !red ? "64:ff9b::" : "2001:db8:64::") + to;
            if (!four && random_.percent(8))
                packet.destination = random_.pick<std::string>({"fd00:1::6", "2001:db8:9::9", "fd00:1::1"});
        }
        return {static_cast<std::uint16_t>(from_outside ? 1 : 0),
                built(static_cast<unsigned>(random_.weighted({50, 25, 15, 2, 3})), shaped(packet))};
    }
    /// What its receiver says to a frame that left: an answer, or an error.
    SentFrame about(const SentFrame& frame) {
        const Decoded heard = decode(frame.bytes);
        Packet packet;
        packet.source_mac = to_string(heard.destination_mac);
        packet.destination_mac = to_string(heard.source_mac);
        packet.vlan = heard.vids.empty() ? std::uint16_t{1} : heard.vids.back();
        packet.source = to_string(heard.destination, heard.family);
        packet.destination = to_string(heard.source, heard.family);
        packet.source_port = heard.destination_port();
        packet.destination_port = packet.identifier = heard.source_port();
        packet.tcp_flags = random_.pick<std::uint8_t>({18, 16, 16, 17, 4});
        packet = shaped(packet);
        if (random_.percent(25)) {
            const bool four = heard.family == Family::v4;
            packet.icmp_type =
                four ? random_.pick<std::uint8_t>({3, 3, 11, 12, 5}) : random_.pick<std::uint8_t>({1, 2, 3, 4});
            packet.icmp_code = static_cast<std::uint8_t>(random_.between(0, 4));
            packet.icmp_rest = static_cast<std::uint32_t>(random_.pick<int>({0, 1200, 1300, 20, 6}));
            if (random_.percent(30)) packet.source = four ? "10.7.7.7" : "2001:db8:7::1";
            Bytes quoted = ip_packet(frame.bytes);
            quoted.resize(random_.between(0, quoted.size()));
            return {frame.port, icmp_error(packet, quoted)};
        }
        const Kind kind = heard.kind();
        const unsigned said = kind == Kind::udp            ? 0
                              : kind == Kind::tcp          ? 1
                              : kind == Kind::echo_request ? 3
                              : kind == Kind::echo_reply   ? 2
                                                           : 4;
        return {frame.port, built(said, packet)};
    }

    Random random_;
    std::deque<SentFrame> heard_;
    std::uint32_t id_ = 1;
};

struct Totals {
    std::uint64_t crossed = 0, kept = 0;
};

std::string run(std::uint64_t seed, Totals& totals) {
    const auto image = compile_texts(policy(false)), other = compile_texts(policy(true));
    ShardSettings settings;
    settings.seed = seed;
    settings.sessions = settings.wide_sessions = 256;
    AllTiers tiers(*image, settings);
    Source source(seed);
    Random random(seed ^ 0x64);
    for (unsigned count = 0; count < packets_a_run && tiers.parting().empty(); ++count) {
        tiers.advance(random.percent(1) ? seconds(random.between(30, 400)) : pace);
        if (random.percent(1)) tiers.activate(random.percent(50) ? *image : *other);
        const std::vector<SentFrame> frames = source.next();
        std::vector<SentFrame> left;
        if (!frames.empty()) left = tiers.inject(frames);
        bool whole = frames.size() == 1 && checksums_valid(frames[0].bytes);
        for (const SentFrame& frame : left) {
            source.saw(frame);
            const Decoded packet = decode(frame.bytes);
            if (frames.size() == 1 && decode(frames[0].bytes).family != packet.family) ++totals.crossed;
            if (frames.size() == 1 && decode(frames[0].bytes).family == packet.family) ++totals.kept;
            if (whole && !checksums_valid(frame.bytes)) return "a checksum is broken: " + describe(packet);
            if (!packet.fault.empty()) return "what left is no packet: " + packet.fault;
        }
        tiers.compare_counters();
    }
    if (!tiers.parting().empty()) return tiers.parting();
    for (const auto& gateway : tiers.gateways()) {
        if (!gateway->counters().balanced()) return "the counters are not balanced";
        if (gateway->frames_in_use() != gateway->counters().held) return "frames are lost";
        gateway->advance(seconds(20'000));
        if (gateway->counters().sessions.active != 0) return "sessions are left";
    }
    return "";
}

TEST(Nat64Law, TheCacheChangesNothing) {
    const char* factor = std::getenv("SLUICE_PROPERTY_RUNS");
    const char* one = std::getenv("SLUICE_PROPERTY_SEED");
    const std::uint64_t first = one == nullptr ? 1 : std::strtoull(one, nullptr, 0);
    const std::uint64_t runs = one != nullptr      ? 1
                               : factor == nullptr ? 40
                                                   : 40 * std::strtoull(factor, nullptr, 0);
    Totals totals;
    for (std::uint64_t seed = first; seed < first + runs; ++seed) {
        const std::string wrong = run(seed, totals);
        ASSERT_EQ(wrong, "") << "seed " << seed << "\n" << wrong;
    }
    std::printf("%llu frames crossed, %llu kept their family\n",
                static_cast<unsigned long long>(totals.crossed), static_cast<unsigned long long>(totals.kept));
    if (one != nullptr) return;
    EXPECT_GE(totals.crossed, 100 * runs);
    EXPECT_GE(totals.kept, 20 * runs);
}

}  // namespace
}  // namespace sluice::test
