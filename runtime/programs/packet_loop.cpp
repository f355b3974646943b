// SPDX-License-Identifier: Apache-2.0
#include "runtime/programs/packet_loop.h"

#include <rte_mbuf.h>
#include <x86intrin.h>

#include <ctime>

#include "runtime/control/flow_sampler.h"
#include "runtime/io/dpdk_frames.h"

namespace sluice {
namespace {

// Short against any latency that matters, long enough to leave the core to others.
constexpr long idle_sleep_nanoseconds = 50'000;
constexpr unsigned empty_polls_before_sleep = 200;

}  // namespace

Time PacketLoop::now() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<Time>(time.tv_sec) * nanoseconds_per_second + static_cast<Time>(time.tv_nsec);
}

void PacketLoop::run(const std::atomic<bool>& stop) {
    constexpr unsigned only_packet_thread = 0;
    Quiescence::Reader reader(quiescence_, only_packet_thread);
    unsigned empty_polls = 0;
    while (!stop.load(std::memory_order_relaxed)) {
        mailbox_.serve();
        reader.report();
        empty_polls = poll_once() ? 0 : empty_polls + 1;
        if (when_idle_ == WhenIdle::sleep && empty_polls >= empty_polls_before_sleep) {
            const timespec pause{0, idle_sleep_nanoseconds};
            reader.offline();
            nanosleep(&pause, nullptr);
            reader.online();
        }
    }
    shard_.release_held(output_);
    deliver();
    mailbox_.close();
}

bool PacketLoop::poll_once() {
    bool received = false;
    for (const auto& port : ports_) {
        const std::span<const Frame> burst = port->receive();
        if (burst.empty()) continue;
        received = true;
        process(burst);
        deliver();
    }
    if (!received) {
        shard_.advance(now(), output_);
        deliver();
    }
    return received;
}

void PacketLoop::process(std::span<const Frame> burst) {
    if (watch_.watched()) [[unlikely]] {
        return process_watched(burst);
    }
    shard_.process(burst, now(), output_);
}

void PacketLoop::process_watched(std::span<const Frame> burst) {
    if (watch_.sampler != nullptr) watch_.sampler->look(burst);
    const std::uint64_t begin = __rdtsc();
    shard_.process(burst, now(), output_);
    if (watch_.meter != nullptr) {
        watch_.meter->packets += burst.size();
        watch_.meter->cycles += __rdtsc() - begin;
    }
}

void PacketLoop::deliver() {
    if (output_.transmitted.empty() && output_.released.empty() && output_.events.empty() &&
        output_.blocks.empty()) {
        return;
    }
    send_each(output_.transmitted, [this](std::uint16_t port) -> DpdkPort& { return *ports_[port]; });
    for (const auto& port : ports_) port->flush();
    for (const Frame& frame : output_.released) rte_pktmbuf_free(static_cast<rte_mbuf*>(frame.buffer));
    if (!output_.events.empty() || !output_.blocks.empty()) event_log_.put(output_);
    output_.clear();
}

}  // namespace sluice
