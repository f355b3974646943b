// SPDX-License-Identifier: Apache-2.0
//
// NAT64, as matrix_test.cpp has the kinds of NAT that stay in one family: filter × firewall × cache, and in
// each of these UDP, TCP from SYN to FIN, echo, fragments in every order, ICMP errors from both sides. Two
// tenants with the same inside addresses and the same prefix say the same things at the same time. What must
// arrive is said here without the gateway: the other family's ends, whole checksums, the same payload, its own
// tenant's VLAN.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>

#include "tests/support/bytes.h"
#include "tests/support/compile.h"
#include "tests/support/decoded.h"
#include "tests/support/test_gateway.h"

namespace sluice::test {
namespace {

enum class Filter { address_dependent, endpoint_independent };
enum class Firewall { none, allow, drop, reject };

constexpr std::size_t tenants = 2;
constexpr std::uint16_t lan_vlan[tenants] = {110, 210}, net_vlan[tenants] = {910, 920};
constexpr const char* external[tenants] = {"203.0.113.20", "203.0.113.40"};
constexpr const char* host = "fd00:1::5";
constexpr const char* peer = "198.18.0.9";
constexpr const char* peer_behind = "2001:db8:64::c612:9";
constexpr const char* outside_mac = "02:00:00:00:09:01";
constexpr Time pace = nanoseconds_per_second / 50;  // below the limit of ICMP errors

std::string firewall_section(Firewall firewall) {
    constexpr const char* words[] = {"", "allow", "drop", "reject"};
    if (firewall == Firewall::none) return "";
    return std::string("firewall: {default: ") + (firewall == Firewall::allow ? "drop" : "allow") +
           ", rules: [{name: all, from: any, to: any, action: " + words[static_cast<int>(firewall)] + "}]}\n";
}

std::map<std::string, std::string> policy(Filter filter, Firewall firewall) {
    std::map<std::string, std::string> texts{{"gateway.yaml", R"(gateway: matrix
mac: 02:00:5e:00:01:01
ports: {access0: {mtu: 1500}, uplink0: {mtu: 1500}}
tenants: [a.yaml, b.yaml]
)"}};
    for (std::size_t tenant = 0; tenant < tenants; ++tenant) {
        const std::string name(1, "ab"[tenant]);
        const std::string own = "203.0.113." + std::to_string(2 + tenant);
        texts[name + ".yaml"] =
            "tenant: " + name +
            "\nsegments:\n  lan: {vlan: {port: access0, id: " + std::to_string(lan_vlan[tenant]) +
            "}, gateway: \"fd00:1::1/64\", neighbours: {\"" + host +
            "\": \"02:00:00:00:01:05\"}}\nuplinks:\n  net: {vlan: {port: uplink0, id: " +
            std::to_string(net_vlan[tenant]) + "}, address: " + own + "/24, neighbours: {203.0.113.1: \"" +
            outside_mac +
            "\"}}\nroutes: [{to: 0.0.0.0/0, via: 203.0.113.1}]\nnat:\n  - {nat64: "
            "\"2001:db8:64::/96\", from: \"fd00:1::/64\", out: net, to: " +
            external[tenant] +
            (filter == Filter::endpoint_independent ? ", filter: endpoint-independent}\n" : "}\n") +
            firewall_section(firewall);
    }
    return texts;
}

class Nat64Matrix : public testing::TestWithParam<std::tuple<Filter, Firewall, CacheTiers>> {
  protected:
    Nat64Matrix()
        : filter(std::get<0>(GetParam())),
          firewall(std::get<1>(GetParam())),
          image_(compile_texts(policy(filter, firewall))),
          gateway(*image_, settings()) {}
    void TearDown() override {
        EXPECT_TRUE(gateway.counters().balanced());
        EXPECT_EQ(gateway.frames_in_use(), gateway.counters().held);
    }
    static ShardSettings settings() {
        ShardSettings settings;
        settings.cache = std::get<2>(GetParam());
        return settings;
    }

    bool passes() const { return firewall == Firewall::none || firewall == Firewall::allow; }

    Packet request(std::size_t tenant, Packet packet = {}) const {
        packet.source_mac = "02:00:00:00:01:05";
        packet.vlan = lan_vlan[tenant];
        packet.source = host;
        packet.destination = peer_behind;
        packet.source_port = 40000;
        packet.payload.push_back(static_cast<std::uint8_t>(tenant));  // whose it is
        return packet;
    }
    /// To what arrived, or where nothing did to what a guesser would take.
    Packet answer(std::size_t tenant, const Decoded& arrived, Packet packet = {}) const {
        packet.source_mac = outside_mac;
        packet.vlan = net_vlan[tenant];
        packet.source = peer;
        packet.destination = external[tenant];
        packet.source_port = 80;
        packet.destination_port = arrived.ethertype == 0 ? 40000 : arrived.source_port();
        packet.identifier = packet.destination_port;
        packet.payload.push_back(static_cast<std::uint8_t>(tenant));
        return packet;
    }
    /// What leaves towards the other side, each checked for what all have in common. Refusals go back.
    std::vector<Decoded> send(std::size_t tenant, bool forward, const Bytes& frame) {
        gateway.advance(pace);
        std::vector<Decoded> arrived;
        for (const SentFrame& left : gateway.inject(forward ? "access0" : "uplink0", frame)) {
            EXPECT_TRUE(checksums_valid(left.bytes)) << describe(decode(left.bytes));
            const Decoded packet = decode(left.bytes);
            const bool there = left.port == gateway.port_of(forward ? "uplink0" : "access0");
            const std::uint16_t vid = there == forward ? net_vlan[tenant] : lan_vlan[tenant];
            EXPECT_EQ(packet.vids, std::vector<std::uint16_t>{vid}) << "crossed to the other tenant";
            if (!there) continue;
            EXPECT_EQ(packet.family, forward ? Family::v4 : Family::v6);
            EXPECT_EQ(to_string(packet.source, packet.family), forward ? external[tenant] : peer_behind);
            EXPECT_EQ(to_string(packet.destination, packet.family), forward ? peer : host);
            arrived.push_back(packet);
            last = left.bytes;
        }
        return arrived;
    }
    Decoded one(std::size_t tenant, bool forward, const Bytes& frame, bool arrives) {
        const auto arrived = send(tenant, forward, frame);
        EXPECT_EQ(arrived.size(), arrives ? 1u : 0u) << describe(decode(frame));
        if (arrived.size() != 1 || !arrives) return {};
        EXPECT_EQ(arrived[0].l4.back(), tenant);
        return arrived[0];
    }

    Filter filter;
    Firewall firewall;
    Bytes last;

  private:
    std::unique_ptr<const Image> image_;

  protected:
    TestGateway gateway;
};

TEST_P(Nat64Matrix, Udp) {
    Decoded there[tenants];
    for (int round = 0; round < 3; ++round) {
        for (std::size_t tenant = 0; tenant < tenants; ++tenant) {
            there[tenant] = one(tenant, true, udp(request(tenant)), passes());
        }
        for (std::size_t tenant = 0; tenant < tenants; ++tenant) {
            const Decoded back = one(tenant, false, udp(answer(tenant, there[tenant])), passes());
            if (passes()) {
                EXPECT_EQ(back.destination_port(), 40000);
            }
        }
    }
    for (std::size_t tenant = 0; tenant < tenants; ++tenant) {
        // From another port of whom it spoke to: the filter asks for the address alone, the firewall judges.
        Packet other = answer(tenant, there[tenant]);
        other.source_port = 81;
        one(tenant, false, udp(other), firewall == Firewall::allow);
        // The other tenant's address is a neighbour on this one's uplink: a session of its own, and no host's.
        other.destination = external[1 - tenant];
        one(tenant, false, udp(other), false);
    }
    EXPECT_EQ(gateway.counters().sessions.active, passes() ? (firewall == Firewall::allow ? 6u : 2u) : 0u);
}

TEST_P(Nat64Matrix, StrangersByTheFilter) {
    for (std::size_t tenant = 0; tenant < tenants; ++tenant) {
        const Decoded there = one(tenant, true, udp(request(tenant)), passes());
        Packet stranger = answer(tenant, there);
        stranger.source = "198.18.0.10";
        gateway.advance(pace);
        const auto left = gateway.inject("uplink0", udp(stranger));
        const bool enters = filter == Filter::endpoint_independent && firewall == Firewall::allow;
        ASSERT_EQ(left.size(), enters ? 1u : 0u);
        if (enters) {
            EXPECT_EQ(to_string(decode(left[0].bytes).source, Family::v6), "2001:db8:64::c612:a");
        }
    }
}

TEST_P(Nat64Matrix, TcpFromSynToFin) {
    constexpr std::uint8_t fin = 1, syn = 2, ack = 16;
    Decoded there[tenants];
    const auto say = [&](bool forward, std::uint8_t flags, std::uint32_t sequence,
                         std::uint32_t acknowledgement) {
        for (std::size_t tenant = 0; tenant < tenants; ++tenant) {
            const Packet plain{.tcp_flags = flags, .sequence = sequence, .acknowledgement = acknowledgement};
            const Bytes frame = tcp(forward ? request(tenant, plain) : answer(tenant, there[tenant], plain));
            const Decoded arrived = one(tenant, forward, frame, passes());
            if (passes()) {
                EXPECT_EQ(arrived.untouched_l4(), decode(frame).untouched_l4());
            }
            if (flags == syn) there[tenant] = arrived;
        }
    };
    say(true, syn, 1000, 0);
    say(false, syn | ack, 5000, 1001);
    say(true, ack, 1001, 5001);
    for (std::uint32_t segment = 0; segment < 3; ++segment) {
        say(true, ack, 1001 + 33 * segment, 5001 + 33 * segment);
        say(false, ack, 5001 + 33 * segment, 1034 + 33 * segment);
    }
    say(true, fin | ack, 1100, 5100);
    say(false, fin | ack, 5100, 1101);
    say(true, ack, 1101, 5101);
    for (std::size_t tenant = 0; tenant < tenants; ++tenant) {
        Packet middle = request(tenant);
        middle.source_port = 40002;
        one(tenant, true, tcp(middle), false);  // of a connection that nobody saw begin
    }
}

TEST_P(Nat64Matrix, Echo) {
    for (int round = 0; round < 3; ++round) {
        Decoded there[tenants];
        for (std::size_t tenant = 0; tenant < tenants; ++tenant) {
            there[tenant] = one(tenant, true, echo_request(request(tenant)), passes());
        }
        for (std::size_t tenant = 0; tenant < tenants; ++tenant) {
            const Decoded back = one(tenant, false, echo_reply(answer(tenant, there[tenant])), passes());
            if (passes()) {
                EXPECT_EQ(back.destination_port(), 77);
            }
        }
    }
}

TEST_P(Nat64Matrix, FragmentsInEveryOrder) {
    std::array<std::size_t, 3> order = {0, 1, 2};
    std::uint16_t id = 100;
    do {
        Decoded there[tenants];
        for (const bool forward : {true, false}) {
            ++id;
            std::vector<Bytes> parts[tenants];
            std::vector<Decoded> arrived[tenants];
            for (std::size_t tenant = 0; tenant < tenants; ++tenant) {
                // Both tenants' datagrams are told apart by nothing else.
                const Packet plain{.payload = Bytes(63, static_cast<std::uint8_t>(tenant)), .id = id};
                const Bytes whole =
                    udp(forward ? request(tenant, plain) : answer(tenant, there[tenant], plain));
                parts[tenant] = fragments(whole, 24, id);
                ASSERT_EQ(parts[tenant].size(), order.size());
            }
            for (const std::size_t part : order) {
                for (std::size_t tenant = 0; tenant < tenants; ++tenant) {
                    for (const Decoded& piece : send(tenant, forward, parts[tenant][part]))
                        arrived[tenant].push_back(piece);
                }
            }
            for (std::size_t tenant = 0; tenant < tenants; ++tenant) {
                auto& pieces = arrived[tenant];
                ASSERT_EQ(pieces.size(), passes() ? order.size() : 0u);
                if (pieces.empty()) continue;
                std::sort(pieces.begin(), pieces.end(), [](const Decoded& a, const Decoded& b) {
                    return a.fragment_offset < b.fragment_offset;
                });
                const Decoded datagram = joined(pieces);
                EXPECT_TRUE(l4_residue(datagram) == 0 || l4_residue(datagram) == 0xffff);
                EXPECT_EQ(Bytes(datagram.l4.begin() + 8, datagram.l4.end()),
                          Bytes(64, static_cast<std::uint8_t>(tenant)));
                if (forward) there[tenant] = datagram;
            }
        }
    } while (std::next_permutation(order.begin(), order.end()));
}

/// Port unreachable, too big, time exceeded, in each family.
struct Type {
    std::uint8_t v4_type, v4_code, v6_type, v6_code;
};
constexpr Type types[] = {{3, 3, 1, 4}, {3, 4, 2, 0}, {11, 0, 3, 0}};

TEST_P(Nat64Matrix, IcmpErrorsFromBothSides) {
    for (std::size_t tenant = 0; tenant < tenants; ++tenant) {
        for (const bool from_outside : {true, false}) {
            const Bytes sent = udp(request(tenant));
            Decoded there = one(tenant, true, sent, passes());
            Bytes heard = passes() ? last : sent, said = sent;
            if (!from_outside) {
                said = udp(answer(tenant, there));
                one(tenant, false, said, passes());
                heard = passes() ? last : said;
            }
            if (decode(heard).family != (from_outside ? Family::v4 : Family::v6)) continue;  // nothing arrived
            for (const Type& type : types) {
                Packet about = from_outside ? answer(tenant, there) : request(tenant);
                about.icmp_type = from_outside ? type.v4_type : type.v6_type;
                about.icmp_code = from_outside ? type.v4_code : type.v6_code;
                about.icmp_rest = 1300;
                const Bytes quoted = ip_packet(heard);
                for (const std::size_t bytes : {quoted.size(), quoted.size() - decode(heard).l4.size() + 8}) {
                    const auto arrived =
                        send(tenant, !from_outside, icmp_error(about, std::span(quoted).first(bytes)));
                    ASSERT_EQ(arrived.size(), passes() ? 1u : 0u);
                    if (!passes()) continue;
                    EXPECT_EQ(arrived[0].byte(0), from_outside ? type.v6_type : type.v4_type);
                    EXPECT_EQ(arrived[0].byte(1), from_outside ? type.v6_code : type.v4_code);
                    const Decoded inner = decode_quoted(arrived[0]), before = decode(said);
                    EXPECT_EQ(inner.source, before.source);
                    EXPECT_EQ(inner.destination, before.destination);
                    EXPECT_EQ(inner.source_port(), before.source_port());
                    EXPECT_EQ(inner.destination_port(), before.destination_port());
                }
                // About a packet that nobody sent.
                Bytes invented = quoted;
                invented[quoted.size() - decode(heard).l4.size()] ^= 0x40;
                EXPECT_EQ(send(tenant, !from_outside, icmp_error(about, invented)).size(), 0u);
            }
        }
    }
}

std::string name(const testing::TestParamInfo<Nat64Matrix::ParamType>& instance) {
    static constexpr const char* firewalls[] = {"no_firewall", "allow", "drop", "reject"};
    const auto& [filter, firewall, cache] = instance.param;
    return std::string(filter == Filter::endpoint_independent ? "open_" : "filtered_") +
           firewalls[static_cast<int>(firewall)] + "_" + name_of(cache);
}

INSTANTIATE_TEST_SUITE_P(
    , Nat64Matrix,
    testing::Combine(testing::Values(Filter::address_dependent, Filter::endpoint_independent),
                     testing::Values(Firewall::none, Firewall::allow, Firewall::drop, Firewall::reject),
                     testing::ValuesIn(all_cache_tiers)),
    name);

}  // namespace
}  // namespace sluice::test
