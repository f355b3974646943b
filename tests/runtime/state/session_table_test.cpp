// SPDX-License-Identifier: Apache-2.0
#include "runtime/state/session_table.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

Tuple tuple(std::uint32_t source, std::uint16_t port, std::uint16_t scope = 0) {
    return {Ip::from_v4(source), Ip::from_v4(0x08080808), port, 53, scope, 17, Family::v4};
}

TEST(SessionTable, FindsASessionFromBothSides) {
    SessionTable table(4, {});
    Tuple reply = tuple(0x0a000001, 5000).reversed();
    reply.destination = Ip::from_v4(0xc0000201);
    reply.destination_port = 40000;
    const auto created = table.create(tuple(0x0a000001, 5000), reply);
    ASSERT_TRUE(created);
    const auto forward = table.find(tuple(0x0a000001, 5000));
    const auto reverse = table.find(reply);
    ASSERT_TRUE(forward && reverse);
    EXPECT_EQ(forward->session, *created);
    EXPECT_EQ(forward->direction, Direction::forward);
    EXPECT_EQ(reverse->session, *created);
    EXPECT_EQ(reverse->direction, Direction::reverse);
    EXPECT_FALSE(table.find(tuple(0x0a000001, 5000, 1))) << "another tenant's";
}

TEST(SessionTable, RefusesATakenTupleOnEitherSideAndATupleThatIsItsOwnReverse) {
    SessionTable table(4, {});
    ASSERT_TRUE(table.create(tuple(1, 1), tuple(1, 1).reversed()));
    EXPECT_FALSE(table.create(tuple(1, 1), tuple(2, 2).reversed()));
    EXPECT_FALSE(table.create(tuple(2, 2), tuple(1, 1).reversed()));
    EXPECT_FALSE(table.create(tuple(3, 3), tuple(3, 3)));
    EXPECT_EQ(table.size(), 1u);
    EXPECT_FALSE(table.find(tuple(2, 2)));
}

TEST(SessionTable, WhenFullRefusesAndKeepsWhatItHas) {
    SessionTable table(2, {});
    ASSERT_TRUE(table.create(tuple(1, 1), tuple(1, 1).reversed()));
    const auto second = table.create(tuple(2, 2), tuple(2, 2).reversed());
    ASSERT_TRUE(second);
    EXPECT_TRUE(table.full());
    EXPECT_FALSE(table.create(tuple(3, 3), tuple(3, 3).reversed()));
    EXPECT_TRUE(table.find(tuple(1, 1)));
    table.erase(*second);
    EXPECT_TRUE(table.create(tuple(3, 3), tuple(3, 3).reversed()));
}

TEST(SessionTable, AReferenceDiesWithItsSession) {
    SessionTable table(1, {});
    const auto first = table.create(tuple(1, 1), tuple(1, 1).reversed());
    table.flow(*first, Direction::forward).count(9);
    table.erase(*first);
    table.erase(*first);
    EXPECT_EQ(table.size(), 0u);
    const auto second = table.create(tuple(2, 2), tuple(2, 2).reversed());
    EXPECT_EQ(second->index, first->index);
    EXPECT_FALSE(table.alive(*first));
    EXPECT_TRUE(table.alive(*second));
    EXPECT_FALSE(table.alive(SessionRef{}));
    EXPECT_EQ(table.snapshot(*second).packets[0], 0u);
}

TEST(SessionTable, WhatCameDuringABurstIsNeverTakenForUnseen) {
    constexpr std::uint32_t burst = 32, bursts = 30;
    SessionTable table(burst * bursts, {});
    const auto home_of = [&](const Tuple& wanted) {
        return table.flows.index().home_of(FlowProbe::of(wanted, true, {}).hash);
    };
    std::uint32_t unseen = 0, in_doubt = 0;
    for (std::uint32_t first = 0; first < burst * bursts; first += burst) {
        table.flows.forget_newcomers();
        for (std::uint32_t source = first; source < first + burst; ++source) {
            const Tuple forward = tuple(source, 1), reverse = tuple(source, 2).reversed();
            ++unseen;
            in_doubt += table.flows.may_have_come(home_of(forward)) ? 1 : 0;
            ASSERT_TRUE(table.create(forward, reverse));
            ASSERT_TRUE(table.flows.may_have_come(home_of(forward)));
            ASSERT_TRUE(table.flows.may_have_come(home_of(reverse)));
        }
    }
    EXPECT_LT(in_doubt, unseen / 8);
}

TEST(SessionTable, ErasingCancelsTheTimer) {
    SessionTable table(1, {});
    const auto session = table.create(tuple(1, 1), tuple(1, 1).reversed());
    table.timers.schedule(session->index, seconds(1));
    table.erase(*session);
    EXPECT_TRUE(table.timers.empty());
}

}  // namespace
}  // namespace sluice
