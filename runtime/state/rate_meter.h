// SPDX-License-Identifier: Apache-2.0
//
// So many a second, and as many at once: virtual scheduling (ITU-T I.371 annex A, GCRA), one time stamp a
// meter, on the shard's own clock. rte_meter's token buckets want the time-stamp counter and three times the
// memory. Owner shard only.
#pragma once

#include <algorithm>
#include <cstdint>

#include "runtime/packet/frame.h"

namespace sluice {

class RateMeter {
  public:
    /// Whether one more may come now. `a_second`: 0 is no limit.
    bool allows(Time now, std::uint32_t a_second) const noexcept {
        if (a_second == 0) return true;
        return std::max(next_, now) - now + interval(a_second) <= nanoseconds_per_second;
    }
    /// One has come.
    void count(Time now, std::uint32_t a_second) noexcept {
        if (a_second != 0) next_ = std::max(next_, now) + interval(a_second);
    }

    /// As one that has counted nothing.
    bool is_idle(Time now) const noexcept { return next_ <= now; }

  private:
    static Time interval(std::uint32_t a_second) noexcept { return nanoseconds_per_second / a_second; }

    Time next_ = 0;  // when the next one is due, were they spread evenly
};

/// What a tenant's limits are measured by.
struct TenantMeters {
    RateMeter packets, sessions, slow_path;
};

}  // namespace sluice
