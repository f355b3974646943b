// SPDX-License-Identifier: Apache-2.0
#include "runtime/state/timer_wheel.h"

#include <gtest/gtest.h>

#include <numeric>

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::uint32_t> fired_by_step(TimerWheel& wheel) {
    std::vector<std::uint32_t> fired;
    wheel.step([&](std::uint32_t number) { fired.push_back(number); });
    return fired;
}

TEST(TimerWheel, FiresInTheFirstTickThatStartsNotBeforeTheDeadline) {
    TimerWheel wheel(4);
    wheel.schedule(0, 2 * tick_nanoseconds);
    wheel.schedule(1, 2 * tick_nanoseconds + 1);
    EXPECT_THAT(fired_by_step(wheel), IsEmpty());
    EXPECT_THAT(fired_by_step(wheel), ElementsAre(0));
    EXPECT_THAT(fired_by_step(wheel), ElementsAre(1));
    EXPECT_TRUE(wheel.empty());
}

TEST(TimerWheel, ADeadlineThatIsPastFiresInTheNextTick) {
    TimerWheel wheel(1);
    wheel.jump_to(100);
    wheel.schedule(0, 0);
    EXPECT_THAT(fired_by_step(wheel), ElementsAre(0));
}

TEST(TimerWheel, FiresInTheOrderOfScheduling) {
    TimerWheel wheel(4);
    wheel.schedule(3, 50);
    wheel.schedule(0, 20);
    wheel.schedule(2, 90);
    wheel.schedule(3, 10);  // again: now the last
    EXPECT_THAT(fired_by_step(wheel), ElementsAre(0, 2, 3));
}

TEST(TimerWheel, ADeadlineBeyondTheSpanWaitsFurtherRounds) {
    TimerWheel wheel(2, 4);
    wheel.schedule(0, 9 * tick_nanoseconds);
    wheel.schedule(1, 1 * tick_nanoseconds);
    for (int tick = 1; tick <= 9; ++tick) {
        const auto fired = fired_by_step(wheel);
        EXPECT_EQ(fired.size(), tick == 1 || tick == 9 ? 1u : 0u) << tick;
    }
}

TEST(TimerWheel, HandsOverGroupsAndTellsEachOneGroupAhead) {
    constexpr std::uint32_t group = TimerWheel::most_at_once, count = 2 * group + 5, later = count;
    TimerWheel wheel(count + 1, 1);
    std::vector<std::uint32_t> order(count);
    std::iota(order.rbegin(), order.rend(), 0u);
    wheel.schedule(later, 2 * tick_nanoseconds);
    for (const std::uint32_t number : order) wheel.schedule(number, 1);
    std::vector<std::uint32_t> fired, foreseen;
    const auto step = [&] {
        wheel.step_in_groups(
            [&](std::span<const std::uint32_t> next) {
                foreseen.insert(foreseen.end(), next.begin(), next.end());
            },
            [&](std::span<const std::uint32_t> numbers) {
                EXPECT_EQ(foreseen.size(), std::min<std::size_t>(fired.size() + 2 * group, count));
                fired.insert(fired.end(), numbers.begin(), numbers.end());
                wheel.cancel(numbers[0]);  // as ending it does
                wheel.schedule(numbers[1], 0);
            });
    };
    step();
    EXPECT_EQ(fired, order);
    EXPECT_EQ(foreseen, order);
    fired.clear();
    wheel.step([&](std::uint32_t number) { fired.push_back(number); });
    EXPECT_THAT(fired, ElementsAre(later, order[1], order[group + 1], order[2 * group + 1]));
    EXPECT_TRUE(wheel.empty());
}

TEST(TimerWheel, ACalleeMayCancelWhatIsDueInTheSameTick) {
    TimerWheel wheel(4);
    for (std::uint32_t number : {0u, 1u, 2u, 3u}) wheel.schedule(number, 1);
    std::vector<std::uint32_t> fired;
    wheel.step([&](std::uint32_t number) {
        fired.push_back(number);
        if (number == 0) wheel.cancel(1);
        if (number == 2) wheel.cancel(3);
    });
    EXPECT_THAT(fired, ElementsAre(0, 2));
    EXPECT_TRUE(wheel.empty());
}

TEST(TimerWheel, ACalleeMayRescheduleWhatIsDueInTheSameTickAndItself) {
    TimerWheel wheel(4, 1);  // one slot: what is rescheduled lands in the very slot being stepped
    for (std::uint32_t number : {0u, 1u, 2u}) wheel.schedule(number, 1);
    std::vector<std::uint32_t> fired;
    wheel.step([&](std::uint32_t number) {
        fired.push_back(number);
        if (number == 0) {
            wheel.schedule(2, 0);
            wheel.schedule(0, 0);
            wheel.schedule(3, 0);
        }
    });
    EXPECT_THAT(fired, ElementsAre(0, 1));
    EXPECT_THAT(fired_by_step(wheel), ElementsAre(2, 0, 3));
}

TEST(TimerWheel, JumpsOnlyWithNothingArmed) {
    TimerWheel wheel(1);
    wheel.jump_to(1000);
    EXPECT_EQ(wheel.tick(), 1000u);
    wheel.schedule(0, 2000 * tick_nanoseconds);
    wheel.jump_to(5000);
    EXPECT_EQ(wheel.tick(), 1000u);
}

}  // namespace
}  // namespace sluice
