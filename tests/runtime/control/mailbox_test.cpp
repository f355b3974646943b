// SPDX-License-Identifier: Apache-2.0
#include "runtime/control/mailbox.h"

#include <atomic>
#include <thread>

namespace sluice {
namespace {

TEST(Mailbox, RunsEachJobSliceBySliceOnTheServingThread) {
    Mailbox mailbox;
    std::atomic<bool> stop{false};
    std::thread server([&] {
        while (!stop) mailbox.serve();
        mailbox.close();
    });
    for (int round = 0; round < 100; ++round) {
        int slices = 0;
        std::thread::id worker;
        EXPECT_TRUE(mailbox.run([&] {
            worker = std::this_thread::get_id();
            return ++slices == 3;
        }));
        EXPECT_EQ(slices, 3);
        EXPECT_EQ(worker, server.get_id());
    }
    stop = true;
    server.join();
}

TEST(Mailbox, LetsGoOfAJobThatWillNotBeServed) {
    Mailbox mailbox;
    std::thread asking([&] { EXPECT_FALSE(mailbox.run([] { return true; })); });
    mailbox.close();
    asking.join();
    EXPECT_FALSE(mailbox.run([] { return true; }));
}

}  // namespace
}  // namespace sluice
