// SPDX-License-Identifier: Apache-2.0
//
// What the trace cache serves, and what it must not. That it changes nothing but Counters::cache, all other
// tests of the shard say, which run with each of the tiers.
#include "tests/runtime/shard/lab.h"

namespace sluice::test {
namespace {

using Traces = ShardTest;
SLUICE_SHARD_TEST(Traces);

bool traced() {
    return ShardTest::GetParam() == CacheTiers::trace_cache;
}

Packet new_flow(std::uint16_t number) {
    return {.destination = "198.18.0.9",
            .source_port = static_cast<std::uint16_t>(4000 + number),
            .destination_port = 7};
}

TEST_P(Traces, new_flows_like_others_before_them_do_not_run_the_pipeline) {
    for (std::uint16_t i = 0; i < 100; ++i) only(inside(udp(on_web(new_flow(i)))));
    EXPECT_EQ(counters().sessions.created, 100u);
    EXPECT_EQ(counters().cache.trace_hits, traced() ? 99u : 0u);
    EXPECT_EQ(counters().cache.pipeline_runs, traced() ? 1u : 100u);
    const auto& traces = counters().tenants[blue].traces;
    EXPECT_EQ(traces.hits, traced() ? 99u : 0u);
    EXPECT_EQ(traces.started, traced() ? 99u : 0u);
    EXPECT_EQ(traces.misses, traced() ? 1u : 0u);
}

TEST_P(Traces, hosts_and_remotes_of_the_same_classes_share_one) {
    only(inside(udp(on_web(new_flow(0)))));
    Packet other = new_flow(1);
    other.source = "10.1.1.6";
    other.destination = "198.18.0.77";
    only(inside(udp(on_web(other))));
    EXPECT_EQ(counters().cache.trace_hits, traced() ? 1u : 0u);
    Packet friendly = new_flow(2);
    friendly.destination = "198.18.7.1";  // of another address class, and yet the same rule decides
    only(inside(udp(on_web(friendly))));
    EXPECT_EQ(counters().cache.trace_hits, traced() ? 2u : 0u);
}

TEST_P(Traces, whichever_rule_allows_it_counts_and_the_trace_is_the_same) {
    const auto visit = [&](const char* source, std::uint16_t port) {
        only(outside(udp(on_net(
            {.source = source, .destination = "10.1.1.5", .source_port = 4000, .destination_port = port}))));
    };
    visit("198.18.0.9", 53);
    visit("198.18.7.1", 7);
    EXPECT_EQ(counters().cache.trace_hits, traced() ? 1u : 0u);
    EXPECT_EQ(rule(blue, "names").sessions, 1u);
    EXPECT_EQ(rule(blue, "known").sessions, 1u);
}

TEST_P(Traces, replies_of_different_flows_share_one_too) {
    for (std::uint16_t i = 0; i < 10; ++i) {
        const Decoded sent = only(inside(udp(on_web(new_flow(i)))));
        only(outside(udp(on_net({.source = "198.18.0.9",
                                 .destination = from(sent),
                                 .source_port = 7,
                                 .destination_port = sent.source_port()}))));
    }
    EXPECT_EQ(counters().cache.trace_hits, traced() ? 18u : 0u);
}

TEST_P(Traces, a_connection_opens_by_the_trace_of_another) {
    const auto open = [&](std::uint16_t port) {
        Packet segment{.destination = "198.18.0.9", .source_port = port, .destination_port = 80};
        segment.tcp_flags = syn;
        only(inside(tcp(on_web(segment))));
    };
    open(4000);
    EXPECT_EQ(counters().cache.trace_hits, 0u);
    open(4001);
    EXPECT_EQ(counters().cache.trace_hits, traced() ? 1u : 0u);
    EXPECT_EQ(counters().cache.uncacheable[static_cast<std::size_t>(NoCacheReason::TCP_FLAGS)], 2u);
    EXPECT_EQ(counters().sessions.created, 2u);
}

TEST_P(Traces, a_port_scan_that_the_firewall_denies_takes_no_flow_entry) {
    const std::size_t before = live_flows();
    for (std::uint16_t port = 1; port <= 2000; ++port) {
        EXPECT_TRUE(outside(udp(on_net({.source = "198.18.0.9",
                                        .destination = "10.1.1.5",
                                        .source_port = 4000,
                                        .destination_port = static_cast<std::uint16_t>(10000 + port)})))
                        .empty());
    }
    EXPECT_EQ(live_flows(), before);
    EXPECT_EQ(counters().sessions.created, 0u);
    EXPECT_EQ(drops("blue.sr", DropReason::FW_DENY), 2000u);
    EXPECT_EQ(rule(blue, "default").packets, 2000u);
    EXPECT_EQ(counters().cache.pipeline_runs, traced() ? 1u : 2000u);
    EXPECT_EQ(counters().cache.trace_hits, traced() ? 1999u : 0u);
}

TEST_P(Traces, what_a_rule_denies_is_counted_for_the_rule) {
    for (std::uint16_t i = 0; i < 10; ++i) {
        Packet packet = new_flow(i);
        packet.destination_port = 70;
        EXPECT_TRUE(inside(udp(on_web(packet))).empty());
    }
    EXPECT_EQ(rule(blue, "dropped").packets, 10u);
    EXPECT_EQ(counters().cache.trace_hits, traced() ? 9u : 0u);
}

TEST_P(Traces, a_rule_that_rejects_answers_every_packet) {
    for (std::uint16_t i = 0; i < 5; ++i) {
        Packet packet = new_flow(i);
        packet.destination_port = 69;
        EXPECT_EQ(inside(udp(on_web(packet))).size(), 1u);
    }
    EXPECT_EQ(counters().cache.trace_hits, 0u);
    EXPECT_EQ(counters().cache.pipeline_runs, 5u);
}

TEST_P(Traces, no_port_left_is_named_by_the_pipeline) {
    settings.sessions = 4;
    restart();
    for (std::uint16_t i = 0; i < 8; ++i) inside(udp(on_web(new_flow(i))));
    EXPECT_EQ(drops("blue.sr", DropReason::SESSION_FULL), 4u);
    EXPECT_EQ(counters().sessions.created, 4u);
}

TEST_P(Traces, a_guard_that_fails_leaves_the_packet_to_the_pipeline) {
    only(inside(udp(on_web(new_flow(0)))));
    Packet dying = new_flow(1);
    dying.ttl = 1;
    EXPECT_EQ(inside(udp(on_web(dying))).size(), 1u) << "time exceeded";
    EXPECT_EQ(drops("blue.sr", DropReason::TTL_EXPIRED), 1u);
    EXPECT_EQ(counters().sessions.created, 1u);
    EXPECT_EQ(counters().cache.trace_hits, 0u);
}

TEST_P(Traces, a_path_through_two_tenants_is_one) {
    for (std::uint16_t i = 0; i < 10; ++i) {
        Packet packet = new_flow(i);
        packet.destination = "172.20.0.5";
        only(inside(udp(on_web(packet))));
    }
    EXPECT_EQ(counters().sessions.created, 20u);
    EXPECT_EQ(counters().cache.trace_hits, traced() ? 9u : 0u);
    EXPECT_EQ(counters().tenants[blue].traces.started, traced() ? 18u : 0u);
    EXPECT_EQ(counters().tenants[red].traces.started, 0u);
}

}  // namespace
}  // namespace sluice::test
