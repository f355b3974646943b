// SPDX-License-Identifier: Apache-2.0
//
// Sessions over their life: opened together or not at all, served from the cache, counted once, ended by time.
#include <set>

#include "tests/runtime/shard/lab.h"

namespace sluice::test {
namespace {

using Sessions = ShardTest;
SLUICE_SHARD_TEST(Sessions);

Packet flow_of(std::uint16_t source_port, std::string destination = "198.18.0.9") {
    return {.destination = std::move(destination), .source_port = source_port, .destination_port = 7};
}

TEST_P(Sessions, a_full_table_refuses_new_ones_and_leaks_nothing) {
    settings.sessions = 4;
    restart();
    std::set<std::uint16_t> ports;
    for (std::uint16_t i = 0; i < 4; ++i) {
        ports.insert(only(inside(udp(on_web(flow_of(static_cast<std::uint16_t>(4000 + i)))))).source_port());
    }
    EXPECT_EQ(ports.size(), 4u);
    for (std::uint16_t i = 4; i < 20; ++i) {
        const auto sent = inside(udp(on_web(flow_of(static_cast<std::uint16_t>(4000 + i)))));
        EXPECT_EQ(gateway->count_by("uplink0", sent), 0u);
    }
    EXPECT_EQ(drops("blue.sr", DropReason::SESSION_FULL), 16u);
    only(inside(udp(on_web(flow_of(4000)))));  // what there is, works
    gateway->advance(seconds(301));
    EXPECT_EQ(counters().sessions.active, 0u);
    EXPECT_EQ(counters().sessions.expired, 4u);
    for (std::uint16_t i = 0; i < 4; ++i) {
        only(inside(udp(on_web(flow_of(static_cast<std::uint16_t>(6000 + i))))));
    }
}

TEST_P(Sessions, two_routers_open_theirs_together_or_neither) {
    settings.sessions = 3;
    restart();
    only(inside(udp(on_web({.destination = "172.20.0.5", .source_port = 4000, .destination_port = 7}))));
    EXPECT_EQ(counters().sessions.active, 2u);
    for (int i = 0; i < 10; ++i) {  // room for one of two
        // Red has no room: what says so is from red, and goes to where the packet came from.
        const Decoded told = only(inside(udp(on_web({.destination = "172.20.0.5",
                                                     .source_port = static_cast<std::uint16_t>(5000 + i),
                                                     .destination_port = 7}))));
        EXPECT_EQ(told.kind(), Kind::icmp_error);
        EXPECT_EQ(to(told), "10.1.1.5");
    }
    EXPECT_EQ(drops("red.sr", DropReason::SESSION_FULL), 10u);
    EXPECT_EQ(counters().sessions.active, 2u);
    EXPECT_EQ(counters().sessions.created, 2u);
    only(inside(udp(on_web(flow_of(4000)))));  // the mapping that was undone is free again
}

TEST_P(Sessions, the_second_packet_of_a_burst_finds_the_session_of_the_first) {
    const std::vector<Bytes> burst(32, udp(on_web(flow_of(4000))));
    EXPECT_EQ(inside(burst).size(), 32u);
    EXPECT_EQ(counters().cache.pipeline_runs, cached() ? 1u : 32u);
    EXPECT_EQ(counters().cache.flow_hits, cached() ? 31u : 0u);
    EXPECT_EQ(counters().sessions.created, 1u);
    EXPECT_EQ(rule(blue, "default").packets, 32u);
}

TEST_P(Sessions, flows_without_a_session_give_way_and_lose_no_count) {
    settings.flows = 8;
    restart();
    for (int round = 0; round < 3; ++round) {
        for (std::uint16_t i = 0; i < 20; ++i) {
            const Bytes frame = udp(on_lan({.source = "10.3.1.5",
                                            .destination = "10.3.2.5",
                                            .source_port = static_cast<std::uint16_t>(4000 + i),
                                            .destination_port = 7}));
            only(inside(frame));
            only(inside(frame));
        }
    }
    EXPECT_EQ(counters().tenants[plain].rx.packets, 120u);
    EXPECT_EQ(counters().tenants[plain].tx.packets, 120u);
    EXPECT_EQ(live_flows(), cached() ? 8u : 0u);
    EXPECT_GE(counters().cache.flow_hits, cached() ? 60u : 0u);
}

TEST_P(Sessions, keep_their_entries_however_many_flows_there_are) {
    settings.flows = 8;
    restart();
    for (int round = 0; round < 3; ++round) {
        for (std::uint16_t i = 0; i < 20; ++i) {
            only(inside(udp(on_web(flow_of(static_cast<std::uint16_t>(4000 + i))))));
        }
    }
    EXPECT_EQ(rule(blue, "default").packets, 60u);
    EXPECT_EQ(live_flows(), cached() ? 20u : 0u);
    EXPECT_EQ(counters().cache.flow_hits, cached() ? 40u : 0u);
    gateway->shard().sessions().for_each(
        [](SessionRef, const Session& session) { EXPECT_EQ(session.packets[0], 3u); });
    gateway->advance(seconds(301));
    EXPECT_EQ(counters().sessions.active, 0u);
    EXPECT_EQ(live_flows(), 0u);
    EXPECT_EQ(rule(blue, "default").packets, 60u);
}

/// Slices of a round: what sessions that end or begin meanwhile carried is neither lost nor counted twice.
TEST_P(Sessions, a_round_in_slices_counts_each_packet_once) {
    for (std::uint16_t i = 0; i < 20; ++i)
        only(inside(udp(on_web(flow_of(static_cast<std::uint16_t>(4000 + i))))));
    Shard& shard = gateway->shard();
    while (!shard.fold_some(1000)) {
    }
    const auto shown = [&] { return shard.counters_so_far().tenants[blue].rules.back().packets; };
    EXPECT_EQ(shown(), 20u);
    EXPECT_FALSE(shard.fold_some(20));  // ten sessions are counted
    for (std::uint16_t i = 0; i < 20; i += 2)
        only(inside(udp(on_web(flow_of(static_cast<std::uint16_t>(4000 + i))))));
    gateway->advance(seconds(301));  // all end
    EXPECT_EQ(shown(), 20u) << "the last whole round";
    while (!shard.fold_some(1000)) {
    }
    EXPECT_GE(shown(), 20u);
    EXPECT_LE(shown(), 30u);
    while (!shard.fold_some(1000)) {
    }
    EXPECT_EQ(shown(), 30u);
}

TEST_P(Sessions, idle_times_by_what_is_carried) {
    const auto lives = [&](const Bytes& frame, std::uint64_t idle_seconds) {
        only(inside(frame));
        only(inside(frame));  // the entry's last packet counts as well
        gateway->advance(seconds(idle_seconds) - seconds(1) / 5);
        EXPECT_EQ(counters().sessions.active, 1u);
        gateway->advance(seconds(1) / 2);
        EXPECT_EQ(counters().sessions.active, 0u);
    };
    lives(udp(on_web(flow_of(4000))), 300);
    Packet name = flow_of(4000);
    name.destination_port = 53;
    lives(udp(on_web(name)), 120);
    lives(echo_request(on_web({})), 60);
    lives(ip_protocol(on_web({.source = "10.1.1.20"}), 47), 300);
    Packet open = on_web(flow_of(4000));
    open.tcp_flags = syn;
    lives(tcp(open), 240);
}

/// A TCP connection from 10.1.1.5:4000 to 10.1.2.5:80, past its handshake.
class Connection : public ShardTest {
  protected:
    void SetUp() override {
        client(syn, 1000, 0);
        server(syn | ack, 5000, 1001);
        client(ack, 1001, 5001);
        server(ack, 5001, 1001);
    }
    Sent client(std::uint8_t flags, std::uint32_t sequence, std::uint32_t acknowledged, std::size_t data = 0) {
        return inside(
            tcp(on_web(segment("10.1.1.5", "10.1.2.5", 4000, 80, flags, sequence, acknowledged, data))));
    }
    Sent server(std::uint8_t flags, std::uint32_t sequence, std::uint32_t acknowledged, std::size_t data = 0) {
        return inside(
            tcp(on_db(segment("10.1.2.5", "10.1.1.5", 80, 4000, flags, sequence, acknowledged, data))));
    }
    std::string state() {
        std::string text = "none";
        gateway->shard().sessions().for_each(
            [&](SessionRef, const Session& session) { text = std::string(name_of(session.tcp.state)); });
        return text;
    }

