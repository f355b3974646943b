// SPDX-License-Identifier: Apache-2.0
//
// Who looks at the bursts of a packet thread for a while. Nobody most of the time, and that costs one
// comparison a burst.
//
// The packet thread's: others set it by a job (mailbox.h), and take it back before what it points to ends.
#pragma once

#include <cstdint>

namespace sluice {

class FlowSampler;

/// What packets cost, from the shard's first look to its last word.
struct CycleMeter {
    std::uint64_t packets = 0;
    std::uint64_t cycles = 0;  // of the time-stamp counter
};

struct BurstWatch {
    CycleMeter* meter = nullptr;
    FlowSampler* sampler = nullptr;

    bool watched() const noexcept { return meter != nullptr || sampler != nullptr; }
};

}  // namespace sluice
