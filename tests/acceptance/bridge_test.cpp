// SPDX-License-Identifier: Apache-2.0
//
// Acceptance: a segment with tunnels that is on ports as well (seed-systems 1.3, "L2 stage rules"). a1 is VNI
// 5001 behind .21 and .22, VLAN 501 of port B0, and port B1 without a tag; a5 is a static station behind .21.
#include "tests/acceptance/tunnelled.h"

namespace sluice::test {
namespace {

constexpr const char* a5 = "02:aa:00:00:00:05";
constexpr const char* a7 = "02:aa:00:00:00:07";
constexpr const char* a8 = "02:aa:00:00:00:08";
constexpr const char* everybody = "ff:ff:ff:ff:ff:ff";
const Outer from_22{.source_mac = "02:00:00:00:22:01", .source = "198.51.100.22"};

class Bridge : public Tunnelled {
  protected:
    Bridge() : Tunnelled(bridge_texts) {}

    static Bytes between(const std::string& source, const std::string& destination, std::uint16_t vlan = 0) {
        Packet packet{.source_mac = source, .destination_mac = destination, .source = "10.1.1.77"};
        packet.destination = "10.1.1.78";
        if (vlan != 0) packet.vlan = vlan;
        return udp(packet);
    }
    std::vector<SentFrame> from_b0(const std::string& source, const std::string& destination) {
        return gateway.inject("B0", between(source, destination, 501));
    }
    std::vector<SentFrame> from_b1(const std::string& source, const std::string& destination) {
        return gateway.inject("B1", between(source, destination));
    }
    /// "V0 198.51.100.21", "B0 501", "B1": where each went, in order; what went is the same frame everywhere.
    std::vector<std::string> ways(const std::vector<SentFrame>& sent, const std::string& source,
                                  const std::string& destination) {
        std::vector<std::string> words;
        for (const SentFrame& frame : sent) {
            const auto name = std::string(gateway.image().port_names()[frame.port]);
            Bytes bytes = frame.bytes;
            if (name == "V0") {
                const Opened opened = open_vxlan(bytes);
                EXPECT_EQ(opened.fault, "");
                EXPECT_EQ(opened.vni, 5001u);
                EXPECT_EQ(opened.inner, between(source, destination));
                words.push_back(name + " " + text(opened.outer.destination));
                continue;
            }
            const Decoded decoded = decode(bytes);
            EXPECT_EQ(to_string(decoded.source_mac), source);
            EXPECT_EQ(to_string(decoded.destination_mac), destination);
            EXPECT_EQ(decoded.ttl, 64);
            EXPECT_GE(bytes.size(), 60u);
            words.push_back(decoded.vids.empty() ? name : name + " " + std::to_string(decoded.vids.at(0)));
        }
        return words;
    }
    using Ways = std::vector<std::string>;
    std::uint64_t a1_drops(DropReason reason) { return gateway.drops("a.a1", reason); }
};
SLUICE_OVERLAY(Bridge);

TEST_P(Bridge, MT_A35_unknown_unicast_goes_to_each_endpoint_once_and_from_a_tunnel_to_none) {
    EXPECT_EQ(ways(from_b0(a7, a8), a7, a8), (Ways{"V0 198.51.100.21", "V0 198.51.100.22", "B1"}));
    EXPECT_EQ(gateway.counters().copies, 2u);
    EXPECT_EQ(ways(from_tunnel(between(a8, "02:aa:00:00:00:66")), a8, "02:aa:00:00:00:66"),
              (Ways{"B0 501", "B1"}));
    EXPECT_EQ(gateway.counters().copies, 3u);
    EXPECT_EQ(gateway.counters().total_drops(), 0u);
    EXPECT_EQ(gateway.counters().cache.pipeline_runs, 0u);
}

TEST_P(Bridge, a_station_that_spoke_is_reached_where_it_spoke) {
    from_b0(a7, everybody);
    EXPECT_EQ(ways(from_tunnel(between(a8, a7), from_22), a8, a7), (Ways{"B0 501"}));
    EXPECT_EQ(ways(from_b1("02:aa:00:00:00:09", a8), "02:aa:00:00:00:09", a8), (Ways{"V0 198.51.100.22"}));
    from_b1(a7, everybody);  // it moved
    EXPECT_EQ(ways(from_tunnel(between(a8, a7), from_22), a8, a7), (Ways{"B1"}));
    gateway.advance(seconds(301));  // and has been silent since
    EXPECT_EQ(ways(from_tunnel(between(a8, a7), from_22), a8, a7), (Ways{"B0 501", "B1"}));
}

TEST_P(Bridge, a_station_of_the_policy_is_where_the_policy_says) {
    EXPECT_EQ(ways(from_b0(a7, a5), a7, a5), (Ways{"V0 198.51.100.21"}));
    from_tunnel(between(a5, everybody), from_22);
    EXPECT_EQ(ways(from_b0(a7, a5), a7, a5), (Ways{"V0 198.51.100.21"}));
}

TEST_P(Bridge, frames_do_not_go_back_into_the_mesh_nor_out_of_their_own_port) {
    EXPECT_TRUE(from_tunnel(between(a8, a5), from_22).empty());
    EXPECT_EQ(a1_drops(DropReason::SPLIT_HORIZON), 1u);
    from_b0(a7, everybody);
    EXPECT_TRUE(from_b0("02:aa:00:00:00:09", a7).empty());
    EXPECT_EQ(a1_drops(DropReason::SPLIT_HORIZON), 2u);
}

TEST_P(Bridge, what_is_for_all_reaches_all_and_the_router_takes_its_part) {
    const auto question = [](std::string_view target) {
        return arp({.source_mac = a7,
                    .operation = 1,
                    .sender_mac = a7,
                    .sender_ip = "10.1.1.7",
                    .target_ip = std::string(target)});
    };
    const auto flooded = gateway.inject("B1", question("10.1.1.8"));
    EXPECT_EQ(flooded.size(), 3u);
    EXPECT_EQ(gateway.counters().total_drops(), 0u);
    const auto answered = gateway.inject("B1", question("10.1.1.1"));
    ASSERT_EQ(answered.size(), 4u);
    EXPECT_EQ(gateway.image().port_names()[answered[3].port], "B1");
    const Decoded answer = decode(answered[3].bytes);
    EXPECT_EQ(to_string(answer.destination_mac), a7);
    EXPECT_EQ(gateway.counters().consumed, 1u);
    const auto multicast = from_tunnel(between(a8, "01:00:5e:00:00:05"));
    EXPECT_EQ(multicast.size(), 2u);
    EXPECT_EQ(gateway.counters().total_drops(), 0u);
}

TEST_P(Bridge, a_station_is_where_somebody_says_whatever_its_frames_tell) {
    const InterfaceRef a1{0, 0};
    const auto slot =
        gateway.image().tenants()[0].interface_slot(gateway.image().tenants()[0].first_attachment);
    ASSERT_EQ(gateway.shard().set_station(a1, mac(a7), {.attachment = slot}), 0u);
    from_b1(a7, everybody);
    EXPECT_EQ(ways(from_tunnel(between(a8, a7)), a8, a7), (Ways{"B0 501"}));
    ASSERT_TRUE(gateway.shard().set_station(a1, mac(a5), {.attachment = slot}));  // the policy says .21
    EXPECT_EQ(ways(from_b1(a8, a5), a8, a5), (Ways{"B0 501"}));
    gateway.advance(seconds(1000));
    std::uint32_t known = 0;
    for (std::uint32_t place = 0; place < gateway.shard().station_places(); ++place) {
        const auto station = gateway.shard().station(place);
        if (!station) continue;
        EXPECT_TRUE(station->set);
        EXPECT_EQ(station->place.attachment, slot);
        ++known;
    }
    EXPECT_EQ(known, 2u);
    EXPECT_TRUE(gateway.shard().unset_station(a1, mac(a5)));
    EXPECT_EQ(ways(from_b1(a8, a5), a8, a5), (Ways{"V0 198.51.100.21"}));
}

// What is no IP is none of the router's business.
TEST_P(Bridge, other_protocols_are_switched_and_control_of_the_link_is_not) {
    Bytes frame = between(a7, a8);
    frame[12] = 0x88;
    frame[13] = 0xb5;
    const auto sent = gateway.inject("B1", frame);
    ASSERT_EQ(sent.size(), 3u);
    EXPECT_EQ(open_vxlan(sent[0].bytes).inner, frame);
    EXPECT_TRUE(gateway.inject("B1", between(a7, "01:80:c2:00:00:00")).empty());
    EXPECT_EQ(gateway.drops("gateway.B1", DropReason::L2_CTRL), 1u);
}

TEST_P(Bridge, a_frame_that_does_not_fit_or_says_congestion_in_vain_is_dropped_by_name) {
    Packet large{.source_mac = a7, .destination_mac = a8, .payload = Bytes(1501 - 28, 1)};
    large.vlan = 501;
    EXPECT_TRUE(gateway.inject("B0", udp(large)).empty());
    EXPECT_EQ(a1_drops(DropReason::MTU), 1u);
    large.payload.pop_back();
    EXPECT_EQ(gateway.inject("B0", udp(large)).size(), 3u);
    EXPECT_TRUE(from_tunnel(between(a8, a7), {.tos = 3}).empty());
    EXPECT_EQ(a1_drops(DropReason::ECN_CE_NONECT), 1u);
}

TEST_P(Bridge, unknown_stations_may_be_left_alone) {
    const auto image =
        compiled(edited(bridge_texts(), "tenants/a.yaml", "    bridge:", "    unknown: drop\n    bridge:"));
    gateway.activate(*image);
    EXPECT_TRUE(from_b0(a7, a8).empty());
    EXPECT_EQ(a1_drops(DropReason::FLOOD_LIMIT), 1u);
    EXPECT_EQ(from_b0(a7, everybody).size(), 3u);
    EXPECT_EQ(ways(from_tunnel(between(a8, a7)), a8, a7), (Ways{"B0 501"}));
}

TEST_P(Bridge, the_limit_of_packets_holds_for_what_is_switched_as_well) {
    const auto image = compiled(
        edited(bridge_texts(), "tenants/a.yaml", "firewall:\n", "limits: {packets: 4/s}\nfirewall:\n"));
    gateway.activate(*image);
    gateway.advance(seconds(1));
    const Bytes routed = udp({.source_mac = a5,
                              .destination_mac = "02:50:56:56:44:52",
                              .source = "10.1.1.5",
                              .destination = "203.0.113.9"});
    EXPECT_EQ(from_tunnel(routed).size(), 1u);
    EXPECT_EQ(from_tunnel(routed).size(), 1u);
    EXPECT_EQ(from_b0(a7, everybody).size(), 3u);
    EXPECT_EQ(from_b0(a7, a5).size(), 1u);
    // One of a known flow where a switched one was before it, then switched ones.
    EXPECT_TRUE(from_tunnel(routed).empty());
    EXPECT_TRUE(from_b0(a7, a5).empty());
    EXPECT_TRUE(from_b0(a7, everybody).empty());
    EXPECT_EQ(a1_drops(DropReason::PACKET_RATE), 3u);
    gateway.advance(seconds(1));
    EXPECT_EQ(from_tunnel(routed).size(), 1u);
    EXPECT_EQ(from_b0(a7, a5).size(), 1u);
}

TEST_P(Bridge, the_router_reaches_stations_behind_ports_and_tunnels_alike) {
    const Packet request{.source_mac = a7,
                         .destination_mac = "02:50:56:56:44:52",
                         .vlan = 501,
                         .source = "10.1.1.7",
                         .destination = "203.0.113.9"};
    const Decoded out = only(gateway.inject("B0", udp(request)));
    EXPECT_EQ(text(out.source), "192.0.2.10");
    Packet reply{.source = "203.0.113.9", .destination = "192.0.2.10"};
    reply.source_port = out.destination_port();
    reply.destination_port = out.source_port();
    EXPECT_EQ(from_outside(udp(from_r(reply))).size(), 4u);  // it is asked for, everywhere
    const auto released = gateway.inject("B0", arp({.source_mac = a7,
                                                    .destination_mac = "02:50:56:56:44:52",
                                                    .vlan = 501,
                                                    .operation = 2,
                                                    .sender_mac = a7,
                                                    .sender_ip = "10.1.1.7",
                                                    .target_mac = "02:50:56:56:44:52",
                                                    .target_ip = "10.1.1.1"}));
    const auto expect_at_b0 = [&](const std::vector<SentFrame>& sent) {
        const Decoded back = only(sent);
        EXPECT_EQ(gateway.image().port_names()[sent.at(0).port], "B0");
        EXPECT_EQ(back.vids, std::vector<std::uint16_t>{501});
        EXPECT_EQ(to_string(back.destination_mac), a7);
        EXPECT_EQ(text(back.destination), "10.1.1.7");
    };
    expect_at_b0(released);
    expect_at_b0(from_outside(udp(from_r(reply))));
    const std::uint64_t hits = gateway.counters().cache.flow_hits;
    expect_at_b0(from_outside(udp(from_r(reply))));
    only(gateway.inject("B0", udp(request)));
    if (cached()) {
        EXPECT_EQ(gateway.counters().cache.flow_hits, hits + 2);
    }
    // The policy takes the VLAN away: the station is nowhere until it is heard of.
    const auto without =
        compiled(edited(bridge_texts(), "tenants/a.yaml", "{vlan: {port: B0, id: 501}}, ", ""));
    gateway.activate(*without);
    EXPECT_EQ(from_outside(udp(from_r(reply))).size(), 3u);
    EXPECT_EQ(ways(from_b1(a8, a7), a8, a7), (Ways{"V0 198.51.100.21", "V0 198.51.100.22"}));
}

}  // namespace
}  // namespace sluice::test
