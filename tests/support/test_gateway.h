// SPDX-License-Identifier: Apache-2.0
//
// A shard on heap frames and a clock that tests set: frames in, frames out, counters. Every buffer is exactly
// as long as its frame's head room, data and tail room, so that a sanitizer sees an overrun, and every buffer
// must come back once.
#pragma once

#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/shard/shard.h"
#include "tests/support/packets.h"
#include "tests/support/sent_frame.h"

namespace sluice::test {

constexpr CacheTiers all_cache_tiers[] = {CacheTiers::none, CacheTiers::flow_table, CacheTiers::trace_cache};
std::string name_of(CacheTiers tiers);

class HeapFrames final : public FrameAllocator {
  public:
    ~HeapFrames() override;
    Frame allocate(std::uint32_t length) override;
    std::uint32_t longest_frame() const override { return 1 << 16; }
    Frame copy_of(std::span<const std::uint8_t> bytes, std::uint16_t port);
    /// Throws std::logic_error for a frame that is not ours or came back before.
    void free(const Frame& frame);
    std::size_t in_use() const { return buffers_.size(); }

  private:
    std::set<std::uint8_t*> buffers_;
};

class TestGateway {
  public:
    explicit TestGateway(const Image& image, const ShardSettings& settings = {});
    ~TestGateway();

    /// Frames that arrive on `port` in one burst, at the clock's time. What leaves in this call.
    std::vector<SentFrame> inject(std::uint16_t port, std::span<const Bytes> burst);
    /// One burst over several ports: each frame with the port it arrives on.
    std::vector<SentFrame> inject(std::span<const SentFrame> burst);
    std::vector<SentFrame> inject(std::uint16_t port, const Bytes& frame) { return inject(port, {&frame, 1}); }
    std::vector<SentFrame> inject(std::string_view port, const Bytes& frame) {
        return inject(port_of(port), frame);
    }
    std::vector<SentFrame> inject(std::string_view port, std::span<const Bytes> burst) {
        return inject(port_of(port), burst);
    }
    /// Lets time pass; what timers send meanwhile.
    std::vector<SentFrame> advance(Time duration);
    Time now() const { return now_; }
    /// Makes this the running policy, between two bursts. The image may go afterwards.
    void activate(const Image& next) { activate(next, shard_.forgotten()); }
    /// Without giving away slots of what vanished after `forgotten`.
    void activate(const Image& next, std::uint32_t forgotten);
    const Image& image() const { return *image_; }
    /// The process ends and another one goes on from what it left: `loaded` is the image that runs, as loaded.
    /// Throws std::logic_error where that one does not know all that this one knew.
    std::unique_ptr<TestGateway> restart(const Image& loaded);
    std::vector<std::uint8_t> save();
    /// A gateway that goes on from such bytes. Throws std::runtime_error where they are refused.
    static std::unique_ptr<TestGateway> resume(std::vector<std::uint8_t> bytes, const Image& loaded,
                                               ShardSettings settings, Time now);
    const Shard::Resumed& resumed() const { return resumed_; }
    /// What waits is given up, as at the end of a process.
    void release_held();

    std::uint16_t port_of(std::string_view name) const;  // throws std::invalid_argument
    /// How many of them left by that port.
    std::size_t count_by(std::string_view port, std::span<const SentFrame> sent) const;
    std::uint64_t drops(std::string_view component, DropReason reason);
    const Counters& counters() { return shard_.counters(); }
    Shard& shard() { return shard_; }
    /// What the last call logged of rules.
    const std::vector<RuleEvent>& events() const { return events_; }
    /// Blocks of ports that hosts took and gave back in the last call.
    const std::vector<BlockEvent>& blocks() const { return blocks_; }
    std::size_t frames_in_use() const { return frames_.in_use(); }

  private:
    TestGateway(std::unique_ptr<const Image> image, const ShardSettings& settings, Time now)
        : followed_(std::move(image)),
          image_(followed_.get()),
          settings_(settings),
          shard_(*image_, settings, frames_),
          now_(now) {}
    std::vector<SentFrame> collect();

    std::unique_ptr<const Image> followed_;  // the running one, where it is not the first
    const Image* image_;
    ShardSettings settings_;
    HeapFrames frames_;
    Shard shard_;
    Output output_;
    std::vector<RuleEvent> events_;
    std::vector<BlockEvent> blocks_;
    Shard::Resumed resumed_;
    Time now_ = seconds(1000);
};

}  // namespace sluice::test
