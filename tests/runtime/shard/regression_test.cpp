// SPDX-License-Identifier: Apache-2.0
//
// What a review of the shard found wrong once: each test failed before its fix.
#include <set>

#include "tests/runtime/shard/lab.h"

namespace sluice::test {
namespace {

using ShardRegression = ShardTest;
SLUICE_SHARD_TEST(ShardRegression);

TEST_P(ShardRegression, a_tenant_without_services_drops_in_its_distributed_router) {
    const Bytes frame = udp(on_lan({.source = "10.3.1.5", .destination = "10.3.2.9"}));
    EXPECT_EQ(inside(frame).size(), 1u);  // the ARP request
    gateway->advance(seconds(4));
    EXPECT_EQ(drops("plain.dr", DropReason::NEIGH_FAILED), 1u);
    inside(frame);
    EXPECT_EQ(drops("plain.dr", DropReason::NEIGH_FAILED), 2u);
    EXPECT_EQ(drops("plain.sr", DropReason::NEIGH_FAILED), 0u);
}

TEST_P(ShardRegression, a_packet_for_a_neighbour_that_failed_opens_no_session) {
    const Packet first{
        .source = "10.1.2.5", .destination = "10.1.1.9", .source_port = 1, .destination_port = 7};
    inside(udp(on_db(first)));
    EXPECT_EQ(counters().sessions.created, 1u);
    gateway->advance(seconds(4));
    Packet second = first;
    second.source_port = 2;
    EXPECT_TRUE(inside(udp(on_db(second))).empty());
    EXPECT_EQ(drops("blue.sr", DropReason::NEIGH_FAILED), 2u);
    EXPECT_EQ(counters().sessions.created, 1u);
}

TEST_P(ShardRegression, a_packet_from_nowhere_is_neither_answered_nor_forwarded) {
    for (const char* destination : {"2001:db8:b:1::1", "2001:db8:9::9"}) {
        EXPECT_TRUE(inside(echo_request(on_web({.source = "::", .destination = destination}))).empty());
    }
    EXPECT_EQ(drops("blue.sr", DropReason::MARTIAN_SRC), 2u);
    EXPECT_TRUE(
        inside(
            udp(on_web(
                {.source = "0.0.0.0", .destination = "198.18.0.9", .source_port = 68, .destination_port = 67})))
            .empty());
    EXPECT_EQ(drops("blue.sr", DropReason::MARTIAN_SRC), 3u);
    EXPECT_EQ(counters().sessions.created, 0u);
}

TEST_P(ShardRegression, a_link_local_source_stays_on_its_link) {
    EXPECT_TRUE(inside(udp(on_web({.source = "fe80::5", .destination = "2001:db8:9::9"}))).empty());
    EXPECT_TRUE(inside(udp(on_lan({.source = "fe80::5", .destination = "2001:db8:3:2::5"}))).empty());
    EXPECT_EQ(drops("blue.sr", DropReason::MARTIAN_SRC), 1u);
    EXPECT_EQ(drops("plain.dr", DropReason::MARTIAN_SRC), 1u);
}

TEST_P(ShardRegression, a_neighbour_that_leaves_out_its_address_is_confirmed) {
    // RFC 4861 7.2.4: the answer to a unicast solicitation may do so.
    const Packet packet{.source = "2001:db8:b:1::5", .destination = "fd00:2::9", .destination_port = 7};
    ASSERT_EQ(inside(udp(on_web(packet))).size(), 1u);
    const auto advertise = [&](const std::string& link_layer) {
        return inside(neighbour_advertisement({.source_mac = "02:b1:00:00:02:09",
                                               .destination_mac = "02:00:5e:00:01:01",
                                               .outer_vlan = 100,
                                               .vlan = 7,
                                               .source = "fd00:2::9",
                                               .destination = "fd00:2::1",
                                               .target = "fd00:2::9",
                                               .link_layer = link_layer,
                                               .solicited = true,
                                               .override_flag = true}));
    };
    EXPECT_TRUE(advertise("").empty());  // while INCOMPLETE it says nothing (RFC 4861 7.2.5)
    EXPECT_EQ(advertise("02:b1:00:00:02:09").size(), 1u);
    gateway->advance(seconds(31));  // STALE
    only(inside(udp(on_web(packet))));
    EXPECT_EQ(gateway->advance(seconds(11) / 2).size(), 1u);  // DELAY, then the first probe
    advertise("");
    EXPECT_TRUE(gateway->advance(seconds(20)).empty());
    only(inside(udp(on_web(packet))));
    EXPECT_EQ(drops("blue.sr", DropReason::NEIGH_FAILED), 0u);
}

TEST_P(ShardRegression, an_error_that_was_not_sent_to_who_it_is_about_is_dropped) {
    const auto out = inside(udp(on_web({.destination = "198.18.0.9", .destination_port = 7})));
    ASSERT_EQ(out.size(), 1u);
    const auto error = [&](const char* destination, std::uint8_t type) {
        return icmp_error(on_net({.source = "198.18.0.1", .destination = destination, .icmp_type = type}),
                          ip_packet(out[0].bytes));
    };
    only(outside(error("203.0.113.10", 3)));
    EXPECT_TRUE(outside(error("203.0.113.30", 3)).empty());
    EXPECT_TRUE(outside(error("10.1.1.5", 3)).empty());
    EXPECT_EQ(drops("blue.sr", DropReason::FW_INVALID_STATE), 2u);
    // Nor is a redirect, which is for the link it was said on.
    EXPECT_TRUE(outside(error("203.0.113.10", 5)).empty());
    EXPECT_EQ(drops("blue.sr", DropReason::FW_INVALID_STATE), 3u);
}

TEST_P(ShardRegression, every_fragment_of_an_icmp_error_is_translated) {
    const auto out = inside(udp(on_web({.destination = "198.18.0.9", .destination_port = 7})));
    ASSERT_EQ(out.size(), 1u);
    Bytes quoted = ip_packet(out[0].bytes);
    const Bytes error = icmp_error(
        on_net({.source = "198.18.0.9", .destination = "203.0.113.10", .icmp_type = 3, .icmp_code = 3}),
        quoted);
    const auto sent = outside(fragments(error, 48));
    ASSERT_EQ(sent.size(), 2u);
    for (const SentFrame& frame : sent) {
        EXPECT_EQ(to(decode(frame.bytes)), "10.1.1.5");
        EXPECT_TRUE(checksums_valid(frame.bytes));
    }
}

TEST_P(ShardRegression, a_translated_error_that_may_be_cut_gets_an_identification_of_its_own) {
    // 10.1.1.20 answers through its one-to-one address: its IDs must not meet those of another host.
    const auto sent = outside(udp(on_net({.source = "198.18.0.9",
                                          .destination = "203.0.113.20",
                                          .source_port = 4000,
                                          .destination_port = 4000})));
    ASSERT_EQ(sent.size(), 1u);
    Packet answer =
        on_web({.source = "10.1.1.20", .destination = "198.18.0.9", .icmp_type = 3, .icmp_code = 3});
    answer.id = 0x4321;
    std::set<std::uint32_t> ids{answer.id};
    for (int i = 0; i < 3; ++i) ids.insert(only(inside(icmp_error(answer, ip_packet(sent[0].bytes)))).id);
    EXPECT_EQ(ids.size(), 4u);
    answer.dont_fragment = true;
    EXPECT_EQ(only(inside(icmp_error(answer, ip_packet(sent[0].bytes)))).id, 0x4321u);
}

TEST_P(ShardRegression, replies_with_the_identifier_0_are_not_taken_for_requests) {
    const Packet query = on_web({.destination = "198.18.0.9", .identifier = 0});
    const Decoded asked = only(inside(echo_request(query)));
    EXPECT_NE(asked.source_port(), 0);
    only(inside(echo_request(query)));
    EXPECT_TRUE(inside(echo_reply(query)).empty());
    EXPECT_EQ(drops("blue.sr", DropReason::FW_INVALID_STATE), 1u);
    // Without translation, nor may who was asked ask back.
    only(inside(echo_request(on_web({.destination = "10.1.2.5", .identifier = 0}))));
    const Packet back = on_db({.source = "10.1.2.5", .destination = "10.1.1.5", .identifier = 0});
    EXPECT_TRUE(inside(echo_request(back)).empty());
    EXPECT_EQ(drops("blue.sr", DropReason::FW_INVALID_STATE), 2u);
    EXPECT_EQ(only(inside(echo_reply(back))).kind(), Kind::echo_reply);
}

TEST_P(ShardRegression, a_packet_to_its_own_sender_is_not_a_full_table) {
    const Packet packet{
        .source = "10.1.1.5", .destination = "10.1.1.5", .source_port = 7, .destination_port = 7};
    inside(udp(on_web(packet)));
    EXPECT_EQ(drops("blue.sr", DropReason::SESSION_FULL), 0u);
    EXPECT_EQ(drops("blue.sr", DropReason::NAT_NO_PORT), 1u);
}

TEST_P(ShardRegression, a_reset_is_judged_by_the_newest_acknowledgement) {
    const auto server = [&](std::uint8_t flags, std::uint32_t sequence, std::uint32_t acknowledged,
                            Bytes options = {}) {
        return inside(tcp(on_db({.source = "10.1.2.5",
                                 .destination = "10.1.1.5",
                                 .source_port = 80,
                                 .destination_port = 4000,
                                 .tcp_flags = flags,
                                 .sequence = sequence,
                                 .acknowledgement = acknowledged,
                                 .ip_options = std::move(options)})));
    };
    const auto client = [&](std::uint8_t flags, std::uint32_t sequence, std::uint32_t acknowledged) {
        return inside(tcp(on_web({.source = "10.1.1.5",
                                  .destination = "10.1.2.5",
                                  .source_port = 4000,
                                  .destination_port = 80,
                                  .tcp_flags = flags,
                                  .sequence = sequence,
                                  .acknowledgement = acknowledged})));
    };
    client(syn, 1000, 0);
    server(syn | ack, 5000, 1001);
    client(ack, 1001, 5001);
    server(ack, 5001, 1001);
    server(ack, 5001, 1001);                   // from here on cached
    server(ack, 5001, 900'000, {1, 1, 1, 1});  // IP options: runs the pipeline
    client(rst, 900'000, 5001);
    gateway->shard().sessions().for_each(
        [](SessionRef, const Session& session) { EXPECT_EQ(name_of(session.tcp.state), "TRANS"); });
    EXPECT_EQ(counters().sessions.active, 1u);
}

TEST_P(ShardRegression, fragments_of_one_datagram_travel_together_over_equal_routes) {
    for (std::uint16_t i = 0; i < 16; ++i) {
        const auto sent = inside(fragments(udp(on_lan({.source = "10.3.1.7",
                                                       .destination = "10.30.0." + std::to_string(i),
                                                       .source_port = static_cast<std::uint16_t>(4000 + i),
                                                       .payload = Bytes(100, 1)})),
                                           40));
        ASSERT_EQ(sent.size(), 3u);
        for (const SentFrame& frame : sent) {
            EXPECT_EQ(decode(frame.bytes).destination_mac, decode(sent[0].bytes).destination_mac);
        }
    }
}

}  // namespace
}  // namespace sluice::test
