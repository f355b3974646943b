// SPDX-License-Identifier: Apache-2.0
//
// Frame buffers from the heap, for programs that run without DPDK. Freed buffers are kept by size class and
// handed out again, so that a long replay settles to no allocation at all.
//
// One thread. Frames must come back (release) before the pool dies or they leak with it: the pool owns all
// memory.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "runtime/packet/frame.h"

namespace sluice {

class HeapFrames final : public FrameAllocator {
  public:
    static constexpr std::uint16_t headroom_bytes = 128;
    static constexpr std::uint32_t longest_capture_bytes = 262144;  // libpcap's own limit (MAXIMUM_SNAPLEN)

    HeapFrames();
    ~HeapFrames() override;
    HeapFrames(const HeapFrames&) = delete;
    HeapFrames& operator=(const HeapFrames&) = delete;

    Frame allocate(std::uint32_t length) override;
    std::uint32_t longest_frame() const override { return longest_capture_bytes; }
    /// A frame that holds a copy of `bytes` and belongs to `port`; data null where `bytes` is too long.
    Frame copy_of(std::span<const std::uint8_t> bytes, std::uint16_t port);
    void release(const Frame& frame) noexcept;

    /// Frames handed out and not yet released.
    std::uint64_t outstanding() const noexcept { return outstanding_; }

  private:
    struct Buffer;
    // Ordinary frames, 9 KB jumbo frames, the longest IP packet, the longest capture record.
    static constexpr std::array<std::uint32_t, 4> class_bytes = {2048, 10240, 69632, longest_capture_bytes};
    std::vector<std::unique_ptr<Buffer>> buffers_;
    std::array<std::vector<Buffer*>, class_bytes.size()> free_;
    std::uint64_t outstanding_ = 0;
};

}  // namespace sluice
