// SPDX-License-Identifier: Apache-2.0
//
// Shadow mode: a candidate image judges sampled new flows beside the running one, and what it would do
// differently is counted by rule. Packets are not touched; while nobody asks, the packet thread compares one
// pointer a burst.
//
// start(), stop(): one control thread. status(): any but the packet thread.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <thread>

#include "runtime/control/burst_watch.h"
#include "runtime/control/flow_sampler.h"
#include "runtime/control/mailbox.h"
#include "runtime/control/shadow_judge.h"
#include "runtime/shard/shard.h"

namespace sluice {

class Shadow {
  public:
    using RunningImage = std::function<std::shared_ptr<const Image>()>;

    /// `running` may be called from a thread of Shadow's.
    Shadow(Shard& shard, Mailbox& mailbox, BurstWatch& watch, RunningImage running);
    ~Shadow();
    Shadow(const Shadow&) = delete;
    Shadow& operator=(const Shadow&) = delete;

    /// One flow in `one_in` is sampled. False: there is a candidate already.
    bool start(std::shared_ptr<const Image> candidate, std::string name, std::uint32_t one_in);
    /// What was counted stays until the next start. False: there is none.
    bool stop();
    /// {"active", "image", "one_in", "judged", "replies", "left_out", "different", "differences": [{"tenant",
    /// "rule", "file", "line", "running", "candidate", "flows", "example"}]}, most flows first. The rule is the
    /// candidate's, where one decided there, else the running image's.
    nlohmann::ordered_json status() const;

  private:
    struct Difference {
        ShadowVerdict running, candidate;
        std::uint64_t flows = 0;
        std::string example;
    };
    struct Counts {
        std::uint64_t judged = 0, replies = 0, different = 0, beyond = 0;
        std::map<std::string, Difference> differences;
    };
    void run();
    bool judge_some();
    void judge(std::string_view port, const PacketView& packet);
    void watch_with(FlowSampler* sampler);

    Shard& shard_;  // touched by jobs only
    Mailbox& mailbox_;
    BurstWatch& watch_;
    RunningImage running_image_;
    HashKey key_;
    mutable std::mutex mutex_;  // of the four below
    std::string name_;
    std::uint32_t one_in_ = 0;
    Counts counts_;
    std::unique_ptr<FlowSampler> sampler_;
    // Of the thread, while it runs.
    std::unique_ptr<ShadowJudge> candidate_, running_;
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

}  // namespace sluice
