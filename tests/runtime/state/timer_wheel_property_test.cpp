// SPDX-License-Identifier: Apache-2.0
// The wheel against a std::multimap of deadlines, with callees that cancel and schedule at random.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

#include "runtime/state/timer_wheel.h"

namespace sluice {
namespace {

constexpr std::uint32_t numbers = 12;

/// Insertion order among equal keys is what std::multimap keeps, as the wheel must.
class Model {
  public:
    void schedule(std::uint32_t number, Time deadline) {
        cancel(number);
        const std::uint64_t due = (deadline + tick_nanoseconds - 1) / tick_nanoseconds;
        due_.emplace(std::max(due, tick_ + 1), number);
    }
    void cancel(std::uint32_t number) {
        std::erase_if(due_, [&](const auto& entry) { return entry.second == number; });
    }
    template <typename Expired>
    void step(Expired&& expired) {
        ++tick_;
        while (!due_.empty() && due_.begin()->first <= tick_) {
            const std::uint32_t number = due_.begin()->second;
            due_.erase(due_.begin());
            expired(number);
        }
    }
    bool empty() const { return due_.empty(); }

  private:
    std::multimap<std::uint64_t, std::uint32_t> due_;
    std::uint64_t tick_ = 0;
};

struct Change {
    std::uint32_t number;
    Time deadline;
    bool cancel;
};

Change random_change() {
    return {*rc::gen::inRange(0u, numbers), *rc::gen::inRange<Time>(0, 40 * tick_nanoseconds),
            *rc::gen::inRange(0, 3) == 0};
}

RC_GTEST_PROP(TimerWheelProperty, FiresLikeAMultimap, ()) {
    TimerWheel wheel(numbers, 8);
    Model model;
    const auto apply = [](auto& to, const Change& change) {
        if (change.cancel) {
            to.cancel(change.number);
        } else {
            to.schedule(change.number, change.deadline);
        }
    };
    const int steps = *rc::gen::inRange(1, 60);
    for (int step = 0; step < steps; ++step) {
        for (int i = *rc::gen::inRange(0, 5); i > 0; --i) {
            const Change change = random_change();
            apply(wheel, change);
            apply(model, change);
        }
        // What each callee does depends on the number alone, so that both sides do the same.
        std::vector<std::vector<Change>> reactions(numbers);
        for (auto& reaction : reactions) {
            for (int i = *rc::gen::inRange(0, 3); i > 0; --i) reaction.push_back(random_change());
        }
        std::vector<std::uint32_t> fired, expected;
        wheel.step([&](std::uint32_t number) {
            fired.push_back(number);
            for (const Change& change : reactions[number]) apply(wheel, change);
        });
        model.step([&](std::uint32_t number) {
            expected.push_back(number);
            for (const Change& change : reactions[number]) apply(model, change);
        });
        RC_ASSERT(fired == expected);
        RC_ASSERT(wheel.empty() == model.empty());
    }
}

}  // namespace
}  // namespace sluice
