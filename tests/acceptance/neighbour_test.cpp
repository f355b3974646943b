// SPDX-License-Identifier: Apache-2.0
//
// Acceptance: neighbours that are not known yet (C6). 10.1.2.9 of tenant a has no static entry.
#include "tests/acceptance/acceptance.h"

namespace sluice::test {
namespace {

using NeighbourAcceptance = Acceptance;
SLUICE_ACCEPTANCE(NeighbourAcceptance);

Packet to_a9(std::uint16_t source_port) {
    return {.source = "10.1.1.5", .destination = "10.1.2.9", .source_port = source_port, .destination_port = 7};
}

bool is_request_for_a9(const SentFrame& sent) {
    const Decoded frame = decode(sent.bytes);
    const std::uint8_t target[] = {10, 1, 2, 9};
    return frame.ethertype == 0x0806 && frame.vids == std::vector<std::uint16_t>{502} &&
           std::equal(target, target + 4, sent.bytes.begin() + 18 + 24);
}

TEST_P(NeighbourAcceptance, MT_A12_packets_wait_for_the_answer_and_leave_in_order) {
    const auto first = from_inside(udp(from_a5(to_a9(1001))));
    ASSERT_EQ(first.size(), 1u);
    EXPECT_TRUE(is_request_for_a9(first[0]));
    EXPECT_TRUE(from_inside(udp(from_a5(to_a9(1002)))).empty());
    EXPECT_TRUE(from_inside(udp(from_a5(to_a9(1001)))).empty());
    EXPECT_EQ(uncacheable(NoCacheReason::NEIGH), 3u);
    for (std::uint32_t place = 0; place < gateway.shard().flow_places(); ++place) {
        ASSERT_FALSE(gateway.shard().flow(place));
    }
    EXPECT_EQ(gateway.counters().held, 3u);

    const auto released = from_inside(answer_of_a9());
    ASSERT_EQ(released.size(), 3u);
    EXPECT_EQ(decode(released[0].bytes).source_port(), 1001);
    EXPECT_EQ(decode(released[1].bytes).source_port(), 1002);
    EXPECT_EQ(decode(released[2].bytes).source_port(), 1001);
    EXPECT_EQ(to_string(decode(released[0].bytes).destination_mac), "02:aa:00:00:00:09");
    EXPECT_EQ(gateway.counters().held, 0u);
    EXPECT_EQ(gateway.counters().sessions.created, 2u);
    EXPECT_EQ(rule(0, "inside").packets, 3u);
    only(from_inside(udp(from_a5(to_a9(1001)))));
}

TEST_P(NeighbourAcceptance, MT_A13_silence_is_three_requests_an_error_and_a_pause) {
    auto sent = from_inside(udp(from_a5(to_a9(1001))));
    std::size_t requests = sent.size();
    std::vector<SentFrame> errors;
    for (int tenth = 0; tenth < 40; ++tenth) {
        for (const SentFrame& frame : gateway.advance(seconds(1) / 10)) {
            if (is_request_for_a9(frame)) {
                ++requests;
            } else {
                errors.push_back(frame);
            }
        }
    }
    EXPECT_EQ(requests, 3u);
    const Decoded error = only(errors);
    EXPECT_EQ(error.byte(0), 3);
    EXPECT_EQ(error.byte(1), 1);
    EXPECT_EQ(text(error.destination), "10.1.1.5");
    EXPECT_EQ(gateway.drops("a.sr", DropReason::NEIGH_FAILED), 1u);

    // In the pause: dropped at once, and nobody is asked.
    EXPECT_TRUE(from_inside(udp(from_a5(to_a9(1001)))).empty());
    EXPECT_EQ(gateway.drops("a.sr", DropReason::NEIGH_FAILED), 2u);
    gateway.advance(seconds(5));
    sent = from_inside(udp(from_a5(to_a9(1001))));
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_TRUE(is_request_for_a9(sent[0]));
}

TEST_P(NeighbourAcceptance, MT_A37_a_flow_that_only_the_cache_serves_keeps_its_neighbour_known) {
    const Bytes frame = udp(from_a5(to_a9(1001)));
    from_inside(frame);
    ASSERT_EQ(from_inside(answer_of_a9()).size(), 1u);
    only(from_inside(frame));
    const std::uint64_t runs = gateway.counters().cache.pipeline_runs;
    // REACHABLE lasts 30 s and DELAY 5 s: a unicast request each time, answered half a second later.
    constexpr int seconds_of_test = 600;
    int probes = 0, forwarded = 0;
    for (int half = 0; half < 2 * seconds_of_test; ++half) {
        bool asked = false;
        for (const SentFrame& sent : gateway.advance(seconds(1) / 2)) {
            ASSERT_TRUE(is_request_for_a9(sent));
            ASSERT_EQ(to_string(decode(sent.bytes).destination_mac), "02:aa:00:00:00:09");
            asked = true;
        }
        const Decoded left = only(from_inside(frame));
        ASSERT_EQ(to_string(left.destination_mac), "02:aa:00:00:00:09");
        ++forwarded;
        if (!asked) continue;
        ++probes;
        EXPECT_TRUE(from_inside(answer_of_a9()).empty());
    }
    EXPECT_EQ(forwarded, 2 * seconds_of_test);
    EXPECT_GE(probes, seconds_of_test / 36);
    EXPECT_LE(probes, seconds_of_test / 30);
    EXPECT_EQ(gateway.counters().held, 0u);
    EXPECT_EQ(gateway.drops("a.sr", DropReason::NEIGH_FAILED), 0u);
    EXPECT_EQ(gateway.counters().cache.pipeline_runs, cached() ? runs : runs + 2 * seconds_of_test);
}

}  // namespace
}  // namespace sluice::test
