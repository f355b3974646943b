// SPDX-License-Identifier: Apache-2.0
#include "runtime/control/health_gate.h"

#include <nlohmann/json.hpp>
#include <thread>

#include "tests/replay/small_policy.h"
#include "tests/runtime/store/memory_folder.h"
#include "tests/runtime/store/store_lab.h"
#include "tests/support/compile.h"
#include "tests/support/test_gateway.h"

namespace sluice {
namespace {

using test::image_number;

/// A gateway whose packets are dropped, so many percent of them, under one image.
class Patient final : public HealthSource {
  public:
    Patient(test::StoreLab& lab, std::string ill_under) : lab_(lab), ill_under_(std::move(ill_under)) {}

    Vitals read() override { return vitals_; }
    bool wait(Time time) override {
        lab_.pass(static_cast<unsigned>(time / nanoseconds_per_second));
        waited_ += time;
        vitals_.received += 1000;
        vitals_.cache_hits += 1000;
        const bool ill = lab_.running() == ill_under_;
        vitals_.drops[static_cast<std::size_t>(DropReason::NO_ROUTE)] += ill ? 500u : 0u;
        return waited_ < ends_after;
    }
    Lifecycle::Now now() override { return lab_.now; }

    Time ends_after = ~Time{0};

  private:
    test::StoreLab& lab_;
    std::string ill_under_;
    Vitals vitals_;
    Time waited_ = 0;
};

class HealthGateTest : public testing::Test {
  protected:
    HealthGateTest() {
        for (const unsigned number : {1u, 2u}) test::push(lab_.store, image_number(number));
        lab_.activate(digest(1));
    }
    static std::string digest(unsigned number) { return image_number(number).digest; }
    GateResult activate(HealthSource& source, std::optional<Time> confirm_within = std::nullopt) {
        return activate_through_gate(lab_.lifecycle, source, {}, digest(2), confirm_within);
    }
    std::string after_restart() {
        test::MemoryFolder left = folder_.after_loss(test::MemoryFolder::Survives::all);
        return test::StoreLab(left).running();
    }

    test::MemoryFolder folder_;
    test::StoreLab lab_{folder_};
};

TEST_F(HealthGateTest, AnImageUnderWhichAllIsWellIsConfirmed) {
    Patient patient(lab_, "");
    const GateResult result = activate(patient);
    EXPECT_FALSE(result.refused) << result.refused->text;
    EXPECT_EQ(lab_.running(), digest(2));
    EXPECT_FALSE(lab_.lifecycle.is_pending());
    EXPECT_EQ(after_restart(), digest(2));
    const auto figures = result.json();
    EXPECT_EQ(figures["after"]["packets"], 1000);
    EXPECT_EQ(figures["judged"], true);
    EXPECT_TRUE(figures["tripped"].is_null());
}

TEST_F(HealthGateTest, AnImageUnderWhichMoreIsDroppedGivesWayAndSaysWhy) {
    Patient patient(lab_, digest(2));
    const GateResult result = activate(patient);
    const std::string why =
        "the health gate tripped: NO_ROUTE drops rose from 0.0 to 50.0 % of the packets, by more than 1.0";
    ASSERT_TRUE(result.refused);
    EXPECT_EQ(result.refused->text, why);
    EXPECT_EQ(lab_.running(), digest(1));
    EXPECT_EQ(after_restart(), digest(1));
    ASSERT_TRUE(lab_.store.manifest().last_return);
    EXPECT_EQ(lab_.store.manifest().last_return->cause, why);
    EXPECT_EQ(lab_.store.manifest().last_return->reason, ReturnReason::gate_tripped);
    EXPECT_EQ(lab_.log.back().text,
              "image " + digest(1) + " comes back in place of image " + digest(2) + ": " + why);
}

TEST_F(HealthGateTest, WhatWasBadBeforeIsNoReason) {
    Patient patient(lab_, digest(1));
    EXPECT_FALSE(activate(patient).refused);
    EXPECT_EQ(lab_.running(), digest(2));
}

TEST_F(HealthGateTest, PeopleMayHaveTheLastWord) {
    Patient patient(lab_, "");
    EXPECT_FALSE(activate(patient, 600 * nanoseconds_per_second).refused);
    EXPECT_TRUE(lab_.lifecycle.is_pending());
    EXPECT_EQ(after_restart(), digest(1));
}

TEST_F(HealthGateTest, AGatewayThatEndsMeanwhileBootsWhatWasConfirmed) {
    for (const Time end : {1, 6, 8}) {
        Patient patient(lab_, "");
        patient.ends_after = end * nanoseconds_per_second;
        EXPECT_EQ(activate(patient).refused->text, "the gateway is shutting down");
        EXPECT_EQ(after_restart(), digest(1));
        if (lab_.lifecycle.is_pending()) lab_.rollback(1);
    }
}

TEST_F(HealthGateTest, WhatCannotBeActivatedIsNotWaitedFor) {
    Patient patient(lab_, "");
    const auto result = activate_through_gate(lab_.lifecycle, patient, {}, digest(1), std::nullopt);
    EXPECT_EQ(result.refused->text, "image " + digest(1) + " runs already");
    EXPECT_EQ(patient.read().received, 0u);
}

TEST(ShardHealth, ReadsTheShardsCountersAndTheMeter) {
    const auto image = test::compile_texts(test::small_policy("203.0.113.1: '02:00:00:00:09:01'"));
    test::TestGateway gateway(*image);
    Mailbox mailbox;
    BurstWatch watch;
    std::atomic<bool> stop{false};
    std::thread packets([&] {
        while (!stop) {
            mailbox.serve();
            gateway.inject(0, test::udp({.destination_port = 53}));
            if (watch.meter != nullptr) watch.meter->cycles += 100, ++watch.meter->packets;
        }
        mailbox.close();
    });
    {
        ShardHealth health(gateway.shard(), mailbox, watch);
        const Vitals first = health.read();
        EXPECT_TRUE(health.wait(nanoseconds_per_second / 20));
        const Health window(first, health.read());
        EXPECT_GT(window.packets(), 0u);
        EXPECT_EQ(window.cycles_a_packet(), 100);
        EXPECT_EQ(window.cache_hits_percent(), 100);
        stop = true;
        packets.join();
        EXPECT_FALSE(health.wait(nanoseconds_per_second));
    }
}

}  // namespace
}  // namespace sluice