  private:
    static Packet segment(std::string source, std::string destination, std::uint16_t source_port,
                          std::uint16_t destination_port, std::uint8_t flags, std::uint32_t sequence,
                          std::uint32_t acknowledged, std::size_t data) {
        return {.source = std::move(source),
                .destination = std::move(destination),
                .source_port = source_port,
                .destination_port = destination_port,
                .tcp_flags = flags,
                .sequence = sequence,
                .acknowledgement = acknowledged,
                .payload = Bytes(data, 1)};
    }
};
SLUICE_SHARD_TEST(Connection);

TEST_P(Connection, is_cached_once_established_and_lives_two_hours) {
    EXPECT_EQ(live_flows(), cached() ? 2u : 0u);
    only(client(ack, 1001, 5001, 10));
    gateway->advance(seconds(7439));
    EXPECT_EQ(state(), "ESTABLISHED");
    only(client(ack, 1011, 5001, 10));
    gateway->advance(seconds(7439));
    EXPECT_EQ(state(), "ESTABLISHED");
    gateway->advance(seconds(2));
    EXPECT_EQ(state(), "none");
    EXPECT_EQ(live_flows(), 0u);
    EXPECT_TRUE(client(ack, 1021, 5001, 10).empty());
    EXPECT_EQ(drops("blue.sr", DropReason::FW_INVALID_STATE), 1u);
}

TEST_P(Connection, ends_with_a_fin_of_each_side) {
    only(client(fin | ack, 1001, 5001));
    EXPECT_EQ(state(), "C_FIN");
    EXPECT_EQ(live_flows(), 0u);
    only(server(ack, 5001, 1002, 100));
    only(server(fin | ack, 5101, 1002));
    EXPECT_EQ(state(), "BOTH_FIN");
    only(client(ack, 1002, 5102));
    gateway->advance(seconds(241));
    EXPECT_EQ(state(), "none");
}

TEST_P(Connection, believes_a_reset_only_near_what_was_acknowledged) {
    // 64 KiB around 1001, and the sender's own acknowledgements don't count.
    only(client(rst, 1001 + 70'000, 0));
    EXPECT_EQ(state(), "ESTABLISHED");
    for (int i = 0; i < 3; ++i) only(server(ack, 5001, 1001 + 69'000));  // from the cache, where there is one
    only(client(rst, 1001 + 70'000, 0));
    EXPECT_EQ(state(), "TRANS");
    EXPECT_EQ(live_flows(), 0u);
    only(server(ack, 5001, 1001 + 69'000, 100));  // data: it was not the end (RFC 7857 2.2)
    EXPECT_EQ(state(), "ESTABLISHED");
    only(server(rst, 5001, 0));
    EXPECT_EQ(state(), "TRANS");
    gateway->advance(seconds(241));
    EXPECT_EQ(state(), "none");
}

TEST_P(Sessions, rules_with_log_tell_of_first_packets_only) {
    HeapFrames frames;
    settings.cache = GetParam();
    Shard shard(lab(), settings, frames);
    Output output;
    const auto give = [&](const Bytes& frame) {
        const Frame one = frames.copy_of(frame, gateway->port_of("uplink0"));
        shard.process({&one, 1}, seconds(1000), output);
    };
    const Bytes frame = echo_request(on_net({.source = "198.18.0.9", .destination = "203.0.113.20"}));
    for (int i = 0; i < 3; ++i) give(frame);
    ASSERT_EQ(output.events.size(), 1u);
    EXPECT_EQ(lab().tenants()[blue].rule_names[output.events[0].rule], "one");
    EXPECT_EQ(output.events[0].action, image::FirewallAction::Allow);
    EXPECT_EQ(to_string(output.events[0].packet.destination, Family::v4), "203.0.113.20");
    EXPECT_EQ(output.transmitted.size(), 3u);
}

}  // namespace
}  // namespace sluice::test
