// SPDX-License-Identifier: Apache-2.0
//
// Acceptance: what the flow cache serves, what it must not, and that it changes nothing
// (seed-systems 1.6, 1.9).
#include <random>

#include "tests/acceptance/acceptance.h"

namespace sluice::test {
namespace {

using CacheAcceptance = Acceptance;
SLUICE_ACCEPTANCE(CacheAcceptance);

constexpr std::uint8_t syn = 0x02, ack = 0x10, syn_ack = 0x12, fin_ack = 0x11;

TEST_P(CacheAcceptance, MT_A07_one_flow_of_a_hundred_packets_runs_the_stages_once) {
    const Bytes frame = udp(from_a5({.destination = "198.18.0.9", .source_port = 5000, .destination_port = 7}));
    for (int i = 0; i < 100; ++i) only(from_inside(frame));
    const Counters& counters = gateway.counters();
    EXPECT_EQ(counters.cache.pipeline_runs, cached() ? 1u : 100u);
    EXPECT_EQ(counters.cache.flow_hits, cached() ? 99u : 0u);
    EXPECT_EQ(rule(0, "outbound").sessions, 1u);
    EXPECT_EQ(rule(0, "outbound").packets, 100u);
    EXPECT_EQ(rule(0, "outbound").bytes, 100 * frame.size());
    EXPECT_EQ(counters.rx[gateway.port_of("V0")].packets, 100u);
    EXPECT_EQ(counters.tx[gateway.port_of("U0")].packets, 100u);
    EXPECT_EQ(counters.tenants[0].rx.packets, 100u);
    EXPECT_EQ(counters.tenants[0].tx.packets, 100u);
}

TEST_P(CacheAcceptance, MT_A09_tcp_is_cached_between_its_handshake_and_its_end) {
    const Packet client{.destination = "198.18.0.9", .source_port = 5000, .destination_port = 80};
    const auto to_server = [&](std::uint8_t flags) {
        Packet packet = client;
        packet.tcp_flags = flags;
        return only(from_inside(tcp(from_a5(packet))));
    };
    const Decoded opened = to_server(syn);
    const auto to_client = [&](std::uint8_t flags) {
        return only(from_outside(tcp(from_r({.source = "198.18.0.9",
                                             .destination = "192.0.2.10",
                                             .source_port = 80,
                                             .destination_port = opened.source_port(),
                                             .tcp_flags = flags}))));
    };
    EXPECT_EQ(to_client(syn_ack).destination_port(), 5000);
    EXPECT_EQ(gateway.counters().cache.flow_hits, 0u);
    EXPECT_EQ(uncacheable(NoCacheReason::TCP_FLAGS), 2u);

    to_server(ack);  // both SYNs were seen: these two make the entries
    to_client(ack);
    const std::uint64_t runs = gateway.counters().cache.pipeline_runs;
    for (int i = 0; i < 10; ++i) {
        to_server(ack);
        to_client(ack);
    }
    EXPECT_EQ(gateway.counters().cache.flow_hits, cached() ? 20u : 0u);
    EXPECT_EQ(gateway.counters().cache.pipeline_runs, cached() ? runs : runs + 20);
    EXPECT_EQ(uncacheable(NoCacheReason::TCP_FLAGS), 2u);

    to_server(fin_ack);
    EXPECT_EQ(uncacheable(NoCacheReason::TCP_FLAGS), 3u);
    gateway.shard().sessions().for_each(
        [](SessionRef, const Session& session) { EXPECT_EQ(session.tcp.state, TcpState::c_fin); });
}

TEST_P(CacheAcceptance, MT_A21_an_expired_session_is_not_served_from_its_old_entry) {
    const Bytes frame = udp(from_a5({.destination = "198.18.0.9", .source_port = 5000, .destination_port = 7}));
    only(from_inside(frame));
    only(from_inside(frame));
    gateway.advance(seconds(301));
    EXPECT_EQ(gateway.counters().sessions.expired, 1u);
    EXPECT_EQ(gateway.counters().sessions.active, 0u);
    only(from_inside(frame));
    EXPECT_EQ(gateway.counters().sessions.created, 2u);
    // The second session is like the first: its flow may be started from the trace.
    const auto& cache = gateway.counters().cache;
    EXPECT_EQ(cache.pipeline_runs + cache.trace_hits, cached() ? 2u : 3u);
    EXPECT_EQ(rule(0, "outbound").sessions, 2u);
    EXPECT_EQ(rule(0, "outbound").packets, 3u);
}

TEST_P(CacheAcceptance, MT_A22_a_flow_that_only_the_cache_sees_does_not_expire) {
    const Bytes frame = udp(from_a5({.destination = "198.18.0.9", .source_port = 5000, .destination_port = 7}));
    const Decoded first = only(from_inside(frame));
    for (int minute = 0; minute < 60; ++minute) {
        gateway.advance(seconds(60));
        ASSERT_EQ(only(from_inside(frame)).source_port(), first.source_port());
    }
    EXPECT_EQ(gateway.counters().sessions.created, 1u);
    EXPECT_EQ(gateway.counters().sessions.expired, 0u);
    EXPECT_EQ(gateway.counters().cache.flow_hits, cached() ? 60u : 0u);
}

TEST_P(CacheAcceptance, MT_A30_a_rejected_packet_is_answered_each_time) {
    for (int i = 1; i <= 3; ++i) {
        const auto reset =
            from_inside(tcp(from_a5({.destination = "198.18.0.9", .destination_port = 23, .tcp_flags = syn})));
        const Decoded answer = only(reset);
        EXPECT_EQ(answer.tcp_flags() & 0x04, 0x04);
        EXPECT_EQ(text(answer.source), "198.18.0.9");
        EXPECT_EQ(text(answer.destination), "10.1.1.5");
        EXPECT_EQ(gateway.drops("a.sr", DropReason::FW_REJECT), static_cast<std::uint64_t>(2 * i - 1));

        const Decoded refusal =
            only(from_inside(udp(from_a5({.destination = "198.18.0.9", .destination_port = 69}))));
        EXPECT_EQ(refusal.kind(), Kind::icmp_error);
        EXPECT_EQ(refusal.byte(0), 3);
        EXPECT_EQ(refusal.byte(1), 13);
        EXPECT_EQ(text(refusal.source), "10.1.1.1");
        EXPECT_EQ(gateway.drops("a.sr", DropReason::FW_REJECT), static_cast<std::uint64_t>(2 * i));
    }
    EXPECT_EQ(gateway.counters().cache.flow_hits, 0u);
    EXPECT_EQ(gateway.counters().sessions.created, 0u);
    EXPECT_EQ(rule(0, "no-telnet").packets, 3u);
}

/// Packets of all kinds from both sides of both tenants; replies go to what was seen leaving.
std::vector<std::vector<SentFrame>> run_mix(TestGateway& gateway, std::uint32_t packets) {
    std::mt19937 random(20240601);  // NOLINT(cert-msc51-cpp): the same every time is the point
    const auto below = [&](std::uint32_t bound) { return static_cast<std::uint32_t>(random() % bound); };
    std::vector<std::vector<SentFrame>> history;
    std::vector<Decoded> seen;
    for (std::uint32_t i = 0; i < packets; ++i) {
        const bool tenant_b = below(2) == 1;
        Packet packet{.source_port = static_cast<std::uint16_t>(5000 + below(6)),
                      .destination_port = static_cast<std::uint16_t>(below(8) == 0 ? 23 : 80 + below(4))};
        packet.payload.assign(below(600), 0x55);
        packet.tcp_flags = static_cast<std::uint8_t>(below(6) == 0 ? syn : below(30) == 0 ? fin_ack : ack);
        packet.ttl = static_cast<std::uint8_t>(below(50) == 0 ? 1 + below(4) : 64);
        packet.dont_fragment = below(2) == 0;
        const char* port = "V0";
        if (below(2) == 0 || seen.empty()) {
            packet.vlan = tenant_b ? 601 : 501;
            packet.destination_mac = "02:50:56:56:44:52";
            packet.source = below(4) == 0 ? "10.1.1.12" : "10.1.1.5";
            packet.destination = "198.18.0." + std::to_string(1 + below(3));
        } else {
            const Decoded& to = seen[below(static_cast<std::uint32_t>(seen.size()))];
            port = "U0";
            packet.vlan = to.vids[0];
            packet.destination_mac = "02:00:00:00:01:01";
            packet.source = text(to.destination);
            packet.destination = text(to.source);
            packet.source_port = to.destination_port();
            packet.destination_port = to.source_port();
            packet.tcp_flags = static_cast<std::uint8_t>(below(4) == 0 ? syn_ack : ack);
        }
        const std::uint32_t kind = below(10);
        Bytes frame = kind < 5 ? udp(packet) : kind < 9 ? tcp(packet) : echo_request(packet);
        std::vector<Bytes> burst{frame};
        if (below(40) == 0 && packet.payload.size() > 64) burst = fragments(frame, 40, i);
        if (below(10) == 0) gateway.advance(seconds(1) * below(30) / 10);
        history.push_back(gateway.inject(port, burst));
        for (const SentFrame& sent : history.back()) {
            const Decoded decoded = decode(sent.bytes);
            if (sent.port == gateway.port_of("U0") && decoded.is_ip()) seen.push_back(decoded);
        }
    }
    return history;
}

void expect_equal_but_for_the_cache(const Counters& a, const Counters& b) {
    EXPECT_EQ(a.drops, b.drops);
    EXPECT_EQ(a.originated, b.originated);
    EXPECT_EQ(a.copies, b.copies);
    EXPECT_EQ(a.consumed, b.consumed);
    EXPECT_EQ(a.held, b.held);
    EXPECT_EQ(a.sessions.created, b.sessions.created);
    EXPECT_EQ(a.sessions.expired, b.sessions.expired);
    EXPECT_EQ(a.sessions.active, b.sessions.active);
    for (std::size_t i = 0; i < a.tenants.size(); ++i) {
        EXPECT_EQ(a.tenants[i].rx.packets, b.tenants[i].rx.packets);
        EXPECT_EQ(a.tenants[i].rx.bytes, b.tenants[i].rx.bytes);
        EXPECT_EQ(a.tenants[i].tx.packets, b.tenants[i].tx.packets);
        EXPECT_EQ(a.tenants[i].tx.bytes, b.tenants[i].tx.bytes);
        for (std::size_t r = 0; r < a.tenants[i].rules.size(); ++r) {
            EXPECT_EQ(a.tenants[i].rules[r].sessions, b.tenants[i].rules[r].sessions);
            EXPECT_EQ(a.tenants[i].rules[r].packets, b.tenants[i].rules[r].packets);
            EXPECT_EQ(a.tenants[i].rules[r].bytes, b.tenants[i].rules[r].bytes);
        }
    }
}

constexpr std::uint32_t mixed_packets = 10'000;

TEST(CacheLaw, MT_A08_ten_thousand_mixed_packets_leave_the_same_with_the_cache_and_without) {
    TestGateway without(topology_t1(), {.cache = CacheTiers::none});
    const auto history_without = run_mix(without, mixed_packets);
    EXPECT_TRUE(without.counters().balanced());
    EXPECT_EQ(without.counters().cache.flow_hits, 0u);
    for (const CacheTiers tiers : {CacheTiers::flow_table, CacheTiers::trace_cache}) {
        TestGateway with(topology_t1(), {.cache = tiers});
        const auto history_with = run_mix(with, mixed_packets);
        for (std::size_t i = 0; i < history_with.size(); ++i) {
            ASSERT_EQ(history_with[i], history_without[i]) << name_of(tiers) << ", packet " << i;
        }
        expect_equal_but_for_the_cache(with.counters(), without.counters());
        EXPECT_TRUE(with.counters().balanced());
        EXPECT_GT(with.counters().cache.flow_hits, mixed_packets / 5) << "the mix must exercise the cache";
    }
}

TEST(CacheLaw, MT_A08_negative_control_another_gateway_is_told_apart) {
    TestGateway one(topology_t1(), {.seed = 1});
    TestGateway other(topology_t1(), {.seed = 2});  // other NAT ports
    EXPECT_NE(run_mix(one, 200), run_mix(other, 200));
}

}  // namespace
}  // namespace sluice::test
