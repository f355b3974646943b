// SPDX-License-Identifier: Apache-2.0
//
// A frame in flight, whoever owns its memory: an mbuf in sluiced, a heap buffer in sluice-replay, tests and
// fuzzers. The stages see only this, so that they run the same everywhere.
#pragma once

#include <cstdint>
#include <span>

namespace sluice {

/// Nanoseconds on the one clock that the shard is told (C9): virtual in replay and tests, monotonic in sluiced.
using Time = std::uint64_t;
constexpr Time nanoseconds_per_second = 1'000'000'000;
constexpr Time seconds(std::uint64_t count) {
    return count * nanoseconds_per_second;
}

struct Frame {
    std::uint8_t* data = nullptr;  // the Ethernet header's first byte
    std::uint32_t length = 0;      // bytes from data, without FCS
    std::uint32_t tailroom = 0;    // writable bytes behind data + length
    std::uint16_t headroom = 0;    // writable bytes in front of data
    std::uint16_t port = 0;        // the logical port it came from or goes to: index into Image::port_names
    void* buffer = nullptr;        // the owner's handle, passed through untouched

    std::span<std::uint8_t> bytes() const { return {data, length}; }
};

/// Where a shard gets buffers for packets of its own (ICMP, ARP, fragments). Called off the cached path only,
/// hence virtual.
class FrameAllocator {
  public:
    virtual ~FrameAllocator() = default;
    /// A frame with `length` bytes of data (contents undefined) and at least 128 bytes of headroom; data null
    /// when exhausted.
    virtual Frame allocate(std::uint32_t length) = 0;
    /// The most bytes of data that one frame can hold.
    virtual std::uint32_t longest_frame() const = 0;
};

}  // namespace sluice
