// SPDX-License-Identifier: Apache-2.0
//
// Ways through the gateway: ECMP, and from tenant to tenant with NAT on both sides and the same inside
// addresses.
#include <set>

#include "tests/runtime/shard/lab.h"

namespace sluice::test {
namespace {

using Paths = ShardTest;
SLUICE_SHARD_TEST(Paths);

TEST_P(Paths, a_flow_stays_with_its_ecmp_member_and_flows_spread) {
    std::set<std::string> members;
    for (std::uint16_t port = 4000; port < 4032; ++port) {
        const Bytes frame = udp(on_db({.source = "10.1.2.5", .destination = "10.9.0.1", .source_port = port}));
        const auto member = to_string(only(inside(frame)).destination_mac);
        for (int i = 0; i < 3; ++i) EXPECT_EQ(to_string(only(inside(frame)).destination_mac), member);
        members.insert(member);
    }
    EXPECT_EQ(members, (std::set<std::string>{"02:b1:00:00:01:05", "02:b1:00:00:01:06"}));
}

TEST_P(Paths, tenants_with_the_same_addresses_reach_each_other_only_as_the_policy_says) {
    // blue 10.1.1.5 -> 172.20.0.5, behind which red's 10.1.1.5 serves udp/7.
    const Bytes request =
        udp(on_web({.destination = "172.20.0.5", .source_port = 4000, .destination_port = 7}));
    for (int i = 0; i < 3; ++i) {
        const Decoded arrived = only(inside(request));
        EXPECT_EQ(arrived.vids, std::vector<std::uint16_t>{210});
        EXPECT_EQ(to_string(arrived.destination_mac), "02:4e:00:00:01:05");
        EXPECT_EQ(from(arrived), "172.21.0.1");
        EXPECT_EQ(to(arrived), "10.1.1.5");
        EXPECT_EQ(arrived.ttl, 62);
        const Decoded answered = only(inside(udp(on_red({.source = "10.1.1.5",
                                                         .destination = "172.21.0.1",
                                                         .source_port = 7,
                                                         .destination_port = arrived.source_port()}))));
        EXPECT_EQ(answered.vids, std::vector<std::uint16_t>{110});
        EXPECT_EQ(to_string(answered.destination_mac), "02:b1:00:00:01:05");
        EXPECT_EQ(from(answered), "172.20.0.5");
        EXPECT_EQ(to(answered), "10.1.1.5");
        EXPECT_EQ(answered.destination_port(), 4000);
    }
    EXPECT_EQ(counters().sessions.created, 2u);  // one a tenant
    EXPECT_EQ(rule(red, "served").packets, 6u);
    EXPECT_EQ(rule(blue, "default").packets, 6u);
    EXPECT_EQ(counters().cache.flow_hits, cached() ? 4u : 0u);

    // The other service, and who is not a peer.
    EXPECT_TRUE(inside(udp(on_web({.destination = "172.20.0.5", .destination_port = 8}))).empty());
    EXPECT_EQ(drops("red.sr", DropReason::NAT_FILTERED), 1u);
    inside(udp(on_lan({.source = "10.3.1.5", .destination = "172.20.0.5", .destination_port = 7})));
    EXPECT_EQ(drops("plain.dr", DropReason::NO_ROUTE), 1u);
    EXPECT_EQ(counters().sessions.created, 2u);
}

TEST_P(Paths, an_icmp_error_crosses_both_translations) {
    const auto request =
        inside(udp(on_web({.destination = "172.20.0.5", .source_port = 4000, .destination_port = 7})));
    ASSERT_EQ(request.size(), 1u);
    const auto sent = inside(
        icmp_error(on_red({.source = "10.1.1.5", .destination = "172.21.0.1", .icmp_type = 3, .icmp_code = 3}),
                   ip_packet(request[0].bytes)));
    const Decoded error = only(sent);
    EXPECT_EQ(from(error), "172.20.0.5");
    EXPECT_EQ(to(error), "10.1.1.5");
    EXPECT_EQ(error.vids, std::vector<std::uint16_t>{110});
    EXPECT_TRUE(quoted_checksums_valid(sent[0].bytes));
    const Decoded quoted = decode_quoted(error);
    EXPECT_EQ(from(quoted), "10.1.1.5");
    EXPECT_EQ(to(quoted), "172.20.0.5");
    EXPECT_EQ(quoted.source_port(), 4000);
}

TEST_P(Paths, an_error_about_a_packet_that_crossed_comes_from_where_it_entered) {
    // TTL 2: blue's router leaves one, red's may not spend it.
    const Bytes request = udp(on_web({.destination = "172.20.0.5", .destination_port = 7, .ttl = 2}));
    const Decoded error = only(inside(request));
    EXPECT_EQ(from(error), "10.1.1.1");
    EXPECT_EQ(to(error), "10.1.1.5");
    EXPECT_EQ(error.vids, std::vector<std::uint16_t>{110});
    EXPECT_EQ(Bytes(error.l4.begin() + 8, error.l4.end()), ip_packet(request));
    EXPECT_EQ(drops("red.sr", DropReason::TTL_EXPIRED), 1u);
    EXPECT_EQ(counters().sessions.created, 0u) << "neither router's";
}

TEST_P(Paths, routes_in_a_circle_end) {
    // Both send 172.30/16 to the other; red allows what comes from blue, blue does not allow it back.
    EXPECT_TRUE(inside(udp(on_web({.destination = "172.30.0.1"}))).empty());
    EXPECT_EQ(drops("blue.sr", DropReason::FW_DENY) + drops("blue.sr", DropReason::PIPELINE_LOOP) +
                  drops("red.sr", DropReason::PIPELINE_LOOP),
              1u);
    EXPECT_EQ(counters().sessions.created, 0u);
}

TEST_P(Paths, a_flow_may_come_by_two_interfaces) {
    // The same packet on both of blue's segments (spoofed or moved): one session, an entry for each at a time.
    for (int i = 0; i < 3; ++i) {
        only(inside(udp(on_web({}))));
        only(inside(udp(on_db({}))));
        only(inside(udp(on_db({}))));
    }
    EXPECT_EQ(counters().sessions.created, 1u);
    EXPECT_EQ(rule(blue, "default").packets, 9u);
    EXPECT_EQ(live_flows(), cached() ? 1u : 0u);
    gateway->shard().sessions().for_each(
        [](SessionRef, const Session& session) { EXPECT_EQ(session.packets[0], 9u); });
    gateway->advance(seconds(301));
    EXPECT_EQ(live_flows(), 0u);
}

}  // namespace
}  // namespace sluice::test
