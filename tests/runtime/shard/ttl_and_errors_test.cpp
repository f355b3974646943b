// SPDX-License-Identifier: Apache-2.0
//
// TTL, and the ICMP errors of the gateway: who says them, to whom, what they quote, how often (C2, C3).
#include "tests/runtime/shard/lab.h"

namespace sluice::test {
namespace {

using TtlAndErrors = ShardTest;
SLUICE_SHARD_TEST(TtlAndErrors);

TEST_P(TtlAndErrors, a_router_takes_one_and_the_last_one_is_not_spent) {
    only(inside(udp(on_web({.ttl = 64}))));
    EXPECT_EQ(only(inside(udp(on_web({.ttl = 2})))).ttl, 1);  // cached by now, where there is a cache
    const Bytes last = udp(on_web({.ttl = 1}));
    const auto sent = inside(last);
    const Decoded error = only(sent);
    EXPECT_EQ(error.word(0), 0x0b00);
    EXPECT_EQ(from(error), "10.1.1.1");  // the interface it entered by
    EXPECT_EQ(to(error), "10.1.1.5");
    EXPECT_EQ(error.tos, 0xc0);
    // Quoted as it came: the sender's own addresses and TTL, whatever NAT would have made of it.
    const Bytes quoted = ip_packet(last);
    EXPECT_EQ(Bytes(error.l4.begin() + 8, error.l4.end()), quoted);
    EXPECT_EQ(drops("blue.sr", DropReason::TTL_EXPIRED), 1u);
    EXPECT_EQ(counters().sessions.created, 1u);
    const Decoded error6 =
        only(inside(udp(on_lan({.source = "2001:db8:3:1::5", .destination = "2001:db8:3:2::5", .ttl = 1}))));
    EXPECT_EQ(error6.word(0), 0x0300);
    EXPECT_EQ(from(error6), "2001:db8:3:1::1");
    EXPECT_EQ(drops("plain.dr", DropReason::TTL_EXPIRED), 1u);
}

TEST_P(TtlAndErrors, an_expired_first_packet_opens_nothing_and_an_expired_reply_refreshes_nothing) {
    inside(udp(on_web({.ttl = 1})));
    EXPECT_EQ(counters().sessions.created, 0u);
    const Decoded out = only(inside(udp(on_web({}))));
    const Bytes reply = udp(on_net({.source = "198.18.0.9",
                                    .destination = from(out),
                                    .source_port = 80,
                                    .destination_port = out.source_port(),
                                    .ttl = 1}));
    for (int i = 0; i < 40; ++i) {
        gateway->advance(seconds(10));
        outside(reply);
    }
    EXPECT_EQ(counters().sessions.active, 0u);
}

TEST_P(TtlAndErrors, per_stage_each_part_takes_one) {
    restart(lab_per_stage());
    const auto ttl_left = [](const std::vector<SentFrame>& sent) { return only(sent).ttl; };
    EXPECT_EQ(ttl_left(inside(udp(on_web({})))), 62);                           // segment to uplink
    EXPECT_EQ(ttl_left(inside(udp(on_web({.destination = "10.1.2.5"})))), 61);  // segment to segment
    EXPECT_EQ(ttl_left(outside(udp(
                  on_net({.source = "198.18.0.9", .destination = "203.0.113.30", .destination_port = 53})))),
              62);  // uplink to segment
    EXPECT_EQ(ttl_left(inside(udp(on_lan({.source = "10.3.1.5", .destination = "10.3.2.5"})))),
              63);  // no services

    const auto expires = [&](std::uint8_t ttl, const char* destination, const char* part) {
        const std::uint64_t before = drops(part, DropReason::TTL_EXPIRED);
        EXPECT_EQ(only(inside(udp(on_web({.destination = destination, .ttl = ttl})))).word(0), 0x0b00);
        EXPECT_EQ(drops(part, DropReason::TTL_EXPIRED), before + 1) << int{ttl} << " to " << destination;
    };
    expires(1, "198.18.0.9", "blue.dr");
    expires(2, "198.18.0.9", "blue.sr");
    expires(0, "198.18.0.9", "blue.dr");
    expires(1, "10.1.2.5", "blue.dr");
    expires(2, "10.1.2.5", "blue.sr");
    expires(3, "10.1.2.5", "blue.dr");
    outside(
        udp(on_net({.source = "198.18.0.9", .destination = "203.0.113.30", .destination_port = 53, .ttl = 1})));
    EXPECT_EQ(drops("blue.sr", DropReason::TTL_EXPIRED), 3u);
    outside(
        udp(on_net({.source = "198.18.0.9", .destination = "203.0.113.30", .destination_port = 53, .ttl = 2})));
    EXPECT_EQ(drops("blue.dr", DropReason::TTL_EXPIRED), 5u);
}

TEST_P(TtlAndErrors, there_is_no_error_about_an_error_a_group_or_a_later_fragment) {
    // Errors and other fragments pass a tenant without services one by one.
    EXPECT_TRUE(
        inside(icmp_error(on_lan({.source = "10.3.1.5", .destination = "10.3.2.5", .icmp_type = 3, .ttl = 1}),
                          ip_packet(udp({}))))
            .empty());
    const auto pieces = fragments(
        udp(on_lan({.source = "10.3.1.5", .destination = "10.3.2.5", .payload = Bytes(100, 1), .ttl = 1})), 48);
    EXPECT_EQ(inside(pieces[0]).size(), 1u);
    EXPECT_TRUE(inside(pieces[1]).empty());
    EXPECT_EQ(drops("plain.dr", DropReason::TTL_EXPIRED), 3u);
    // Group addresses, at either layer.
    EXPECT_TRUE(inside(udp(on_lan({.source = "10.3.1.5", .destination = "224.0.0.5", .ttl = 1}))).empty());
    EXPECT_EQ(drops("plain.dr", DropReason::MARTIAN_DST), 1u);
    Packet group = on_lan({.source = "10.3.1.5", .destination = "10.3.2.5", .ttl = 1});
    group.destination_mac = "ff:ff:ff:ff:ff:ff";
    EXPECT_TRUE(inside(udp(group)).empty());
    EXPECT_EQ(drops("plain.lan", DropReason::NOT_OURS), 1u);
    // A source that is not one host.
    for (const char* source : {"10.3.1.255", "10.3.1.1", "240.0.0.1"}) {
        EXPECT_TRUE(inside(udp(on_lan({.source = source, .destination = "10.3.2.5", .ttl = 1}))).empty())
            << source;
    }
    EXPECT_EQ(counters().originated, 1u);
}

TEST_P(TtlAndErrors, errors_are_limited_by_component_and_the_balance_holds) {
    const std::vector<Bytes> burst(80, udp(on_web({.ttl = 1})));
    EXPECT_EQ(inside(burst).size(), 50u);
    EXPECT_EQ(drops("blue.sr", DropReason::ICMP_RATELIMIT), 30u);
    EXPECT_EQ(drops("blue.sr", DropReason::TTL_EXPIRED), 80u);
    EXPECT_EQ(counters().originated, 80u);
    EXPECT_TRUE(counters().balanced());
    // Another tenant's allowance is its own; 100 a second come back.
    EXPECT_EQ(inside(udp(on_lan({.source = "10.3.1.5", .destination = "10.3.2.5", .ttl = 1}))).size(), 1u);
    gateway->advance(seconds(1) / 10);
    EXPECT_EQ(inside(burst).size(), 10u);
}

TEST_P(TtlAndErrors, an_error_quotes_no_more_than_it_may) {
    const Decoded error = only(inside(udp(on_web({.payload = Bytes(1000, 1), .ttl = 1}))));
    EXPECT_EQ(error.total_bytes, 576u);
    const Decoded error6 = only(inside(udp(on_lan({.source = "2001:db8:3:1::5",
                                                   .destination = "2001:db8:3:2::5",
                                                   .payload = Bytes(1400, 1),
                                                   .ttl = 1}))));
    EXPECT_EQ(error6.total_bytes, 1280u);
}

TEST_P(TtlAndErrors, where_no_route_leads) {
    const Decoded error = only(inside(udp(on_lan({.source = "10.3.1.5", .destination = "198.18.0.9"}))));
    EXPECT_EQ(error.word(0), 0x0300);
    EXPECT_EQ(drops("plain.dr", DropReason::NO_ROUTE), 1u);
    EXPECT_EQ(only(inside(udp(on_lan({.source = "2001:db8:3:1::5", .destination = "2001:db8::9"})))).word(0),
              0x0100);
    EXPECT_TRUE(inside(udp(on_lan({.source = "10.3.1.5", .destination = "192.168.7.7"}))).empty());
    EXPECT_EQ(drops("plain.dr", DropReason::BLACKHOLE), 1u);
    EXPECT_TRUE(inside(udp(on_lan({.source = "10.3.1.5", .destination = "10.3.2.255"}))).empty());
    EXPECT_EQ(drops("plain.dr", DropReason::DIRECTED_BCAST), 1u);
    EXPECT_TRUE(inside(udp(on_web({.destination = "192.168.7.7"}))).empty());
    EXPECT_EQ(drops("blue.sr", DropReason::BLACKHOLE), 1u);
    EXPECT_TRUE(
        inside(udp(on_lan({.source = "10.3.1.5", .destination = "10.3.2.5", .ip_options = {131, 3, 4, 0}})))
            .empty());
    EXPECT_EQ(drops("plain.dr", DropReason::IP_OPT_SRR), 1u);
}

}  // namespace
}  // namespace sluice::test
