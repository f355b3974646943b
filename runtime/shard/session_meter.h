// SPDX-License-Identifier: Apache-2.0
//
// How many new sessions a second a tenant may begin, and as many at once: virtual scheduling (ITU-T I.371 annex
// A, GCRA), one time stamp a tenant. Owner shard only.
#pragma once

#include <algorithm>
#include <cstdint>

#include "runtime/packet/frame.h"

namespace sluice {

class SessionMeter {
  public:
    bool allow(Time now, std::uint32_t sessions_a_second) noexcept {
        const Time interval = nanoseconds_per_second / sessions_a_second;
        const Time due = std::max(next_, now);
        if (due - now + interval > nanoseconds_per_second) return false;
        next_ = due + interval;
        return true;
    }

  private:
    Time next_ = 0;  // when the next one is due, were they spread evenly
};

}  // namespace sluice
