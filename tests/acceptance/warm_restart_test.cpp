// SPDX-License-Identifier: Apache-2.0
//
// Acceptance: another process goes on from what this one knew (docs/restart.md). What random packets meet too
// seldom for tests/property/restart_test.cpp to see.
#include "tests/acceptance/change.h"
#include "tests/support/compile.h"

namespace sluice::test {
namespace {

class WarmRestartAcceptance : public ChangeAcceptance {
  protected:
    static Bytes from_host(std::uint16_t destination_port) {
        return udp(
            from_a5({.destination = "198.18.0.9", .source_port = 5000, .destination_port = destination_port}));
    }
};
SLUICE_ACCEPTANCE(WarmRestartAcceptance);

TEST_P(WarmRestartAcceptance, WhoCameInThroughAMappingMayComeInAgain) {
    const std::uint16_t mapped = only(from_inside(from_host(7))).source_port();
    const auto answer = [&](std::uint16_t port) {
        return udp(from_r({.source = "198.18.0.9",
                           .destination = "192.0.2.10",
                           .source_port = port,
                           .destination_port = mapped}));
    };
    only(from_outside(answer(8)));  // a session of its own: rule "mapped"
    EXPECT_EQ(gateway.counters().sessions.active, 2u);
    for (int minutes = 0; minutes < 6; ++minutes) {
        gateway.advance(seconds(60));
        only(from_inside(from_host(8)));
    }
    ASSERT_EQ(gateway.counters().sessions.active, 1u) << "the one that asked first is over";
    const auto loaded = compile_texts(t1_texts());
    const auto next = gateway.restart(*loaded);
    EXPECT_EQ(text(only(next->inject("U0", answer(9))).destination), "10.1.1.5");
    EXPECT_EQ(next->drops("a.sr", DropReason::NAT_FILTERED), 0u);
}

TEST_P(WarmRestartAcceptance, WhatRefersToTheVanishedEndsWhereverItStands) {
    only(from_inside(from_host(7)));
    const Texts without_nat =
        edited(t1_texts(), a, "  - {snat: 10.1.0.0/16, out: internet, to: 192.0.2.10}\n", "");
    activate(without_nat);
    const auto loaded = compile_texts(without_nat);
    const auto next = gateway.restart(*loaded);
    EXPECT_EQ(next->resumed().sessions, 1u);
    EXPECT_LT(next->shard().forgotten(), next->image().generation());
    for (int burst = 0; burst < 2000; ++burst) next->advance(0);
    EXPECT_EQ(next->shard().forgotten(), next->image().generation());
    EXPECT_EQ(next->counters().sessions.active, 0u);
    EXPECT_EQ(next->counters().sessions.ended, 1u);
}

}  // namespace
}  // namespace sluice::test
