// SPDX-License-Identifier: Apache-2.0
//
// Neighbours as a busy flow sees them: put to the test without losing a packet, replaced, lost (C6).
#include "tests/runtime/shard/lab.h"

namespace sluice::test {
namespace {

class NeighbourStates : public ShardTest {
  protected:
    const Bytes frame = udp(on_web({.destination = "10.1.2.9", .source_port = 4000, .destination_port = 7}));
    const std::string mac = "02:b1:00:00:02:09", other_mac = "02:b1:00:00:02:99";

    Sent say(const std::string& sender, std::uint16_t operation = 2, const std::string& target = "10.1.2.1") {
        return inside(arp({.source_mac = sender,
                           .destination_mac = "02:00:5e:00:01:01",
                           .outer_vlan = 100,
                           .vlan = 7,
                           .operation = operation,
                           .sender_mac = sender,
                           .sender_ip = "10.1.2.9",
                           .target_ip = target}));
    }
    NeighbourState state() {
        NeighbourState found = NeighbourState::none;
        gateway->shard().neighbours().for_each([&](const Neighbour& neighbour) {
            if (to_string(neighbour.ip, neighbour.family) == "10.1.2.9") found = neighbour.state;
        });
        return found;
    }
    std::string goes_to() { return to_string(only(inside(frame)).destination_mac); }
};
SLUICE_SHARD_TEST(NeighbourStates);

TEST_P(NeighbourStates, a_busy_flow_has_its_neighbour_probed_and_loses_nothing) {
    EXPECT_EQ(inside(frame).size(), 1u);
    EXPECT_EQ(say(mac).size(), 1u);
    EXPECT_EQ(state(), NeighbourState::reachable);
    std::size_t probes = 0;
    for (int tenth = 0; tenth < 3000; ++tenth) {  // five minutes
        for (const SentFrame& sent : gateway->advance(seconds(1) / 10)) {
            const Decoded probe = decode(sent.bytes);
            EXPECT_EQ(probe.ethertype, 0x0806);
            EXPECT_EQ(to_string(probe.destination_mac), mac) << "a unicast probe";
            ++probes;
            say(mac);
        }
        ASSERT_EQ(goes_to(), mac);
    }
    EXPECT_GE(probes, 7u);
    EXPECT_EQ(counters().cache.pipeline_runs, cached() ? 2u : 3001u);
    EXPECT_EQ(counters().cache.revalidated > 0, cached());
    EXPECT_EQ(drops("blue.sr", DropReason::NEIGH_FAILED), 0u);
}

TEST_P(NeighbourStates, a_neighbour_that_falls_silent_fails_and_may_return) {
    inside(frame);
    say(mac);
    goes_to();
    gateway->advance(seconds(31));
    EXPECT_EQ(state(), NeighbourState::stale);
    goes_to();
    EXPECT_EQ(state(), NeighbourState::delay);
    gateway->advance(seconds(5) + seconds(1) / 10);
    EXPECT_EQ(state(), NeighbourState::probe);
    EXPECT_EQ(goes_to(), mac);
    gateway->advance(seconds(3));
    EXPECT_EQ(state(), NeighbourState::failed);
    EXPECT_TRUE(inside(frame).empty());
    EXPECT_EQ(drops("blue.sr", DropReason::NEIGH_FAILED), 1u);
    say(other_mac, 1);  // it asks us: it is back
    EXPECT_EQ(goes_to(), other_mac);
}

TEST_P(NeighbourStates, a_cached_flow_follows_a_neighbour_that_moves) {
    inside(frame);
    say(mac);
    EXPECT_EQ(goes_to(), mac);
    EXPECT_EQ(goes_to(), mac);
    say(other_mac, 1, "10.1.2.9");  // a gratuitous request
    EXPECT_EQ(goes_to(), other_mac);
    EXPECT_EQ(goes_to(), other_mac);
    EXPECT_EQ(counters().cache.revalidated > 0, cached());
}

TEST_P(NeighbourStates, the_ninth_packet_that_waits_drops_the_first) {
    std::vector<Bytes> burst;
    for (std::uint16_t i = 0; i < 10; ++i) {
        burst.push_back(udp(on_web({.destination = "10.1.2.9", .source_port = i, .destination_port = 7})));
    }
    EXPECT_EQ(inside(burst).size(), 1u);
    EXPECT_EQ(counters().held, 8u);
    EXPECT_EQ(drops("blue.sr", DropReason::NEIGH_QUEUE_FULL), 2u);
    const auto released = say(mac);
    ASSERT_EQ(released.size(), 8u);
    for (std::uint16_t i = 0; i < 8; ++i) EXPECT_EQ(decode(released[i].bytes).source_port(), i + 2);
}

TEST_P(NeighbourStates, who_waited_in_vain_is_told_with_the_packet_as_it_came) {
    // Through NAT: towards an address on the uplink that nobody has.
    const Bytes out = udp(on_web({.destination = "203.0.113.99", .source_port = 4000, .ttl = 9}));
    EXPECT_EQ(inside(out).size(), 1u);
    const Decoded error = only([&] {
        auto sent = gateway->advance(seconds(4));
        std::erase_if(sent, [](const SentFrame& one) { return decode(one.bytes).ethertype == 0x0806; });
        return sent;
    }());
    EXPECT_EQ(error.word(0), 0x0301);
    EXPECT_EQ(from(error), "10.1.1.1");
    EXPECT_EQ(to(error), "10.1.1.5");
    EXPECT_EQ(Bytes(error.l4.begin() + 8, error.l4.end()), ip_packet(out));
    EXPECT_EQ(drops("blue.sr", DropReason::NEIGH_FAILED), 1u);
}

TEST_P(NeighbourStates, a_place_that_another_neighbour_took_is_not_used_by_an_old_flow) {
    settings.neighbours = static_cast<std::uint32_t>(1 + [] {
        std::size_t fixed = 0;
        for (const TenantView& tenant : lab().tenants()) fixed += tenant.neighbours.size();
        return fixed;
    }());
    restart();
    inside(frame);
    say(mac);
    EXPECT_EQ(goes_to(), mac);
    EXPECT_EQ(goes_to(), mac);
    gateway->advance(seconds(31));  // STALE: may be given up
    EXPECT_EQ(inside(udp(on_db({.source = "10.1.2.5", .destination = "10.1.1.9"}))).size(), 1u);
    EXPECT_EQ(state(), NeighbourState::none);
    EXPECT_TRUE(inside(frame).empty());
    EXPECT_EQ(drops("blue.sr", DropReason::NEIGH_QUEUE_FULL), 1u);
}

}  // namespace
}  // namespace sluice::test
