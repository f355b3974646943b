// SPDX-License-Identifier: Apache-2.0
//
// Lines about what rules with `log: true` decided, written by a thread of its own: the packet thread only puts
// events into a single-producer ring and never waits. What does not fit, or exceeds a hundred lines a second,
// is counted and said once.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "runtime/image/image.h"
#include "runtime/shard/output.h"

struct rte_ring;

namespace sluice {

/// "rule blue/admin-ssh allow: tcp 198.51.100.7:40000 > 10.1.1.5:22". Allocates; not for packet threads.
std::string describe(const RuleEvent& event, const Image& image);

class RuleLog {
  public:
    /// The environment must be up; the thread starts on the caller's cores. Throws std::runtime_error without
    /// memory.
    explicit RuleLog(std::shared_ptr<const Image> image);
    ~RuleLog();  // writes what is left
    RuleLog(const RuleLog&) = delete;
    RuleLog& operator=(const RuleLog&) = delete;

    /// Before packets see another image: what stands in the ring, and what will, is of names that it knows.
    /// The control thread.
    void follow(std::shared_ptr<const Image> image);
    /// The packet thread, between two bursts. No wait, no allocation.
    void put(const Output& output) noexcept;
    /// Events that found no room in the ring. Any thread.
    std::uint64_t left_out() const noexcept { return left_out_.load(std::memory_order_relaxed); }

  private:
    struct RingDeleter {
        void operator()(rte_ring* ring) const;
    };
    void run();
    void drain(unsigned most_lines);

    std::mutex image_mutex_;  // never the packet thread's
    std::shared_ptr<const Image> image_;
    std::unique_ptr<rte_ring, RingDeleter> ring_;
    std::atomic<std::uint64_t> left_out_{0};  // written by the packet thread alone
    std::uint64_t left_out_told_ = 0;
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

}  // namespace sluice
