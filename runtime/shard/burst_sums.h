// SPDX-License-Identifier: Apache-2.0
//
// Counts of a burst, kept aside until another counter's turn comes or the burst ends: neighbours in a burst
// mostly count in the same places. Owner shard only.
#pragma once

#include <cstdint>

#include "runtime/state/counters.h"

namespace sluice {

class CountRun {
  public:
    void add(PacketCount& to, std::uint64_t frame_bytes) noexcept {
        if (&to != to_) {
            flush();
            to_ = &to;
        }
        ++packets_;
        bytes_ += frame_bytes;
    }
    void flush() noexcept {
        if (to_ == nullptr) return;
        to_->packets += packets_;
        to_->bytes += bytes_;
        to_ = nullptr;
        packets_ = bytes_ = 0;
    }

  private:
    PacketCount* to_ = nullptr;
    std::uint64_t packets_ = 0, bytes_ = 0;
};

struct BurstSums {
    CountRun rx, tx, tenant_rx, tenant_tx;
    std::uint64_t flow_hits = 0;

    void flush(Counters& counters) noexcept {
        for (CountRun* run : {&rx, &tx, &tenant_rx, &tenant_tx}) run->flush();
        counters.cache.flow_hits += flow_hits;
        flow_hits = 0;
    }
};

}  // namespace sluice
