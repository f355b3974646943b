// SPDX-License-Identifier: Apache-2.0
//
// The law of the warm restart: a gateway whose process is replaced every few bursts, its state handed over as
// bytes, sends the same frames as one that runs on, and counts the same, but for `cache`. Random policies and
// packets, changes of the policy before, after and at the same time as restarts.
//
// SLUICE_PROPERTY_RUNS multiplies the number of policies; SLUICE_PROPERTY_SEED runs one alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "tests/property/trials.h"
#include "tests/support/compiled_policy.h"
#include "tests/support/counted.h"
#include "tests/support/random_change.h"
#include "tests/support/random_packets.h"
#include "tests/support/random_policy.h"
#include "tests/support/test_gateway.h"

namespace sluice::test {
namespace {

constexpr std::uint64_t policies = 40;
constexpr std::size_t packets_a_policy = 1500;
constexpr std::size_t variants_a_policy = 5;

/// Timers that fire at one time fire in another order after a restart.
std::vector<SentFrame> in_any_order(std::vector<SentFrame> frames) {
    std::ranges::sort(frames, [](const SentFrame& a, const SentFrame& b) {
        return std::tie(a.port, a.bytes) < std::tie(b.port, b.bytes);
    });
    return frames;
}

class Trial {
  public:
    explicit Trial(std::uint64_t seed)
        : seed_(seed),
          random_(seed * 104729),
          base_(compile_policy(random_policy(seed))),
          source_(base_.policy, seed) {
        images_.push_back(std::move(base_.image));
        policy::Policy policy = base_.policy;
        while (images_.size() < variants_a_policy) {
            policy = random_change(random_.percent(30) ? base_.policy : policy, random_);
            images_.push_back(load_policy(policy));
        }
        const ShardSettings chosen = small_shard(all_cache_tiers[random_.next() % 3]);
        lasting_ = std::make_unique<TestGateway>(*images_[0], chosen);
        restarted_ = std::make_unique<TestGateway>(*images_[0], chosen);
    }

    void run() {
        for (std::size_t sent = 0; sent < packets_a_policy;) {
            if (random_.percent(20)) restart();
            if (random_.percent(10)) change();
            ASSERT_FALSE(testing::Test::HasFatalFailure()) << where(sent);
            std::vector<SentFrame> burst;
            for (std::uint64_t count = random_.between(1, 40); count > 0; --count) {
                for (const SentFrame& frame : source_.next()) burst.push_back(frame);
            }
            if (random_.percent(30)) burst.insert(burst.end(), before_.begin(), before_.end());
            const auto expected = lasting_->inject(burst);
            for (const SentFrame& frame : expected) source_.saw(frame);
            ASSERT_EQ(in_any_order(restarted_->inject(burst)), in_any_order(expected)) << where(sent);
            sent += burst.size();
            before_ = std::move(burst);
            const Time pause =
                random_.percent(2) ? seconds(400) : nanoseconds_per_second / 50 * random_.between(0, 60);
            ASSERT_EQ(in_any_order(restarted_->advance(pause)), in_any_order(lasting_->advance(pause)))
                << where(sent);
            if (random_.percent(20)) compare_counters(sent);
        }
        compare_counters(packets_a_policy);
    }

    std::uint64_t restarts = 0, sessions = 0;

  private:
    void restart() {
        lasting_->release_held();
        sessions += restarted_->counters().sessions.active;
        restarted_ = restarted_->restart(*images_[running_]);
        ++restarts;
    }
    /// Both forget what vanished before packets come: when a port becomes free decides which one is given next.
    void change() {
        running_ = random_.next() % images_.size();
        for (const auto& gateway : {lasting_.get(), restarted_.get()}) {
            gateway->activate(*images_[running_], 0);
            for (int slice = 0; gateway->shard().forgotten() != gateway->image().generation(); ++slice) {
                ASSERT_LT(slice, 1000);
                gateway->advance(0);
            }
        }
        ++changes_;
    }
    void compare_counters(std::size_t sent) {
        const Numbers expected = numbers_of(lasting_->image(), lasting_->counters());
        ASSERT_EQ(first_difference(numbers_of(restarted_->image(), restarted_->counters()), expected), "")
            << where(sent);
        ASSERT_TRUE(restarted_->counters().balanced()) << where(sent);
    }
    std::string where(std::size_t packets) const {
        return "after " + std::to_string(packets) + " packets, " + std::to_string(restarts) + " restarts and " +
               std::to_string(changes_) + " changes, image " + std::to_string(running_) +
               "\nreproduce with SLUICE_PROPERTY_SEED=" + std::to_string(seed_) + " restart_test";
    }

    std::uint64_t seed_;
    Random random_;
    CompiledPolicy base_;
    PacketSource source_;
    std::vector<std::unique_ptr<const Image>> images_;
    std::unique_ptr<TestGateway> lasting_, restarted_;
    std::vector<SentFrame> before_;
    std::size_t running_ = 0;
    std::uint64_t changes_ = 0;
};

TEST(WarmRestart, DoesNotShow) {
    std::uint64_t restarts = 0, sessions = 0;
    for (const std::uint64_t seed : property_seeds(policies)) {
        Trial trial(seed);
        trial.run();
        if (HasFatalFailure()) return;
        restarts += trial.restarts;
        sessions += trial.sessions;
    }
    std::printf("%llu restarts kept %llu sessions\n", static_cast<unsigned long long>(restarts),
                static_cast<unsigned long long>(sessions));
    EXPECT_GT(restarts, 0u);
    EXPECT_GT(sessions, 100 * restarts / policies) << "hardly any session was there to be kept";
}

}  // namespace
}  // namespace sluice::test
