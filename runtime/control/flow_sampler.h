// SPDX-License-Identifier: Apache-2.0
//
// Copies of packets that may begin a flow, for whoever judges them beside the gateway: one flow in so many,
// each about once. Packets that do not fit are left out and counted; nothing waits.
//
// look(): the packet thread, before the shard has the burst; some 20 cycles a packet, a copy for a sampled one.
// take(): one other thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/packet/frame.h"
#include "runtime/state/keyed_hash.h"

namespace sluice {

struct FlowSample {
    static constexpr std::uint32_t most_bytes = 2048;
    std::uint16_t port = 0;
    std::uint16_t length = 0;
    std::array<std::uint8_t, most_bytes> bytes;
};

class FlowSampler {
  public:
    FlowSampler(std::uint32_t one_in, const HashKey& key);

    void look(std::span<const Frame> burst) noexcept;
    /// The oldest sample is given to visit(sample). False: there is none.
    template <typename Visit>
    bool take(Visit&& visit) {
        const std::uint32_t at = taken_.load(std::memory_order_relaxed);
        if (at == put_.load(std::memory_order_acquire)) return false;
        visit(samples_[at % samples_.size()]);
        taken_.store(at + 1, std::memory_order_release);
        return true;
    }
    std::uint64_t left_out() const noexcept { return left_out_.load(std::memory_order_relaxed); }

  private:
    void put(const Frame& frame) noexcept;

    HashKey key_;
    std::uint64_t share_;               // hashes up to this are sampled
    std::vector<std::uint64_t> known_;  // by hash: flows that were sampled lately
    std::vector<FlowSample> samples_;   // a ring
    std::atomic<std::uint32_t> put_{0}, taken_{0};
    std::atomic<std::uint64_t> left_out_{0};
};

}  // namespace sluice
