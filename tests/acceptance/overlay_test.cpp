// SPDX-License-Identifier: Apache-2.0
//
// Acceptance: tenants behind VXLAN (seed-systems 1.3). a1 is VNI 5001 and has stations behind .21 (a5, a static
// neighbour) and .22; b1 is VNI 6001 with the same addresses.
#include "tests/acceptance/tunnelled.h"

namespace sluice::test {
namespace {

class Overlay : public Tunnelled {
  protected:
    Overlay() : Tunnelled(overlay_texts) {}

    static Packet to_router(Packet packet, std::string mac = "02:aa:00:00:00:05") {
        packet.source_mac = std::move(mac);
        packet.destination_mac = "02:50:56:56:44:52";
        return packet;
    }
    static Bytes gratuitous_arp_of_a9() {
        return arp({.source_mac = "02:aa:00:00:00:09",
                    .operation = 1,
                    .sender_mac = "02:aa:00:00:00:09",
                    .sender_ip = "10.1.1.9",
                    .target_ip = "10.1.1.9"});
    }
    /// Endpoint .22 asks for ours, which tells its MAC.
    static Bytes arp_of_22() {
        return arp({.source_mac = "02:00:00:00:22:01",
                    .destination_mac = "02:00:00:00:01:01",
                    .operation = 1,
                    .sender_mac = "02:00:00:00:22:01",
                    .sender_ip = "198.51.100.22",
                    .target_ip = "198.51.100.10"});
    }
    static Bytes answer_of_a9() {
        return arp({.source_mac = "02:aa:00:00:00:09",
                    .destination_mac = "02:50:56:56:44:52",
                    .operation = 2,
                    .sender_mac = "02:aa:00:00:00:09",
                    .sender_ip = "10.1.1.9",
                    .target_mac = "02:50:56:56:44:52",
                    .target_ip = "10.1.1.1"});
    }
    static Bytes to_a9(std::uint16_t source_port = 1001) {
        return udp(to_router({.source = "10.1.1.5",
                              .destination = "10.1.1.9",
                              .source_port = source_port,
                              .destination_port = 7}));
    }
};
SLUICE_OVERLAY(Overlay);

TEST_P(Overlay, southbound_leaves_in_a_tunnel_to_the_stations_endpoint) {
    const Opened sent = only_tunnelled(from_outside(tcp(to_web({.tcp_flags = 0x02, .ttl = 64}))));
    EXPECT_EQ(to_string(sent.outer.source_mac), "02:00:00:00:01:01");
    EXPECT_EQ(to_string(sent.outer.destination_mac), "02:00:00:00:21:01");
    EXPECT_EQ(text(sent.outer.source), "198.51.100.10");
    EXPECT_EQ(text(sent.outer.destination), "198.51.100.21");
    EXPECT_GE(sent.outer.source_port(), 49152);
    EXPECT_EQ(sent.vni, 5001u);
    const Decoded inner = decode(sent.inner);
    EXPECT_EQ(to_string(inner.source_mac), "02:50:56:56:44:52");
    EXPECT_EQ(to_string(inner.destination_mac), "02:aa:00:00:00:05");
    EXPECT_EQ(text(inner.source), "203.0.113.9");
    EXPECT_EQ(text(inner.destination), "10.1.1.5");
    EXPECT_EQ(inner.destination_port(), 8080);
    EXPECT_EQ(inner.ttl, 62);
}

TEST_P(Overlay, northbound_leaves_the_tunnel_by_the_uplink) {
    const auto sent = from_tunnel(udp(to_router({.source = "10.1.1.5", .destination = "203.0.113.9"})));
    const Decoded out = only(sent);
    EXPECT_EQ(out.vids, std::vector<std::uint16_t>{100});
    EXPECT_EQ(text(out.source), "192.0.2.10");
    EXPECT_EQ(text(out.destination), "203.0.113.9");
    EXPECT_EQ(out.ttl, 62);
    EXPECT_EQ(gateway.counters().tenants[0].rx.packets, 1u);
    EXPECT_EQ(gateway.counters().tenants[0].tx.packets, 1u);
}

TEST_P(Overlay, MT_A05_equal_addresses_of_two_tenants_never_meet) {
    const Packet request{.source = "10.1.1.5", .destination = "198.18.0.9", .source_port = 5000};
    Packet of_b = to_router(request, "02:bb:00:00:00:05");
    of_b.destination_mac = "02:00:00:00:01:01";
    const Decoded a = only(from_tunnel(udp(to_router(request))));
    const Decoded b = only(from_tunnel(udp(of_b), {.vni = 6001}));
    EXPECT_EQ(text(a.source), "192.0.2.10");
    EXPECT_EQ(text(b.source), "192.0.2.20");
    const auto reply_to = [&](const Decoded& sent, std::uint16_t vlan) {
        Packet reply{.source = "198.18.0.9", .destination = text(sent.source)};
        reply.source_port = sent.destination_port();
        reply.destination_port = sent.source_port();
        reply = from_r(reply);
        reply.vlan = vlan;
        return only_tunnelled(from_outside(udp(reply)));
    };
    const Opened to_a = reply_to(a, 100), to_b = reply_to(b, 101);
    EXPECT_EQ(to_a.vni, 5001u);
    EXPECT_EQ(to_string(decode(to_a.inner).destination_mac), "02:aa:00:00:00:05");
    EXPECT_EQ(to_b.vni, 6001u);
    EXPECT_EQ(to_string(decode(to_b.inner).destination_mac), "02:bb:00:00:00:05");
}

TEST_P(Overlay, an_established_flow_is_served_by_the_cache_both_ways) {
    const Packet request{.source = "10.1.1.5", .destination = "203.0.113.9"};
    const Decoded first = only(from_tunnel(udp(to_router(request))));
    Packet reply{.source = "203.0.113.9", .destination = "192.0.2.10"};
    reply.source_port = first.destination_port();
    reply.destination_port = first.source_port();
    only_tunnelled(from_outside(udp(from_r(reply))));
    const std::uint64_t runs = gateway.counters().cache.pipeline_runs;
    const std::uint64_t hits = gateway.counters().cache.flow_hits;
    for (int i = 0; i < 3; ++i) {
        only(from_tunnel(udp(to_router(request))));
        only_tunnelled(from_outside(udp(from_r(reply))));
    }
    EXPECT_EQ(gateway.counters().cache.pipeline_runs, runs + (cached() ? 0 : 6));
    EXPECT_EQ(gateway.counters().cache.flow_hits, hits + (cached() ? 6 : 0));
}

// What is asked of all goes to each endpoint once; the answer tells behind which one it is.
TEST_P(Overlay, MT_A12_a_neighbour_is_asked_for_through_every_tunnel) {
    const auto asked = from_tunnel(to_a9());
    // One goes out at once; the other one's endpoint, .22, is not known itself: it is asked for.
    ASSERT_EQ(asked.size(), 2u);
    const Opened request = open_vxlan(asked[0].bytes);
    EXPECT_EQ(request.fault, "");
    EXPECT_EQ(text(request.outer.destination), "198.51.100.21");
    EXPECT_EQ(request.vni, 5001u);
    EXPECT_EQ(decode(request.inner).ethertype, 0x0806);
    EXPECT_EQ(decode(request.inner).destination_mac, mac("ff:ff:ff:ff:ff:ff"));
    EXPECT_EQ(decode(asked[1].bytes).ethertype, 0x0806);
    EXPECT_EQ(gateway.counters().held, 2u);

    const auto resolved = gateway.inject("V0", arp({.source_mac = "02:00:00:00:22:01",
                                                    .destination_mac = "02:00:00:00:01:01",
                                                    .operation = 2,
                                                    .sender_mac = "02:00:00:00:22:01",
                                                    .sender_ip = "198.51.100.22",
                                                    .target_mac = "02:00:00:00:01:01",
                                                    .target_ip = "198.51.100.10"}));
    const Opened late = only_tunnelled(resolved);
    EXPECT_EQ(text(late.outer.destination), "198.51.100.22");
    EXPECT_EQ(late.inner, request.inner);
    EXPECT_EQ(gateway.counters().held, 1u);

    const Outer from_22{.source_mac = "02:00:00:00:22:01", .source = "198.51.100.22"};
    const Opened released = only_tunnelled(from_tunnel(answer_of_a9(), from_22));
    EXPECT_EQ(text(released.outer.destination), "198.51.100.22");
    EXPECT_EQ(to_string(decode(released.inner).destination_mac), "02:aa:00:00:00:09");
    EXPECT_EQ(gateway.counters().held, 0u);
}

TEST_P(Overlay, a_station_that_says_it_moved_is_followed_by_the_next_packet) {
    from_tunnel(to_a9());
    ASSERT_FALSE(from_tunnel(answer_of_a9()).empty());
    EXPECT_EQ(text(only_tunnelled(from_tunnel(to_a9())).outer.destination), "198.51.100.21");
    const std::uint64_t hits = gateway.counters().cache.flow_hits;
    const Outer from_22{.source_mac = "02:00:00:00:22:01", .source = "198.51.100.22"};
    gateway.inject("V0", arp_of_22());
    from_tunnel(gratuitous_arp_of_a9(), from_22);
    const Opened moved = only_tunnelled(from_tunnel(to_a9()));
    EXPECT_EQ(text(moved.outer.destination), "198.51.100.22");
    if (cached()) {
        EXPECT_EQ(gateway.counters().cache.flow_hits, hits + 1);
    }
}

TEST_P(Overlay, MT_A14_a_station_that_the_policy_moves_is_followed_by_the_next_packet) {
    const Bytes of_a = tcp(to_web({.tcp_flags = 0x02}));
    Packet of_b = to_router({.source = "10.1.1.5", .destination = "198.18.0.9"}, "02:bb:00:00:00:05");
    of_b.destination_mac = "02:00:00:00:01:01";
    const Bytes b = in_vxlan({.vni = 6001}, udp(of_b));
    EXPECT_EQ(text(only_tunnelled(from_outside(of_a)).outer.destination), "198.51.100.21");
    only(gateway.inject("V0", b));
    gateway.inject("V0", arp_of_22());

    const std::uint64_t runs = gateway.counters().cache.pipeline_runs;
    const auto moved =
        compiled(edited(overlay_texts(), "tenants/a.yaml", "\"02:aa:00:00:00:05\": 198.51.100.21",
                        "\"02:aa:00:00:00:05\": 198.51.100.22"));
    gateway.activate(*moved);
    EXPECT_EQ(text(only_tunnelled(from_outside(of_a)).outer.destination), "198.51.100.22");
    EXPECT_GT(gateway.counters().cache.pipeline_runs, runs);
    const std::uint64_t hits = gateway.counters().cache.flow_hits;
    only(gateway.inject("V0", b));
    if (cached()) {
        EXPECT_EQ(gateway.counters().cache.flow_hits, hits + 1);  // nothing of b's is invalid
        EXPECT_EQ(gateway.counters().cache.revalidated, 0u);
    }
}

// cache.inval of the requirements is cache.invalidated here.
TEST_P(Overlay, MT_A14_a_station_that_is_set_elsewhere_is_followed_and_no_other_flow_is_touched) {
    const InterfaceRef a1{0, 0};
    const auto reply_of = [&](const std::string& station, std::uint16_t port) {
        const Decoded sent = only(from_tunnel(udp(to_router(
            {.source = station, .destination = "203.0.113.9", .source_port = port, .destination_port = 53}))));
        Packet reply{.source = "203.0.113.9", .destination = text(sent.source)};
        reply.source_port = 53;
        reply.destination_port = sent.source_port();
        return udp(from_r(reply));
    };
    gateway.inject("V0", arp_of_22());
    from_tunnel(to_a9());
    ASSERT_FALSE(from_tunnel(answer_of_a9()).empty());
    const std::vector<Bytes> of_a5{reply_of("10.1.1.5", 5001), reply_of("10.1.1.5", 5002),
                                   reply_of("10.1.1.5", 5003)};
    const std::vector<Bytes> of_a9{reply_of("10.1.1.9", 5001), reply_of("10.1.1.9", 5002)};
    const auto expect_behind = [&](const std::vector<Bytes>& replies, const char* remote) {
        for (const Bytes& reply : replies) {
            EXPECT_EQ(text(only_tunnelled(from_outside(reply)).outer.destination), remote);
        }
    };
    const auto& cache = gateway.counters().cache;
    expect_behind(of_a5, "198.51.100.21");
    expect_behind(of_a9, "198.51.100.21");
    const std::uint64_t hits = cache.flow_hits;

    const Ip remote_22 = endpoint("198.51.100.22");
    const auto moved = gateway.shard().set_station(a1, mac("02:aa:00:00:00:05"), {.remote = remote_22});
    EXPECT_EQ(moved, 1u);
    expect_behind(of_a5, "198.51.100.22");
    expect_behind(of_a9, "198.51.100.21");
    gateway.counters();
    EXPECT_EQ(cache.invalidated, cached() ? 3u : 0u);
    EXPECT_EQ(cache.flow_hits, hits + (cached() ? 2 : 0));
    expect_behind(of_a5, "198.51.100.22");
    EXPECT_EQ(gateway.counters().cache.flow_hits, hits + (cached() ? 5 : 0));

    // Another image changes nothing about it, as long as the endpoint is one of the segment's.
    Texts texts = edited(overlay_texts(), "tenants/a.yaml", "service: tcp/8080", "service: tcp/8081");
    gateway.activate(*compiled(texts));
    expect_behind(of_a5, "198.51.100.22");
    EXPECT_EQ(gateway.shard().unset_station(a1, mac("02:aa:00:00:00:05")), 1u);
    expect_behind(of_a5, "198.51.100.21");
    EXPECT_EQ(gateway.shard().unset_station(a1, mac("02:aa:00:00:00:05")), std::nullopt);

    ASSERT_TRUE(gateway.shard().set_station(a1, mac("02:aa:00:00:00:05"), {.remote = remote_22}));
    texts = edited(std::move(texts), "tenants/a.yaml", "vni: 5001, remotes: [198.51.100.21, 198.51.100.22]",
                   "vni: 5001, remotes: 198.51.100.21");
    gateway.activate(*compiled(texts));
    expect_behind(of_a5, "198.51.100.21");
}

TEST_P(Overlay, what_is_known_of_a_segments_stations_ends_where_it_moves_to_another_port) {
    gateway.inject("V0", arp_of_22());
    ASSERT_TRUE(
        gateway.shard().set_station({0, 0}, mac("02:aa:00:00:00:05"), {.remote = endpoint("198.51.100.22")}));
    const Bytes southbound = tcp(to_web({.tcp_flags = 0x02}));
    EXPECT_EQ(text(only_tunnelled(from_outside(southbound)).outer.destination), "198.51.100.22");
    Texts texts = edited(overlay_texts(), "gateway.yaml", "  U0: {mtu: 1500}",
                         "  V1: {mtu: 1600, tunnel-endpoint: 198.51.100.10/24, neighbours: {198.51.100.21: "
                         "\"02:00:00:00:21:09\"}}\n  U0: {mtu: 1500}");
    texts = edited(std::move(texts), "tenants/a.yaml", "{port: V0, vni: 5001,", "{port: V1, vni: 5001,");
    gateway.activate(*compiled(texts));
    const auto sent = from_outside(southbound);
    const Opened moved = only_tunnelled(sent);
    EXPECT_EQ(gateway.image().port_names()[sent.at(0).port], "V1");
    EXPECT_EQ(text(moved.outer.destination), "198.51.100.21");
    EXPECT_EQ(to_string(moved.outer.destination_mac), "02:00:00:00:21:09");
    EXPECT_EQ(gateway.shard().unset_station({0, 0}, mac("02:aa:00:00:00:05")), std::nullopt);
}

TEST_P(Overlay, a_remote_that_the_policy_takes_away_is_nobodys_any_more) {
    only_tunnelled(from_outside(tcp(to_web({.tcp_flags = 0x02}))));
    Texts texts =
        edited(overlay_texts(), "tenants/a.yaml", "vni: 5001, remotes: [198.51.100.21, 198.51.100.22]",
               "vni: 5001, remotes: 198.51.100.22");
    texts = edited(std::move(texts), "tenants/a.yaml", "\"02:aa:00:00:00:05\": 198.51.100.21",
                   "\"02:aa:00:00:00:05\": 198.51.100.22");
    const auto without = compiled(texts);
    gateway.activate(*without);
    EXPECT_TRUE(from_tunnel(udp(to_router({}))).empty());
    EXPECT_EQ(gateway.drops("underlay-V0.V0", DropReason::UNKNOWN_TEP), 1u);
    gateway.inject("V0", arp_of_22());
    EXPECT_EQ(text(only_tunnelled(from_outside(tcp(to_web({.tcp_flags = 0x02})))).outer.destination),
              "198.51.100.22");
}

TEST_P(Overlay, MT_A26_an_unknown_vni_is_dropped_in_silence) {
    EXPECT_TRUE(from_tunnel(udp(to_router({})), {.vni = 7777}).empty());
    EXPECT_EQ(gateway.drops("underlay-V0.V0", DropReason::UNKNOWN_VNI), 1u);
}

TEST_P(Overlay, what_is_no_vxlan_of_ours_is_dropped_by_name) {
    const Bytes inner = udp(to_router({}));
    EXPECT_TRUE(from_tunnel(inner, {.flags = 0}).empty());
    EXPECT_EQ(gateway.drops("underlay-V0.V0", DropReason::VXLAN_BAD_FLAGS), 1u);
    EXPECT_TRUE(from_tunnel(inner, {.source = "198.51.100.23"}).empty());
    EXPECT_EQ(gateway.drops("underlay-V0.V0", DropReason::UNKNOWN_TEP), 1u);
    EXPECT_TRUE(from_tunnel(inner, {.source = "198.51.100.22", .vni = 6001}).empty());  // b1 has only .21
    EXPECT_EQ(gateway.drops("underlay-V0.V0", DropReason::UNKNOWN_TEP), 2u);
    Packet tagged = to_router({});
    tagged.vlan = 5;
    EXPECT_TRUE(from_tunnel(udp(tagged)).empty());
    EXPECT_EQ(gateway.drops("underlay-V0.V0", DropReason::UNKNOWN_VLAN), 1u);
    EXPECT_TRUE(from_tunnel(Bytes(inner.begin(), inner.begin() + 13)).empty());
    EXPECT_EQ(gateway.drops("underlay-V0.V0", DropReason::SHORT), 1u);
    // Not for the endpoint's port, and to another host: nothing is forwarded over the underlay.
    EXPECT_TRUE(from_tunnel(inner, {.destination = "198.51.100.99"}).empty());
    EXPECT_EQ(gateway.drops("underlay-V0.sr", DropReason::FW_DENY), 1u);
}

TEST_P(Overlay, an_outer_udp_checksum_may_be_there) {
    EXPECT_EQ(from_tunnel(udp(to_router({})), {.no_udp_checksum = false}).size(), 1u);
}

TEST_P(Overlay, MT_A34_padding_does_not_enter_a_tunnel) {
    Bytes frame = padded(tcp(to_web({.tcp_flags = 0x02, .payload = {}})), 64);
    const Opened sent = only_tunnelled(from_outside(frame));
    EXPECT_EQ(sent.inner.size(), 14u + 40u);
}

TEST_P(Overlay, MT_A38_the_outer_dscp_follows_each_packet) {
    const Decoded first =
        only(from_tunnel(udp(to_router({.source = "10.1.1.5", .destination = "203.0.113.9"}))));
    Packet reply{.source = "203.0.113.9", .destination = "192.0.2.10"};
    reply.source_port = first.destination_port();
    reply.destination_port = first.source_port();
    EXPECT_EQ(only_tunnelled(from_outside(udp(from_r(reply)))).outer.tos, 0);
    const std::uint64_t hits = gateway.counters().cache.flow_hits;
    reply.tos = 46 << 2;
    const Opened marked = only_tunnelled(from_outside(udp(from_r(reply))));
    EXPECT_EQ(marked.outer.tos, 46 << 2);
    EXPECT_EQ(decode(marked.inner).tos, 46 << 2);
    if (cached()) {
        EXPECT_EQ(gateway.counters().cache.flow_hits, hits + 1);
    }
}

// RFC 6040 figure 4.
TEST_P(Overlay, congestion_on_the_way_is_carried_on_or_drops_what_cannot_say_so) {
    const auto behind = [&](std::uint8_t outer, std::uint8_t inner) {
        Packet packet = to_router({.source = "10.1.1.5", .destination = "203.0.113.9"});
        packet.tos = static_cast<std::uint8_t>(0x20 | inner);
        const auto sent = from_tunnel(udp(packet), {.tos = outer});
        return sent.empty() ? -1 : only(sent).tos - 0x20;
    };
    constexpr int dropped = -1;
    constexpr std::uint8_t not_ect = 0, ect1 = 1, ect0 = 2, ce = 3;
    EXPECT_EQ(behind(not_ect, not_ect), not_ect);
    EXPECT_EQ(behind(ect0, not_ect), not_ect);
    EXPECT_EQ(behind(ect1, not_ect), not_ect);
    EXPECT_EQ(behind(ce, not_ect), dropped);
    EXPECT_EQ(behind(not_ect, ect0), ect0);
    EXPECT_EQ(behind(ect0, ect0), ect0);
    EXPECT_EQ(behind(ect1, ect0), ect1);
    EXPECT_EQ(behind(ce, ect0), ce);
    EXPECT_EQ(behind(not_ect, ect1), ect1);
    EXPECT_EQ(behind(ect0, ect1), ect1);
    EXPECT_EQ(behind(ect1, ect1), ect1);
    EXPECT_EQ(behind(ce, ect1), ce);
    EXPECT_EQ(behind(not_ect, ce), ce);
    EXPECT_EQ(behind(ect0, ce), ce);
    EXPECT_EQ(behind(ect1, ce), ce);
    EXPECT_EQ(behind(ce, ce), ce);
    EXPECT_EQ(gateway.drops("a.a1", DropReason::ECN_CE_NONECT), 1u);
}

TEST_P(Overlay, MT_A11_too_long_for_the_tunnel_is_told_with_the_addresses_its_source_knows) {
    only_tunnelled(from_outside(tcp(to_web({.tcp_flags = 0x02}))));
    const Packet answer{.source = "10.1.1.5",
                        .destination = "203.0.113.9",
                        .source_port = 8080,
                        .destination_port = 4000,
                        .tcp_flags = 0x12};
    only(from_tunnel(tcp(to_router(answer))));
    only_tunnelled(from_outside(tcp(to_web({.tcp_flags = 0x10}))));
    const Bytes large = tcp(to_web({.tcp_flags = 0x10, .payload = Bytes(1600 - 40, 1), .dont_fragment = true}));
    const Decoded error = only(from_outside(large));
    EXPECT_EQ(text(error.destination), "203.0.113.9");
    EXPECT_EQ(error.byte(0), 3);
    EXPECT_EQ(error.byte(1), 4);
    EXPECT_EQ(error.word(6), 1550);
    const Decoded quoted = decode_quoted(error);
    EXPECT_EQ(text(quoted.destination), "192.0.2.11");
    EXPECT_EQ(quoted.destination_port(), 80);
    only_tunnelled(from_outside(tcp(to_web({.tcp_flags = 0x10, .payload = Bytes(1550 - 40, 1)}))));
}

TEST_P(Overlay, a_packet_too_long_for_the_tunnel_is_told_what_fits) {
    const auto sent = from_tunnel(udp(to_router({.source = "10.1.1.5",
                                                 .destination = "10.1.1.5",
                                                 .payload = Bytes(1550 - 28, 1),
                                                 .dont_fragment = true})));
    EXPECT_EQ(only_tunnelled(sent).inner.size(), 14u + 1550u);
    const auto refused = from_tunnel(udp(to_router({.source = "10.1.1.5",
                                                    .destination = "10.1.1.5",
                                                    .payload = Bytes(1551 - 28, 1),
                                                    .dont_fragment = true})));
    const Decoded error = decode(only_tunnelled(refused).inner);
    EXPECT_EQ(error.byte(0), 3);
    EXPECT_EQ(error.byte(1), 4);
    EXPECT_EQ(error.word(6), 1550);
}

TEST_P(Overlay, the_router_is_asked_for_through_a_tunnel_and_answers_through_it) {
    const auto sent = from_tunnel(arp({.source_mac = "02:aa:00:00:00:09",
                                       .operation = 1,
                                       .sender_mac = "02:aa:00:00:00:09",
                                       .sender_ip = "10.1.1.9",
                                       .target_ip = "10.1.1.1"}));
    const Opened answer = only_tunnelled(sent);
    EXPECT_EQ(text(answer.outer.destination), "198.51.100.21");
    EXPECT_EQ(to_string(decode(answer.inner).destination_mac), "02:aa:00:00:00:09");
    EXPECT_EQ(get16(answer.inner, 20), 2);
}

TEST_P(Overlay, the_endpoint_itself_answers_echo_requests) {
    const auto sent = gateway.inject("V0", echo_request({.source_mac = "02:00:00:00:21:01",
                                                         .destination_mac = "02:00:00:00:01:01",
                                                         .source = "198.51.100.21",
                                                         .destination = "198.51.100.10"}));
    EXPECT_EQ(only(sent).kind(), Kind::echo_reply);
}

TEST_P(Overlay, ipv6_stations_are_found_and_reached_through_tunnels) {
    const Packet out{.source = "2001:db8:a:1::5", .destination = "2001:db8:9::1"};
    EXPECT_EQ(only(from_tunnel(udp(to_router(out)))).family, Family::v6);
    Packet back{.source = "2001:db8:9::1", .destination = "2001:db8:a:1::5"};
    back.source_port = 80;
    back.destination_port = 5000;
    const auto asked = from_outside(udp(from_r(back)));
    ASSERT_FALSE(asked.empty());
    const Decoded solicitation = decode(open_vxlan(asked[0].bytes).inner);
    EXPECT_EQ(solicitation.byte(0), 135);
    const auto released = from_tunnel(neighbour_advertisement({.source_mac = "02:aa:00:00:00:05",
                                                               .destination_mac = "02:50:56:56:44:52",
                                                               .source = "2001:db8:a:1::5",
                                                               .destination = "2001:db8:a:1::1",
                                                               .target = "2001:db8:a:1::5",
                                                               .link_layer = "02:aa:00:00:00:05",
                                                               .solicited = true,
                                                               .override_flag = true}));
    const Opened sent = only_tunnelled(released);
    EXPECT_EQ(text(sent.outer.destination), "198.51.100.21");
    EXPECT_EQ(to_string(decode(sent.inner).destination_mac), "02:aa:00:00:00:05");
    // The solicitation for .22 waits for that endpoint's MAC, which nobody tells.
    EXPECT_EQ(gateway.counters().held, 1u);
}

}  // namespace
}  // namespace sluice::test
