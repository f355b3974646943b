// SPDX-License-Identifier: Apache-2.0
//
// From a frame to an interface: tags, MACs, ethertypes, and the same on the way out.
#include "tests/runtime/shard/lab.h"

namespace sluice::test {
namespace {

using Layer2 = ShardTest;
SLUICE_SHARD_TEST(Layer2);

TEST_P(Layer2, qinq_and_untagged_interfaces_in_and_out) {
    for (int i = 0; i < 2; ++i) {
        const auto out = inside(udp(on_db({.source = "10.1.2.5", .destination = "198.18.0.9"})));
        ASSERT_EQ(out.size(), 1u);
        const Decoded left = decode(out[0].bytes);
        EXPECT_TRUE(left.vids.empty());
        EXPECT_EQ(out[0].port, gateway->port_of("uplink0"));
        const auto back = outside(udp(on_net({.source = "198.18.0.9",
                                              .destination = from(left),
                                              .source_port = 80,
                                              .destination_port = left.source_port()})));
        ASSERT_EQ(back.size(), 1u);
        const std::uint8_t tags[] = {0x88, 0xa8, 0, 100, 0x81, 0x00, 0, 7, 0x08, 0x00};
        EXPECT_TRUE(std::equal(std::begin(tags), std::end(tags), back[0].bytes.begin() + 12));
        EXPECT_EQ(to_string(decode(back[0].bytes).destination_mac), "02:b1:00:00:02:05");
    }
}

TEST_P(Layer2, a_priority_tag_names_no_vlan) {
    Packet packet = on_net({.source = "198.18.0.9", .destination = "203.0.113.2"});
    packet.vlan = 0;
    EXPECT_EQ(decode(outside(echo_request(packet)).at(0).bytes).vids, std::vector<std::uint16_t>{});
    Packet tagged = on_web({.destination = "10.1.1.1"});
    tagged.outer_vlan = 0;
    EXPECT_EQ(only(inside(echo_request(tagged))).vids, std::vector<std::uint16_t>{110});
}

TEST_P(Layer2, what_is_not_for_us_is_counted_by_what_it_is) {
    const auto dropped = [&](const Packet& packet, const char* component, DropReason reason) {
        const std::uint64_t before = drops(component, reason);
        EXPECT_TRUE(inside(udp(packet)).empty());
        EXPECT_EQ(drops(component, reason), before + 1) << component << " " << name_of(reason);
    };
    Packet packet = on_web({});
    packet.vlan = 111;
    dropped(packet, "gateway.access0", DropReason::UNKNOWN_VLAN);
    packet.vlan.reset();
    dropped(packet, "gateway.access0", DropReason::UNKNOWN_VLAN);
    packet = on_db({});
    packet.outer_vlan.reset();
    dropped(packet, "gateway.access0", DropReason::UNKNOWN_VLAN);
    packet = on_web({});
    packet.destination_mac = "02:00:5e:00:01:02";
    dropped(packet, "blue.web", DropReason::NOT_OURS);
    packet.destination_mac = "01:00:5e:00:00:05";
    dropped(packet, "blue.web", DropReason::NOT_OURS);
    packet.destination_mac = "01:80:c2:00:00:0e";
    dropped(packet, "gateway.access0", DropReason::L2_CTRL);
    packet = on_web({});
    packet.source_mac = "03:00:00:00:00:01";
    dropped(packet, "blue.web", DropReason::BAD_SMAC);

    Bytes other = udp(on_web({}));
    other[16] = 0x88;
    other[17] = 0xcc;
    EXPECT_TRUE(inside(other).empty());
    EXPECT_EQ(drops("blue.web", DropReason::BAD_ETHERTYPE), 1u);
    for (const std::size_t length : {0u, 1u, 13u, 15u, 17u}) {
        const Bytes frame = udp(on_web({}));
        EXPECT_TRUE(inside(Bytes(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(length))).empty());
    }
    EXPECT_EQ(drops("gateway.access0", DropReason::SHORT), 5u);
    const Bytes frame = udp(on_web({}));
    EXPECT_TRUE(inside(Bytes(frame.begin(), frame.begin() + 18)).empty());
    EXPECT_TRUE(inside(Bytes(frame.begin(), frame.begin() + 40)).empty());
    EXPECT_EQ(drops("blue.sr", DropReason::SHORT), 1u);
    EXPECT_EQ(drops("blue.sr", DropReason::IP_TOTLEN), 1u);
    // A tenant's rx counts all that entered by one of its interfaces.
    EXPECT_EQ(counters().tenants[blue].rx.packets, 6u);
}

TEST_P(Layer2, a_known_flow_does_not_excuse_a_wrong_mac) {
    only(inside(udp(on_web({}))));
    only(inside(udp(on_web({}))));
    Packet packet = on_web({});
    packet.destination_mac = "02:00:5e:00:01:02";
    EXPECT_TRUE(inside(udp(packet)).empty());
    packet = on_web({});
    packet.vlan = 210;  // the same packet in another tenant
    inside(udp(packet));
    EXPECT_EQ(counters().tenants[red].rx.packets, 1u);
    EXPECT_EQ(counters().tenants[blue].tx.packets, 2u);
}

}  // namespace
}  // namespace sluice::test
