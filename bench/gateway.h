// SPDX-License-Identifier: Apache-2.0
//
// One shard between two preloaded ports: receives, processes and delivers as sluiced's packet loop does, and
// checks what comes out. One thread.
#pragma once

#include <chrono>
#include <vector>

#include "bench/preloaded_port.h"
#include "runtime/io/dpdk_frames.h"
#include "runtime/shard/shard.h"

namespace sluice::bench {

/// Ends the program: what is wrong is not worth timing.
[[noreturn]] void wrong_answer(const char* what);

inline Time monotonic_time() {
    return static_cast<Time>(
        std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count());
}

class Gateway {
  public:
    /// All must outlive it.
    Gateway(const Image& image, const ShardSettings& settings, FrameAllocator& frames)
        : shard_(image, settings, frames) {}
    ~Gateway();
    Gateway(const Gateway&) = delete;
    Gateway& operator=(const Gateway&) = delete;

    /// Where frames for the logical ports go.
    void connect(DpdkPort& access, DpdkPort& uplink) {
        ports_[access_port] = &access;
        ports_[uplink_port] = &uplink;
    }

    /// One burst: received, processed, sent.
    void run(DpdkPort& from, Time now) {
        shard_.process(from.receive(), now, output_);
        deliver();
    }
    /// The same with the frames of the burst processed and sent one by one.
    void run_single(DpdkPort& from, Time now) {
        for (const Frame& frame : from.receive()) {
            shard_.process({&frame, 1}, now, output_);
            deliver();
        }
    }
    /// One burst, all of it forwarded: visit(frame) sees each packet as it leaves. Nothing is sent.
    template <typename Visit>
    std::size_t run_checked(DpdkPort& from, Time now, Visit&& visit);

    /// The same as run(), with before(burst) on the burst received and visit(frame) on each frame to be sent.
    template <typename Before, typename Visit>
    void run_watched(DpdkPort& from, Time now, Before&& before, Visit&& visit) {
        const std::span<const Frame> burst = from.receive();
        before(burst);
        shard_.process(burst, now, output_);
        for (const Frame& frame : output_.transmitted) visit(frame);
        deliver();
    }
    /// What is due without any frame.
    void run_idle(Time now) {
        shard_.advance(now, output_);
        deliver();
    }

    Shard& shard() { return shard_; }

  private:
    void deliver() {
        send_each(output_.transmitted, [this](std::uint16_t port) -> DpdkPort& { return *ports_[port]; });
        ports_[access_port]->flush();
        ports_[uplink_port]->flush();
        for (const Frame& frame : output_.released) rte_pktmbuf_free(static_cast<rte_mbuf*>(frame.buffer));
        output_.clear();
    }
    void free_all();

    Shard shard_;
    Output output_;
    std::array<DpdkPort*, 2> ports_{};
};

/// Remembers how each flow was translated, and that no two share a translation.
class Checker {
  public:
    Checker(const Shape& shape, std::uint32_t flows) : shape_(shape), translations_(flows) {}
    void forward(const Frame& frame);
    void reply(const Frame& frame);
    /// How many flows were seen; ends the program where two have one translation.
    std::uint32_t distinct_flows() const;

  private:
    Shape shape_;
    std::vector<std::uint64_t> translations_;  // by flow; 0: not seen
};

template <typename Visit>
std::size_t Gateway::run_checked(DpdkPort& from, Time now, Visit&& visit) {
    const std::span<const Frame> burst = from.receive();
    if (burst.empty()) wrong_answer("the source is empty");
    shard_.process(burst, now, output_);
    if (output_.transmitted.size() != burst.size()) wrong_answer("not every packet was forwarded");
    for (const Frame& frame : output_.transmitted) visit(frame);
    free_all();
    return burst.size();
}

}  // namespace sluice::bench
