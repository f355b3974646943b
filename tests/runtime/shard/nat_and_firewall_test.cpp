// SPDX-License-Identifier: Apache-2.0
//
// What the first packet of a session is told: NAT of every kind, rules by zones and sets, on the asked and on
// the real port, and what a rule with `log: true` says.
#include <set>

#include "tests/runtime/shard/lab.h"

namespace sluice::test {
namespace {

using NatAndFirewall = ShardTest;
SLUICE_SHARD_TEST(NatAndFirewall);

TEST_P(NatAndFirewall, a_mapping_is_the_same_to_every_destination_and_one_a_protocol) {
    const auto port_to = [&](const char* destination, bool over_tcp) {
        const Packet packet = on_web({.destination = destination, .source_port = 5000, .tcp_flags = syn});
        return only(inside(over_tcp ? tcp(packet) : udp(packet))).source_port();
    };
    const auto port = port_to("198.18.0.1", false);
    EXPECT_EQ(port_to("198.18.0.2", false), port);
    EXPECT_EQ(port_to("198.18.0.3", false), port);
    EXPECT_EQ(port_to("198.18.0.1", true), port_to("198.18.0.2", true));
    const auto id = only(inside(echo_request(on_web({.identifier = 9})))).source_port();
    EXPECT_EQ(only(inside(echo_request(on_web({.destination = "198.18.0.2", .identifier = 9})))).source_port(),
              id);
    const Decoded reply = only(
        outside(echo_reply(on_net({.source = "198.18.0.2", .destination = "203.0.113.10", .identifier = id}))));
    EXPECT_EQ(reply.destination_port(), 9);
    EXPECT_EQ(to(reply), "10.1.1.5");
}

TEST_P(NatAndFirewall, a_mapping_admits_only_who_was_spoken_to) {
    const auto port = only(inside(udp(on_web({.source_port = 4000})))).source_port();
    const auto from_host = [&](const char* source, std::uint16_t source_port) {
        return outside(udp(on_net({.source = source,
                                   .destination = "203.0.113.10",
                                   .source_port = source_port,
                                   .destination_port = port})));
    };
    EXPECT_TRUE(from_host("198.18.0.8", 80).empty());
    EXPECT_EQ(drops("blue.sr", DropReason::NAT_FILTERED), 1u);
    EXPECT_EQ(to(only(from_host("198.18.0.9", 81))), "10.1.1.5");  // another port of its: rule "one"
    EXPECT_EQ(counters().sessions.created, 2u);
    EXPECT_EQ(rule(blue, "one").sessions, 1u) << "by udp/4000, the port it has inside";
}

TEST_P(NatAndFirewall, published_port_ranges_keep_their_order) {
    for (std::uint16_t i : {0, 3, 9}) {
        const Decoded arrived =
            only(outside(tcp(on_net({.source = "198.18.0.9",
                                     .destination = "203.0.113.30",
                                     .source_port = 4000,
                                     .destination_port = static_cast<std::uint16_t>(8000 + i),
                                     .tcp_flags = syn}))));
        EXPECT_EQ(arrived.destination_port(), 9000 + i);
        EXPECT_EQ(to(arrived), "10.1.1.5");
        const Decoded answer = only(inside(tcp(on_web({.destination = "198.18.0.9",
                                                       .source_port = static_cast<std::uint16_t>(9000 + i),
                                                       .destination_port = 4000,
                                                       .tcp_flags = syn | ack}))));
        EXPECT_EQ(answer.source_port(), 8000 + i);
        EXPECT_EQ(from(answer), "203.0.113.30");
    }
    EXPECT_TRUE(outside(tcp(on_net({.source = "198.18.0.9",
                                    .destination = "203.0.113.30",
                                    .destination_port = 8010,
                                    .tcp_flags = syn})))
                    .empty());
    EXPECT_EQ(drops("blue.sr", DropReason::NAT_FILTERED), 1u);
    EXPECT_EQ(rule(blue, "apps").sessions, 3u);
}

TEST_P(NatAndFirewall, one_to_one_is_for_all_protocols_both_ways) {
    const Decoded out = only(inside(ip_protocol(on_web({.source = "10.1.1.20"}), 47)));
    EXPECT_EQ(from(out), "203.0.113.20");
    EXPECT_EQ(
        to(only(outside(ip_protocol(on_net({.source = "198.18.0.9", .destination = "203.0.113.20"}), 47)))),
        "10.1.1.20");
    EXPECT_EQ(to(only(outside(echo_request(on_net({.source = "198.18.0.9", .destination = "203.0.113.20"}))))),
              "10.1.1.20");
    EXPECT_TRUE(
        outside(ip_protocol(on_net({.source = "198.18.0.8", .destination = "203.0.113.20"}), 47)).empty());
    EXPECT_EQ(drops("blue.sr", DropReason::FW_DENY), 1u);
}

TEST_P(NatAndFirewall, protocols_without_ports_have_no_dynamic_mapping) {
    EXPECT_EQ(gateway->count_by("uplink0", inside(ip_protocol(on_web({}), 47))), 0u);
    EXPECT_EQ(drops("blue.sr", DropReason::NAT_NO_PORT), 1u);
}

TEST_P(NatAndFirewall, hairpin_through_a_dynamic_mapping_shows_external_addresses_only) {
    // .5 opens a mapping towards the one-to-one address of .20; .20 may then speak to that mapping.
    const Decoded asked =
        only(inside(udp(on_web({.destination = "203.0.113.20", .source_port = 5000, .destination_port = 7}))));
    EXPECT_EQ(from(asked), "203.0.113.10");
    EXPECT_EQ(to(asked), "10.1.1.20");
    for (int i = 0; i < 3; ++i) {
        const Decoded back = only(inside(udp(on_web({.source = "10.1.1.20",
                                                     .destination = "203.0.113.10",
                                                     .source_port = 9,
                                                     .destination_port = asked.source_port()}))));
        EXPECT_EQ(from(back), "203.0.113.20");
        EXPECT_EQ(to(back), "10.1.1.5");
        EXPECT_EQ(back.source_port(), 9);
        EXPECT_EQ(back.destination_port(), 5000);
    }
    // .6 was not spoken to, but is inside: no stranger to be filtered. Somebody outside is.
    const Decoded other = only(inside(udp(on_web(
        {.source = "10.1.1.6", .destination = "203.0.113.10", .destination_port = asked.source_port()}))));
    EXPECT_EQ(from(other), "203.0.113.10");
    EXPECT_EQ(to(other), "10.1.1.5");
    EXPECT_TRUE(outside(udp(on_net({.source = "198.18.0.9",
                                    .destination = "203.0.113.10",
                                    .destination_port = asked.source_port()})))
                    .empty());
    EXPECT_EQ(drops("blue.sr", DropReason::NAT_FILTERED), 1u);
    EXPECT_EQ(counters().sessions.created, 3u);
}

TEST_P(NatAndFirewall, rules_see_zones_and_sets_and_either_port) {
    // "known": friends are a set of addresses, red a zone; the service names udp/7, /9, tcp/80 and icmp.
    const auto ask = [&](const char* source, std::uint16_t port) {
        return outside(
            udp(on_net({.source = source, .destination = "203.0.113.20", .destination_port = port})));
    };
    only(ask("198.18.7.1", 7));
    only(ask("198.18.7.1", 9));
    EXPECT_TRUE(ask("198.18.7.1", 8).empty());
    EXPECT_TRUE(ask("198.18.8.1", 7).empty());
    EXPECT_EQ(rule(blue, "known").sessions, 2u);
    EXPECT_EQ(rule(blue, "default").packets, 2u);
    // "names" allows udp/53, the port asked for; DNAT makes 5353 of it, which no rule names.
    only(outside(udp(on_net({.source = "198.18.0.9", .destination = "203.0.113.30", .destination_port = 53}))));
    EXPECT_EQ(rule(blue, "names").sessions, 1u);
    // "apps" allows 9000-9009, the ports DNAT makes of 8000-8009.
    only(outside(tcp(on_net(
        {.source = "198.18.0.9", .destination = "203.0.113.30", .destination_port = 8000, .tcp_flags = syn}))));
    // Defaults: from inside allowed, from outside not.
    only(inside(udp(on_web({.destination = "10.1.2.5"}))));
    EXPECT_TRUE(outside(udp(on_net({.source = "2001:db8:9::9", .destination = "2001:db8:b:1::5"}))).empty());
    only(outside(
        udp(on_net({.source = "2001:db8:9::9", .destination = "2001:db8:b:1::5", .destination_port = 6000}))));
}

TEST_P(NatAndFirewall, a_refusal_is_heard_and_a_drop_is_not) {
    const Decoded reset =
        only(inside(tcp(on_web({.destination_port = 23, .tcp_flags = syn, .sequence = 7, .payload = {}}))));
    EXPECT_EQ(reset.tcp_flags(), rst | ack);
    EXPECT_EQ(from(reset), "198.18.0.9");
    EXPECT_EQ(reset.word(8) << 16 | reset.word(10), 8);
    const Decoded error = only(inside(udp(on_web({.destination_port = 69}))));
    EXPECT_EQ(error.word(0), 0x030d);
    EXPECT_EQ(only(inside(udp(on_web(
                       {.source = "2001:db8:b:1::5", .destination = "2001:db8:9::9", .destination_port = 69}))))
                  .word(0),
              0x0101);
    EXPECT_TRUE(inside(udp(on_web({.destination_port = 70}))).empty());
    EXPECT_EQ(drops("blue.sr", DropReason::FW_REJECT), 3u);
    EXPECT_EQ(drops("blue.sr", DropReason::FW_DENY), 1u);
    EXPECT_EQ(rule(blue, "refused").packets, 3u);
    EXPECT_EQ(rule(blue, "dropped").packets, 1u);
    EXPECT_EQ(counters().sessions.created, 0u);
    // The later packets of a TCP connection that never was are silent.
    EXPECT_TRUE(inside(tcp(on_web({.destination_port = 23}))).empty());
    EXPECT_EQ(drops("blue.sr", DropReason::FW_INVALID_STATE), 1u);
}

TEST_P(NatAndFirewall, what_nobody_asked_for_is_dropped) {
    EXPECT_TRUE(outside(tcp(on_net({.source = "198.18.0.9",
                                    .destination = "203.0.113.30",
                                    .destination_port = 8000,
                                    .tcp_flags = syn | ack})))
                    .empty());
    EXPECT_TRUE(outside(echo_reply(on_net({.source = "198.18.0.9", .destination = "203.0.113.20"}))).empty());
    EXPECT_TRUE(
        outside(icmp_error(on_net({.source = "198.18.0.9", .destination = "203.0.113.10", .icmp_type = 3}),
                           ip_packet(udp({.source = "203.0.113.10"}))))
            .empty());
    EXPECT_TRUE(outside(icmp(on_net({.source = "2001:db8:ffff::1",
                                     .destination = "2001:db8:b:1::5",
                                     .icmp_type = 137,
                                     .payload = Bytes(32, 0)})))
                    .empty());
    EXPECT_EQ(drops("blue.sr", DropReason::FW_INVALID_STATE), 4u);
    EXPECT_EQ(counters().sessions.created, 0u);
}

}  // namespace
}  // namespace sluice::test
