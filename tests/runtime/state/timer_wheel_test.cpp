// SPDX-License-Identifier: Apache-2.0
#include "runtime/state/timer_wheel.h"

#include <gtest/gtest.h>

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

TEST(TimerWheel, TellsAheadWhatExpiresNext) {
    constexpr std::uint32_t count = 2 * TimerWheel::most_foreseen + 5;
    TimerWheel wheel(count);
    for (std::uint32_t number = 0; number < count; ++number) wheel.schedule(number, 1);
    std::vector<std::uint32_t> fired, foreseen;
    wheel.step(
        [&](std::uint32_t number) {
            EXPECT_THAT(foreseen, testing::Contains(number));
            fired.push_back(number);
            if (number == 3) wheel.cancel(5);
            if (number == 4) wheel.schedule(40, 10 * tick_nanoseconds);
        },
        [&](std::span<const std::uint32_t> next) {
            EXPECT_EQ(fired.size() + (foreseen.empty() ? 0 : 1), foreseen.size())
                << "but for the one cancelled";
            foreseen.insert(foreseen.end(), next.begin(), next.end());
        });
    EXPECT_EQ(fired.size(), count - 2);
    EXPECT_EQ(foreseen.size(), count - 1) << "what was scheduled anew is not due";
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
