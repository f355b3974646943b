// SPDX-License-Identifier: Apache-2.0
//
// Frames from ordinary memory, for benchmarks that count instructions and hence leave DPDK out: given out again
// and again in their first state. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "bench/workload.h"
#include "runtime/packet/frame.h"

namespace sluice::bench {

class Source {
  public:
    static constexpr std::uint32_t most_frames = 32;

    /// `frames`: of frame_bytes each.
    Source(FrameList frames, std::uint16_t port)
        : frames_(std::move(frames)), count_(static_cast<std::uint32_t>(frames_.size())), port_(port) {}

    /// The next `count` (at most most_frames) frames, fresh until the next call; wraps around.
    std::span<const Frame> next(std::uint32_t count);
    std::uint32_t size() const { return count_; }

  private:
    static constexpr std::uint32_t slot_bytes = 256, headroom_bytes = 128;

    FrameList frames_;
    std::uint32_t count_;
    std::uint16_t port_;
    std::uint32_t cursor_ = 0;
    std::array<std::array<std::uint8_t, slot_bytes>, most_frames> slots_{};
    std::array<Frame, most_frames> burst_{};
};

/// For workloads in which the gateway says nothing of its own.
class NoFrames final : public FrameAllocator {
  public:
    Frame allocate(std::uint32_t) override { return {}; }
    std::uint32_t longest_frame() const override { return 2048; }
};

}  // namespace sluice::bench
