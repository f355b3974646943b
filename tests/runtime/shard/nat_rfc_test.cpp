// SPDX-License-Identifier: Apache-2.0
//
// What the RFCs ask of NAT and tunnels and no other test shows: docs/conformance.md names these by number.
#include "tests/runtime/shard/lab.h"
#include "tests/support/bytes.h"
#include "tests/support/compile.h"
#include "tests/support/vxlan.h"

namespace sluice::test {
namespace {

class NatRfc : public ShardTest {
  protected:
    /// From somebody outside to blue's external address.
    static Packet from_server(const Decoded& sent, std::uint8_t tcp_flags = 0) {
        return on_net({.source = to(sent),
                       .destination = from(sent),
                       .source_port = sent.destination_port(),
                       .destination_port = sent.source_port(),
                       .tcp_flags = tcp_flags});
    }
    static Bytes error_about(const SentFrame& sent) {
        return icmp_error(
            on_net({.source = "198.18.0.1", .destination = "203.0.113.10", .icmp_type = 3, .icmp_code = 1}),
            ip_packet(sent.bytes));
    }
};
SLUICE_SHARD_TEST(NatRfc);

// RFC 4787 REQ-12, RFC 5382 REQ-10, RFC 5508 REQ-6.
TEST_P(NatRfc, an_icmp_error_neither_ends_nor_refreshes) {
    struct Case {
        Bytes frame;
        std::uint64_t idle_seconds;
    };
    const Case cases[] = {{udp(on_web({.source_port = 4000, .destination_port = 7})), 300},
                          {tcp(on_web({.source_port = 4000, .tcp_flags = syn})), 240},
                          {echo_request(on_web({.identifier = 9})), 60}};
    for (const Case& one : cases) {
        const auto sent = inside(one.frame);
        ASSERT_EQ(sent.size(), 1u);
        gateway->advance(seconds(one.idle_seconds - 1));
        EXPECT_EQ(to(only(outside(error_about(sent[0])))), "10.1.1.5");
        EXPECT_EQ(counters().sessions.active, 1u) << "not ended";
        gateway->advance(seconds(2));
        EXPECT_EQ(counters().sessions.active, 0u) << "not refreshed";
    }
}

// RFC 5508 REQ-3 a. What is not translated keeps what it came with, as all that is forwarded (C5).
TEST_P(NatRfc, an_error_with_a_wrong_checksum_is_not_translated) {
    const auto wrong = [](Packet packet) {
        packet.icmp_type = packet.source.find(':') == std::string::npos ? 3 : 1;
        packet.l4_checksum_error = 0x0101;
        return packet;
    };
    const auto sent = inside(udp(on_web({.source_port = 4000, .destination_port = 7})));
    ASSERT_EQ(sent.size(), 1u);
    const Packet error = on_net({.source = "198.18.0.1", .destination = "203.0.113.10"});
    EXPECT_TRUE(outside(icmp_error(wrong(error), ip_packet(sent[0].bytes))).empty());
    EXPECT_EQ(drops("blue.sr", DropReason::L4_CSUM), 1u);
    EXPECT_EQ(to(only(outside(error_about(sent[0])))), "10.1.1.5");

    const auto plain = inside(udp(on_web({.destination = "10.1.2.5", .source_port = 4000})));
    ASSERT_EQ(plain.size(), 1u);
    const Packet back = on_db({.source = "10.1.2.5", .destination = "10.1.1.5"});
    const auto passed = inside(icmp_error(wrong(back), ip_packet(plain[0].bytes)));
    ASSERT_EQ(passed.size(), 1u);
    EXPECT_FALSE(checksums_valid(passed[0].bytes));
    EXPECT_EQ(drops("blue.sr", DropReason::L4_CSUM), 1u);
}

// RFC 7857 7.1: nor does an error that an inside host says about what it got.
TEST_P(NatRfc, an_icmp_error_from_inside_refreshes_nothing) {
    const Decoded out = only(inside(udp(on_web({.source_port = 4000, .destination_port = 7}))));
    const auto received = outside(udp(from_server(out)));
    ASSERT_EQ(received.size(), 1u);
    gateway->advance(seconds(299));
    const auto error = inside(
        icmp_error(on_web({.source = "10.1.1.5", .destination = to(out), .icmp_type = 3, .icmp_code = 3}),
                   ip_packet(received[0].bytes)));
    EXPECT_EQ(from(only(error)), "203.0.113.10");
    EXPECT_EQ(decode_quoted(decode(error[0].bytes)).destination_port(), out.source_port());
    gateway->advance(seconds(2));
    EXPECT_EQ(counters().sessions.active, 0u);
}

// RFC 7857 7.1: nor does a reset, which may answer what a stranger sent.
TEST_P(NatRfc, a_reset_makes_no_session_live_longer) {
    const auto reset = [&](std::uint32_t sequence) {
        return tcp(
            on_web({.source_port = 4000, .destination_port = 7, .tcp_flags = rst, .sequence = sequence}));
    };
    const Bytes open = tcp(on_web({.source_port = 4000, .destination_port = 7, .tcp_flags = syn}));
    const Decoded sent = only(inside(open));
    gateway->advance(seconds(200));
    only(outside(tcp(from_server(sent, syn | ack))));  // it lives until second 440
    gateway->advance(seconds(230));
    only(inside(reset(2000)));
    gateway->advance(seconds(9));
    EXPECT_EQ(counters().sessions.active, 1u);
    only(inside(reset(2000)));
    gateway->advance(seconds(2));
    EXPECT_EQ(counters().sessions.active, 0u);
    // Where there is more time left, it gets what a closed connection has, from the reset on.
    only(outside(tcp(from_server(only(inside(open)), syn | ack))));
    only(inside(
        tcp(on_web({.source_port = 4000, .destination_port = 7, .sequence = 1001, .acknowledgement = 1001}))));
    gateway->advance(seconds(1000));
    only(inside(reset(2000)));
    gateway->advance(seconds(239));
    EXPECT_EQ(counters().sessions.active, 1u);
    gateway->advance(seconds(2));
    EXPECT_EQ(counters().sessions.active, 0u);
}

// RFC 4787 REQ-6: in both directions, where the filter lets it in.
TEST_P(NatRfc, a_packet_from_either_side_refreshes_the_mapping) {
    const Bytes out = udp(on_web({.source_port = 4000, .destination_port = 7}));
    const Decoded sent = only(inside(out));
    const Bytes reply = udp(from_server(sent));
    for (int i = 0; i < 3; ++i) {
        gateway->advance(seconds(290));
        EXPECT_EQ(only(outside(reply)).destination_port(), 4000);
    }
    for (int i = 0; i < 3; ++i) {
        gateway->advance(seconds(290));
        EXPECT_EQ(only(inside(out)).source_port(), sent.source_port());
    }
    EXPECT_EQ(counters().sessions.created, 1u);
}

// RFC 5382 REQ-3, REQ-4, REQ-2 a.
TEST_P(NatRfc, an_unsolicited_syn_meets_silence_and_a_simultaneous_one_gets_in) {
    const Bytes open = tcp(on_web({.source_port = 4000, .destination_port = 80, .tcp_flags = syn}));
    const Decoded sent = only(inside(open));
    Packet stranger = from_server(sent, syn);
    stranger.source = "198.18.0.8";
    EXPECT_TRUE(outside(tcp(stranger)).empty());
    EXPECT_EQ(drops("blue.sr", DropReason::NAT_FILTERED), 1u);
    for (int second = 0; second < 10; ++second) EXPECT_TRUE(gateway->advance(seconds(1)).empty()) << "ever";
    // The inside host calls that one too, and their SYNs cross.
    Packet call = on_web({.destination = "198.18.0.8", .source_port = 4000, .tcp_flags = syn});
    call.destination_port = stranger.source_port;
    EXPECT_EQ(only(inside(tcp(call))).source_port(), sent.source_port());
    EXPECT_EQ(only(outside(tcp(stranger))).destination_port(), 4000);
    call.tcp_flags = syn | ack;
    only(inside(tcp(call)));
    std::set<std::string> states;
    gateway->shard().sessions().for_each(
        [&](SessionRef, const Session& session) { states.insert(std::string(name_of(session.tcp.state))); });
    EXPECT_EQ(states, (std::set<std::string>{"INIT", "ESTABLISHED"}));
}

// RFC 7857 5, 6.
TEST_P(NatRfc, a_mapping_of_one_protocol_admits_nothing_of_another) {
    const Decoded sent = only(inside(udp(on_web({.source_port = 4000, .destination_port = 7}))));
    EXPECT_TRUE(outside(tcp(from_server(sent, syn))).empty());
    EXPECT_EQ(drops("blue.sr", DropReason::NAT_FILTERED), 1u);
    EXPECT_EQ(only(outside(udp(from_server(sent)))).destination_port(), 4000);
}

// RFC 6888 REQ-15, RFC 7857 9: from the ports of one's own flows nobody learns those of others.
TEST_P(NatRfc, external_ports_follow_from_a_secret) {
    std::set<std::uint16_t> of_one_flow, steps;
    constexpr std::uint16_t gateways = 4, flows = 32;
    for (settings.seed = 1; settings.seed <= gateways; ++settings.seed) {
        restart();
        std::uint16_t before = 0;
        for (std::uint16_t flow = 0; flow < flows; ++flow) {
            const auto port =
                only(inside(udp(on_web({.source_port = static_cast<std::uint16_t>(4000 + flow)}))))
                    .source_port();
            if (flow == 0) of_one_flow.insert(port);
            if (flow != 0) steps.insert(static_cast<std::uint16_t>(port - before));
            before = port;
        }
    }
    EXPECT_GE(of_one_flow.size(), gateways - 1u);
    EXPECT_GE(steps.size(), gateways * (flows - 1u) * 9 / 10);
}

// RFC 5508 REQ-7, RFC 7857 12: .5 asks .20 by its external address, and an error about that comes back.
TEST_P(NatRfc, icmp_between_inside_hosts_shows_external_addresses_only) {
    const auto asked = inside(echo_request(on_web({.destination = "203.0.113.20", .identifier = 9})));
    const Decoded question = only(asked);
    EXPECT_EQ(from(question), "203.0.113.10");
    EXPECT_EQ(to(question), "10.1.1.20");
    const Decoded answer = only(inside(echo_reply(
        on_web({.source = "10.1.1.20", .destination = "203.0.113.10", .identifier = question.source_port()}))));
    EXPECT_EQ(from(answer), "203.0.113.20");
    EXPECT_EQ(to(answer), "10.1.1.5");
    EXPECT_EQ(answer.destination_port(), 9);

    const auto sent = inside(udp(on_web({.destination = "203.0.113.20", .source_port = 5000})));
    ASSERT_EQ(sent.size(), 1u);
    const auto errors = inside(icmp_error(
        on_web({.source = "10.1.1.20", .destination = "203.0.113.10", .icmp_type = 3, .icmp_code = 3}),
        ip_packet(sent[0].bytes)));
    const Decoded error = only(errors);
    EXPECT_EQ(from(error), "203.0.113.20");
    EXPECT_EQ(to(error), "10.1.1.5");
    const Decoded quoted = decode_quoted(error);
    EXPECT_EQ(from(quoted), "10.1.1.5");
    EXPECT_EQ(to(quoted), "203.0.113.20");
    EXPECT_EQ(quoted.source_port(), 5000);
    EXPECT_TRUE(quoted_checksums_valid(errors[0].bytes));
}

// RFC 8200 with RFC 5095: a source route of IPv6 is dropped as one of IPv4 is.
TEST_P(NatRfc, a_routing_header_of_type_0_is_dropped) {
    const Packet packet = on_lan(
        {.source = "2001:db8:3:1::5",
         .destination = "2001:db8:3:2::5",
         .extensions = {{43, {2, 0, 1, 0, 0, 0, 0, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9}}}});
    EXPECT_TRUE(inside(udp(packet)).empty());
    EXPECT_EQ(drops("plain.dr", DropReason::IP_OPT_SRR), 1u);
}

/// A gateway with tenants behind tunnels.
class TunnelRfc : public testing::TestWithParam<CacheTiers> {
  protected:
    static const Image& overlay() {
        static const std::unique_ptr<const Image> image = compile_directory("tests/acceptance/overlay");
        return *image;
    }
    static ShardSettings settings() {
        ShardSettings settings;
        settings.cache = GetParam();
        return settings;
    }
    /// From outside to the published server, through the tunnel.
    Opened arrives(std::uint16_t source_port, std::uint8_t tos) {
        const auto sent = gateway.inject("U0", tcp({.source_mac = "02:00:00:00:09:01",
                                                    .destination_mac = "02:00:00:00:01:01",
                                                    .vlan = 100,
                                                    .source = "203.0.113.9",
                                                    .destination = "192.0.2.11",
                                                    .source_port = source_port,
                                                    .destination_port = 80,
                                                    .tcp_flags = syn,
                                                    .tos = tos}));
        EXPECT_EQ(sent.size(), 1u);
        return sent.size() == 1 ? open_vxlan(sent[0].bytes) : Opened{"nothing", {}, 0, {}};
    }
    TestGateway gateway{overlay(), settings()};
};
SLUICE_SHARD_TEST(TunnelRfc);

// RFC 6040 4.1, normal mode.
TEST_P(TunnelRfc, congestion_bits_are_copied_outside) {
    for (const std::uint8_t ecn : {0, 1, 2, 3}) {
        const auto tos = static_cast<std::uint8_t>(46 << 2 | ecn);
        const Opened opened = arrives(4000, tos);
        EXPECT_EQ(opened.fault, "");
        EXPECT_EQ(opened.outer.tos, tos);
        EXPECT_EQ(decode(opened.inner).tos, tos);
    }
}

// RFC 7348 5: for those on the way that spread flows.
TEST_P(TunnelRfc, flows_keep_outer_source_ports_of_their_own) {
    std::set<std::uint16_t> ports;
    constexpr std::uint16_t flows = 64;
    for (std::uint16_t flow = 0; flow < flows; ++flow) {
        const std::uint16_t port = arrives(static_cast<std::uint16_t>(4000 + flow), 0).outer.source_port();
        EXPECT_EQ(arrives(static_cast<std::uint16_t>(4000 + flow), 0).outer.source_port(), port);
        EXPECT_GE(port, 49152);
        ports.insert(port);
    }
    EXPECT_GT(ports.size(), flows * 9u / 10);
}

}  // namespace
}  // namespace sluice::test
