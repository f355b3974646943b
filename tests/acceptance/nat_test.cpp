// SPDX-License-Identifier: Apache-2.0
//
// Acceptance: NAT mappings, filters, pools and hairpin (seed-systems 1.9).
#include "tests/acceptance/acceptance.h"

namespace sluice::test {
namespace {

using NatAcceptance = Acceptance;
SLUICE_ACCEPTANCE(NatAcceptance);

TEST_P(NatAcceptance, MT_A05_tenants_with_equal_addresses_never_cross) {
    const Packet inside{
        .source = "10.1.1.5", .destination = "198.18.0.9", .source_port = 5000, .destination_port = 7};
    const Decoded a = only(from_inside(udp(from_a5(inside))));
    const Decoded b = only(from_inside(udp(from_b5(inside))));
    EXPECT_EQ(text(a.source), "192.0.2.10");
    EXPECT_EQ(a.vids, std::vector<std::uint16_t>{100});
    EXPECT_EQ(text(b.source), "192.0.2.20");
    EXPECT_EQ(b.vids, std::vector<std::uint16_t>{101});

    Packet reply{.source = "198.18.0.9",
                 .destination = "192.0.2.10",
                 .source_port = 7,
                 .destination_port = a.source_port()};
    const Decoded to_a = only(from_outside(udp(from_r(reply))));
    EXPECT_EQ(to_a.vids, std::vector<std::uint16_t>{501});
    EXPECT_EQ(to_string(to_a.destination_mac), "02:aa:00:00:00:05");
    reply.destination = "192.0.2.20";
    reply.destination_port = b.source_port();
    const Decoded to_b = only(from_outside(udp(from_r(reply, 101))));
    EXPECT_EQ(to_b.vids, std::vector<std::uint16_t>{601});
    EXPECT_EQ(to_string(to_b.destination_mac), "02:bb:00:00:00:05");
    EXPECT_EQ(text(to_b.destination), "10.1.1.5");

    // One tenant's external address is nobody's behind the other tenant's uplink.
    EXPECT_TRUE(from_outside(udp(from_r(reply, 100))).empty());
}

TEST_P(NatAcceptance, MT_A06_a_stranger_is_filtered_and_refreshes_nothing) {
    const Packet inside{
        .source = "10.1.1.5", .destination = "198.18.0.9", .source_port = 5000, .destination_port = 7};
    const Decoded out = only(from_inside(udp(from_a5(inside))));
    const Packet friendly{.source = "198.18.0.9",
                          .destination = "192.0.2.10",
                          .source_port = 7,
                          .destination_port = out.source_port()};
    Packet stranger = friendly;
    stranger.source = "198.18.0.10";

    gateway.advance(seconds(200));
    EXPECT_TRUE(from_outside(udp(from_r(stranger))).empty());
    EXPECT_EQ(gateway.drops("a.sr", DropReason::NAT_FILTERED), 1u);
    EXPECT_EQ(only(from_outside(udp(from_r(friendly)))).destination_port(), 5000);
    EXPECT_EQ(gateway.counters().sessions.active, 1u);

    gateway.advance(seconds(290));
    EXPECT_TRUE(from_outside(udp(from_r(stranger))).empty());
    gateway.advance(seconds(11));  // 301 s after the friend: the stranger changed nothing
    EXPECT_EQ(gateway.counters().sessions.active, 0u);
    EXPECT_TRUE(from_outside(udp(from_r(friendly))).empty());
    EXPECT_EQ(gateway.drops("a.sr", DropReason::NAT_FILTERED), 3u);
}

TEST_P(NatAcceptance, MT_A20_a_pool_of_two_ports_serves_two_flows) {
    const auto send = [&](std::uint16_t source_port) {
        Packet packet{.source = "10.1.2.5",
                      .destination = "198.18.0.9",
                      .source_port = source_port,
                      .destination_port = 7};
        packet.source_mac = "02:bb:00:00:02:05";
        packet.destination_mac = "02:00:00:00:01:01";
        packet.vlan = 602;
        return from_inside(udp(packet));
    };
    const Decoded first = only(send(4000));
    const Decoded second = only(send(4001));
    EXPECT_EQ(std::set<std::uint16_t>({first.source_port(), second.source_port()}),
              (std::set<std::uint16_t>{2000, 2001}));
    const Decoded told = only(send(4002));
    EXPECT_EQ(std::pair(told.byte(0), told.byte(1)), std::pair(std::uint8_t{3}, std::uint8_t{13}));
    EXPECT_EQ(text(told.destination), "10.1.2.5");
    EXPECT_EQ(gateway.drops("b.sr", DropReason::NAT_NO_PORT), 1u);
    EXPECT_EQ(only(send(4000)).source_port(), first.source_port());
    EXPECT_EQ(only(send(4001)).source_port(), second.source_port());
    EXPECT_EQ(gateway.counters().sessions.created, 2u);

    gateway.advance(seconds(301));
    const Decoded third = only(send(4002));
    EXPECT_TRUE(third.source_port() == 2000 || third.source_port() == 2001);
}

TEST_P(NatAcceptance, MT_A25_hairpin_shows_the_external_source) {
    const Packet request{.source = "10.1.1.12",
                         .destination = "192.0.2.11",
                         .source_port = 6000,
                         .destination_port = 80,
                         .tcp_flags = 0x02};
    const Decoded seen = only(from_inside(tcp(from_a12(request))));
    EXPECT_EQ(text(seen.source), "192.0.2.12");
    EXPECT_EQ(text(seen.destination), "10.1.1.5");
    EXPECT_EQ(seen.destination_port(), 8080);
    EXPECT_EQ(seen.vids, std::vector<std::uint16_t>{501});
    EXPECT_EQ(to_string(seen.destination_mac), "02:aa:00:00:00:05");

    const Packet answer{.source = "10.1.1.5",
                        .destination = "192.0.2.12",
                        .source_port = 8080,
                        .destination_port = 6000,
                        .tcp_flags = 0x12};
    const Decoded back = only(from_inside(tcp(from_a5(answer))));
    EXPECT_EQ(text(back.source), "192.0.2.11");
    EXPECT_EQ(back.source_port(), 80);
    EXPECT_EQ(text(back.destination), "10.1.1.12");
    EXPECT_EQ(to_string(back.destination_mac), "02:aa:00:00:00:12");
}

TEST_P(NatAcceptance, MT_A33_a_wrong_checksum_stays_wrong_and_none_stays_none) {
    Packet query{.source = "198.18.0.9",
                 .destination = "192.0.2.11",
                 .source_port = 4000,
                 .destination_port = 53,
                 .no_udp_checksum = true};
    const auto sent = from_outside(udp(from_r(query)));
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(decode(sent[0].bytes).word(6), 0u);
    EXPECT_EQ(text(decode(sent[0].bytes).destination), "10.1.1.5");

    for (int repeat = 0; repeat < 3;
         ++repeat) {  // the first opens the session, the next come from the cache where it is on
        Packet bad{.source = "198.18.0.9",
                   .destination = "192.0.2.11",
                   .source_port = 4001,
                   .destination_port = 80,
                   .tcp_flags = 0x02,
                   .l4_checksum_error = 1};
        const auto wrong = from_outside(tcp(from_r(bad)));
        ASSERT_EQ(wrong.size(), 1u);
        EXPECT_FALSE(checksums_valid(wrong[0].bytes));
        Packet good = bad;
        good.l4_checksum_error = 0;
        good.source_port = 4001;
        const auto right = from_outside(tcp(from_r(good)));
        ASSERT_EQ(right.size(), 1u);
        EXPECT_TRUE(checksums_valid(right[0].bytes));
        // Wrong by as much as it came wrong.
        const std::uint32_t difference = decode(wrong[0].bytes).word(16) - decode(right[0].bytes).word(16);
        EXPECT_EQ(static_cast<std::uint16_t>(difference), 1u);
    }
}

}  // namespace
}  // namespace sluice::test
