// SPDX-License-Identifier: Apache-2.0
//
// The law of the caches while the policy changes: random packets, and every few bursts another image, activated
// in three gateways at once: without a cache, with the flow table, with all tiers. Every burst leaves the same
// frames of all, and every counter outside `cache` is the same; the balance holds.
//
// SLUICE_PROPERTY_RUNS multiplies the number of policies (13 make a million packets); SLUICE_PROPERTY_SEED
// runs one alone.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/property/trials.h"
#include "tests/support/all_tiers.h"
#include "tests/support/compiled_policy.h"
#include "tests/support/random_change.h"
#include "tests/support/random_packets.h"
#include "tests/support/random_policy.h"

namespace sluice::test {
namespace {

constexpr std::uint64_t policies = 40;
constexpr std::size_t packets_a_policy = 2000;
constexpr std::size_t variants_a_policy = 6;

class Trial {
  public:
    explicit Trial(std::uint64_t seed)
        : seed_(seed),
          random_(seed * 7919),
          base_(compile_policy(random_policy(seed))),
          source_(base_.policy, seed) {
        images_.push_back(std::move(base_.image));
        policy::Policy policy = base_.policy;
        while (images_.size() < variants_a_policy) {
            policy = random_change(random_.percent(30) ? base_.policy : policy, random_);
            images_.push_back(load_policy(policy));
        }
        gateways_ = std::make_unique<AllTiers>(*images_[0], small_shard());
    }

    void run() {
        for (std::size_t sent = 0; sent < packets_a_policy;) {
            std::vector<SentFrame> burst;
            for (std::uint64_t count = random_.between(1, 40); count > 0; --count) {
                for (const SentFrame& frame : source_.next()) burst.push_back(frame);
            }
            if (random_.percent(25)) {
                running_ = random_.next() % images_.size();
                changes += 1;
                gateways_->activate(*images_[running_]);
            }
            if (random_.percent(30)) burst.insert(burst.end(), before_.begin(), before_.end());
            for (const SentFrame& frame : gateways_->inject(burst)) source_.saw(frame);
            ASSERT_EQ(gateways_->parting(), "") << where(sent);
            sent += burst.size();
            before_ = std::move(burst);
            const Time pause =
                random_.percent(2) ? seconds(400) : nanoseconds_per_second / 50 * random_.between(0, 60);
            gateways_->advance(pause);
            if (random_.percent(20)) gateways_->compare_counters();
            ASSERT_EQ(gateways_->parting(), "") << where(sent);
        }
        for (const auto& gateway : gateways_->gateways()) {
            ASSERT_TRUE(gateway->counters().balanced()) << where(packets_a_policy);
            flow_hits += gateway->counters().cache.flow_hits;
            revalidated += gateway->counters().cache.revalidated;
            for (const auto& component : gateway->counters().drops) {
                cut += component[static_cast<std::size_t>(DropReason::FW_REEVAL_DENY)];
            }
        }
    }

    std::uint64_t flow_hits = 0, revalidated = 0, cut = 0, changes = 0;

  private:
    std::string where(std::size_t packets) const {
        return "after " + std::to_string(packets) + " packets and " + std::to_string(changes) +
               " changes, image " + std::to_string(running_) +
               "\nreproduce with SLUICE_PROPERTY_SEED=" + std::to_string(seed_) + " policy_change_test";
    }

    std::uint64_t seed_;
    Random random_;
    CompiledPolicy base_;
    PacketSource source_;
    std::vector<std::unique_ptr<const Image>> images_;
    std::unique_ptr<AllTiers> gateways_;
    std::vector<SentFrame> before_;
    std::size_t running_ = 0;
};

TEST(PolicyChange, TheCachesDoNotShowWhileThePolicyChanges) {
    std::uint64_t flow_hits = 0, revalidated = 0, cut = 0;
    for (const std::uint64_t seed : property_seeds(policies)) {
        Trial trial(seed);
        trial.run();
        if (HasFatalFailure()) return;
        flow_hits += trial.flow_hits;
        revalidated += trial.revalidated;
        cut += trial.cut;
    }
    EXPECT_GT(flow_hits, 0u) << "the cache was never used";
    EXPECT_GT(revalidated, 0u) << "no flow outlived a change";
    EXPECT_GT(cut, 0u) << "no session was denied by a change";
}

}  // namespace
}  // namespace sluice::test
