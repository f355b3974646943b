// SPDX-License-Identifier: Apache-2.0
#include "runtime/programs/quiescence.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <thread>

namespace sluice {
namespace {

// A wait for somebody would never end here: nobody reports.
TEST(Quiescence, WaitsForNobodyWhereNobodyReads) {
    Quiescence quiescence(2);
    int waits = 0;
    const auto wait = [&] {
        quiescence.wait();
        ++waits;
    };
    wait();
    {
        Quiescence::Reader reader(quiescence, 1);
        reader.offline();
        wait();
        reader.online();
    }
    wait();
    EXPECT_EQ(waits, 3);
}

// For a while the reader looks whether the wait is over, which it must not be; a wait that waits for nothing
// is.
TEST(Quiescence, AWaitIsNotOverBeforeTheReaderReports) {
    constexpr auto while_ = std::chrono::milliseconds(100);
    Quiescence quiescence(1);
    std::latch registered(1);
    std::atomic<bool> asked{false}, over{false}, early{false};
    std::thread packets([&] {
        Quiescence::Reader reader(quiescence, 0);
        registered.count_down();
        while (!asked) std::this_thread::yield();
        const auto end = std::chrono::steady_clock::now() + while_;
        while (!over && std::chrono::steady_clock::now() < end) std::this_thread::yield();
        early = over.load();
        while (!over) reader.report();
    });
    registered.wait();
    asked = true;
    quiescence.wait();
    over = true;
    packets.join();
    EXPECT_FALSE(early);
}

}  // namespace
}  // namespace sluice
