// SPDX-License-Identifier: Apache-2.0
//
// What a call into the shard gave back. Plain data; the caller's.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "runtime/packet/frame.h"
#include "runtime/state/port_blocks.h"
#include "runtime/state/tuple.h"
#include "schemas/image_generated.h"

namespace sluice {

/// A rule with `log: true` decided about a first packet: a session it allowed, or a packet it dropped or
/// rejected.
struct RuleEvent {
    Time at = 0;
    Tuple packet;  // as it came; scope is the tenant
    std::uint32_t rule = 0;
    image::FirewallAction action{};
    friend bool operator==(const RuleEvent&, const RuleEvent&) = default;
};

/// Frames in order. What a vector cannot do: places are filled before they count, and nothing else is written
/// to them.
class Frames {
  public:
    explicit Frames(std::size_t capacity) : frames_(new Frame[capacity]), capacity_(capacity) {}

    /// The place behind the last; `count` frames may be written there and up to any of them be counted in.
    Frame* room(std::size_t count) {
        if (size_ + count > capacity_) grow(size_ + count);
        return &frames_[size_];
    }
    void count_up_to(const Frame* end) { size_ = static_cast<std::size_t>(end - frames_.get()); }

    void push_back(const Frame& frame) {
        *room(1) = frame;
        ++size_;
    }
    const Frame* begin() const { return frames_.get(); }
    const Frame* end() const { return frames_.get() + size_; }
    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    void clear() { size_ = 0; }

  private:
    void grow(std::size_t needed) {
        const std::size_t capacity = std::max(needed, 2 * capacity_);
        std::unique_ptr<Frame[]> larger(new Frame[capacity]);
        std::copy(begin(), end(), larger.get());
        frames_ = std::move(larger);
        capacity_ = capacity;
    }

    std::unique_ptr<Frame[]> frames_;
    std::size_t capacity_, size_ = 0;
};

/// The caller sends `transmitted` (of these frames tailroom and headroom say nothing) in this order, frees
/// `released`, tells people of `events` and `blocks`, and clears all.
struct Output {
    /// A call gives back no more events than this: a flood of denied packets must not become a flood of lines.
    static constexpr std::size_t most_events = 256;
    static constexpr std::size_t most_blocks = 8192;

    Frames transmitted{4096};
    Frames released{4096};
    std::vector<RuleEvent> events;
    std::uint64_t events_left_out = 0;
    std::vector<BlockEvent> blocks;  // of ports that hosts took and gave back
    std::uint64_t blocks_left_out = 0;

    Output() {
        events.reserve(most_events);
        blocks.reserve(most_blocks);
    }
    void add(std::span<const BlockEvent> of_blocks) {
        const std::size_t room = std::min(of_blocks.size(), most_blocks - blocks.size());
        blocks.insert(blocks.end(), of_blocks.begin(), of_blocks.begin() + static_cast<std::ptrdiff_t>(room));
        blocks_left_out += of_blocks.size() - room;
    }
    void add(const RuleEvent& event) {
        if (events.size() < most_events) {
            events.push_back(event);
        } else {
            ++events_left_out;
        }
    }
    void clear() {
        transmitted.clear();
        released.clear();
        events.clear();
        events_left_out = 0;
        blocks.clear();
        blocks_left_out = 0;
    }
};

}  // namespace sluice
