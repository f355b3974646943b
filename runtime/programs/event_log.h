// SPDX-License-Identifier: Apache-2.0
//
// Lines about what rules with `log: true` decided and about the blocks of ports that hosts took and gave back,
// written by a thread of its own: the packet thread only puts events into single-producer rings and never
// waits. Of decisions, what does not fit or exceeds a hundred lines a second is counted and said once. Blocks
// are all written, as somebody will have to say who was behind a port: only what finds its ring full is
// counted.
#pragma once

#include <rte_ring_elem.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <utility>

#include "runtime/image/image.h"
#include "runtime/shard/output.h"

namespace sluice {

/// "rule blue/admin-ssh allow: tcp 198.51.100.7:40000 > 10.1.1.5:22". Allocates; not for packet threads.
std::string describe(const RuleEvent& event, const Image& image);
/// "ports blue 10.1.1.5 takes 203.0.113.10:1024-1535". The same.
std::string describe(const BlockEvent& event, const Image& image);

/// From the packet thread to one other.
template <typename Event>
class EventRing {
  public:
    EventRing(const char* name, unsigned events);
    ~EventRing() { rte_ring_free(ring_); }
    EventRing(const EventRing&) = delete;
    EventRing& operator=(const EventRing&) = delete;

    /// `lost` were lost before.
    void put(std::span<const Event> events, std::uint64_t lost) noexcept;
    bool take(Event& event) noexcept { return rte_ring_sc_dequeue_elem(ring_, &event, sizeof event) == 0; }
    /// Any thread.
    std::uint64_t lost() const noexcept { return lost_.load(std::memory_order_relaxed); }
    /// Since it was asked last: the taking thread.
    std::uint64_t newly_lost() noexcept {
        const std::uint64_t before = std::exchange(told_, lost());
        return told_ - before;
    }

  private:
    rte_ring* ring_;
    std::atomic<std::uint64_t> lost_{0};  // written by the packet thread alone
    std::uint64_t told_ = 0;
};

class EventLog {
  public:
    /// The environment must be up; the thread starts on the caller's cores. Throws std::runtime_error without
    /// memory.
    explicit EventLog(std::shared_ptr<const Image> image);
    ~EventLog();  // writes what is left
    EventLog(const EventLog&) = delete;
    EventLog& operator=(const EventLog&) = delete;

    /// Before packets see another image: what stands in the rings, and what will, is of names that it knows.
    /// The control thread.
    void follow(std::shared_ptr<const Image> image);
    /// The packet thread, between two bursts. No wait, no allocation.
    void put(const Output& output) noexcept;
    /// Events that found no room. Any thread.
    std::uint64_t lost_decisions() const noexcept { return decisions_.lost(); }
    std::uint64_t lost_blocks() const noexcept { return blocks_.lost(); }

  private:
    void run();
    void drain(unsigned most_decisions);

    std::mutex image_mutex_;  // never the packet thread's
    std::shared_ptr<const Image> image_;
    EventRing<RuleEvent> decisions_;
    EventRing<BlockEvent> blocks_;
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

}  // namespace sluice
