// SPDX-License-Identifier: Apache-2.0
//
// A preloaded source: frames that lie in memory before the clock starts, given out again and again in their
// first state. Like net_pcap with infinite_rx, it costs a copy of the header a packet, which the floor pays as
// well.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "runtime/packet/frame.h"

namespace sluice::bench {

/// A packet as it is sent and a buffer for it to be worked on.
class Source final : public FrameAllocator {
  public:
    /// `frames` of equal length.
    explicit Source(const std::vector<std::vector<std::uint8_t>>& frames);

    /// The next `count` frames, fresh, on port `port`; wraps around.
    std::span<const Frame> next(std::uint32_t count, std::uint16_t port);
    std::uint32_t size() const { return count_; }

    Frame allocate(std::uint32_t) override { return {}; }  // nothing is originated in these workloads
    std::uint32_t longest_frame() const override { return slot_bytes; }

  private:
    static constexpr std::uint32_t slot_bytes = 256;
    static constexpr std::uint32_t headroom_bytes = 64;

    std::uint32_t count_, length_, cursor_ = 0;
    std::vector<std::uint8_t> pristine_, work_;
    std::vector<Frame> burst_;
};

}  // namespace sluice::bench
