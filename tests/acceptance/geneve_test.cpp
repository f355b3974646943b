// SPDX-License-Identifier: Apache-2.0
//
// Acceptance: a segment behind Geneve (RFC 8926) beside one behind VXLAN, with the same VNI and the same
// endpoints: a1 is Geneve's VNI 5001, a2 VXLAN's.
#include "tests/acceptance/tunnelled.h"

namespace sluice::test {
namespace {

Texts texts_of_two_kinds() {
    return edited(edited(overlay_texts(), "tenants/a.yaml", "vxlan: {port: V0, vni: 5001,",
                         "geneve: {port: V0, vni: 5001,"),
                  "tenants/a.yaml", "vni: 5002,", "vni: 5001,");
}

constexpr const char* underlay = "underlay-V0.V0";

class GeneveTunnels : public Tunnelled {
  protected:
    GeneveTunnels() : Tunnelled(texts_of_two_kinds) {}

    static Bytes from_a5() {
        return udp({.source_mac = "02:aa:00:00:00:05",
                    .destination_mac = "02:50:56:56:44:52",
                    .source = "10.1.1.5",
                    .destination = "203.0.113.9"});
    }
    std::vector<SentFrame> from_geneve(const Bytes& inner, const GeneveFields& fields = {}) {
        return gateway.inject("V0", in_geneve({}, inner, fields));
    }
    static Opened only_in_geneve(const std::vector<SentFrame>& sent) {
        return only_tunnelled(sent, open_geneve);
    }
};
SLUICE_OVERLAY(GeneveTunnels);

TEST_P(GeneveTunnels, southbound_leaves_without_options_to_the_stations_endpoint) {
    const Opened sent =
        only_in_geneve(from_outside(tcp(to_web({.tcp_flags = 0x02, .ttl = 64, .tos = 46 << 2}))));
    EXPECT_EQ(to_string(sent.outer.destination_mac), "02:00:00:00:21:01");
    EXPECT_EQ(text(sent.outer.source), "198.51.100.10");
    EXPECT_EQ(text(sent.outer.destination), "198.51.100.21");
    EXPECT_GE(sent.outer.source_port(), 49152);
    EXPECT_EQ(sent.vni, 5001u);
    const Decoded inner = decode(sent.inner);
    EXPECT_EQ(to_string(inner.destination_mac), "02:aa:00:00:00:05");
    EXPECT_EQ(text(inner.destination), "10.1.1.5");
    EXPECT_EQ(inner.ttl, 62);
}

TEST_P(GeneveTunnels, a_flow_is_served_both_ways_with_options_and_without) {
    const Decoded first = only(from_geneve(from_a5()));
    EXPECT_EQ(text(first.source), "192.0.2.10");
    Packet reply{.source = "203.0.113.9", .destination = "192.0.2.10", .tos = 46 << 2};
    reply.source_port = first.destination_port();
    reply.destination_port = first.source_port();
    only_in_geneve(from_outside(udp(from_r(reply))));
    const std::uint64_t hits = gateway.counters().cache.flow_hits;
    EXPECT_EQ(only(from_geneve(from_a5())).source_port(), first.source_port());
    const Bytes timestamps{0x01, 0x01, 0x01, 0x01,
                           1,    2,    3,    4};  // an option that may be left unread, 4 bytes long
    EXPECT_EQ(only(from_geneve(from_a5(), {.options = timestamps})).source_port(), first.source_port());
    const Opened back = only_in_geneve(from_outside(udp(from_r(reply))));
    EXPECT_EQ(back.outer.tos, 46 << 2);
    EXPECT_EQ(text(back.outer.destination), "198.51.100.21");
    if (cached()) {
        EXPECT_EQ(gateway.counters().cache.flow_hits, hits + 3);
    }
}

TEST_P(GeneveTunnels, what_must_be_understood_and_is_not_is_dropped_by_name) {
    EXPECT_TRUE(from_geneve(from_a5(), {.options = {0, 1, 0x81, 0}, .critical = true}).empty());
    EXPECT_EQ(gateway.drops(underlay, DropReason::GENEVE_CRITICAL), 1u);
    EXPECT_TRUE(from_geneve(from_a5(), {.control = true}).empty());
    EXPECT_EQ(gateway.drops(underlay, DropReason::GENEVE_CONTROL), 1u);
    EXPECT_TRUE(from_geneve(from_a5(), {.version = 1}).empty());
    EXPECT_EQ(gateway.drops(underlay, DropReason::GENEVE_VERSION), 1u);
    EXPECT_TRUE(from_geneve(from_a5(), {.protocol = 0x0800}).empty());
    EXPECT_EQ(gateway.drops(underlay, DropReason::BAD_ETHERTYPE), 1u);
    EXPECT_TRUE(gateway.inject("V0", in_geneve({.vni = 7777}, from_a5())).empty());
    EXPECT_EQ(gateway.drops(underlay, DropReason::UNKNOWN_VNI), 1u);
    EXPECT_TRUE(gateway.inject("V0", in_geneve({.source = "198.51.100.23"}, from_a5())).empty());
    EXPECT_EQ(gateway.drops(underlay, DropReason::UNKNOWN_TEP), 1u);
    EXPECT_TRUE(from_geneve(from_a5(), {.option_words = 63}).empty());
    EXPECT_EQ(gateway.drops(underlay, DropReason::SHORT), 1u);
}

TEST_P(GeneveTunnels, vnis_of_vxlan_are_others) {
    const Packet packet{.source_mac = "02:aa:00:00:02:09",
                        .destination_mac = "02:50:56:56:44:52",
                        .source = "10.1.2.9",
                        .destination = "203.0.113.9"};
    EXPECT_EQ(text(only(from_tunnel(udp(packet))).source), "192.0.2.10");
    EXPECT_EQ(gateway.drops("a.sr", DropReason::URPF), 0u);
    EXPECT_TRUE(from_geneve(udp(packet)).empty());  // a2's address on a1
    EXPECT_EQ(gateway.drops("a.sr", DropReason::URPF), 1u);
    const auto asked = from_tunnel(arp({.source_mac = "02:aa:00:00:02:09",
                                        .operation = 1,
                                        .sender_mac = "02:aa:00:00:02:09",
                                        .sender_ip = "10.1.2.9",
                                        .target_ip = "10.1.2.1"}));
    ASSERT_EQ(asked.size(), 1u);
    EXPECT_EQ(open_vxlan(asked[0].bytes).fault, "");
}

TEST_P(GeneveTunnels, stations_are_asked_for_and_answered_through_it) {
    const auto asked = from_geneve(udp({.source_mac = "02:aa:00:00:00:05",
                                        .destination_mac = "02:50:56:56:44:52",
                                        .source = "10.1.1.5",
                                        .destination = "10.1.1.9"}));
    ASSERT_EQ(asked.size(), 2u);  // .22 is asked for first
    EXPECT_EQ(decode(open_geneve(asked[0].bytes).inner).ethertype, 0x0806);
    const Opened released = only_in_geneve(from_geneve(arp({.source_mac = "02:aa:00:00:00:09",
                                                            .destination_mac = "02:50:56:56:44:52",
                                                            .operation = 2,
                                                            .sender_mac = "02:aa:00:00:00:09",
                                                            .sender_ip = "10.1.1.9",
                                                            .target_mac = "02:50:56:56:44:52",
                                                            .target_ip = "10.1.1.1"})));
    EXPECT_EQ(text(released.outer.destination), "198.51.100.21");
    EXPECT_EQ(to_string(decode(released.inner).destination_mac), "02:aa:00:00:00:09");
}

TEST_P(GeneveTunnels, congestion_on_the_way_is_carried_on) {
    EXPECT_TRUE(gateway.inject("V0", in_geneve({.tos = 3}, from_a5())).empty());
    EXPECT_EQ(gateway.drops("a.a1", DropReason::ECN_CE_NONECT), 1u);
}

}  // namespace
}  // namespace sluice::test
