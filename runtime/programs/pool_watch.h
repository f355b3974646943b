// SPDX-License-Identifier: Apache-2.0
//
// Tells the log of NAT pools that run low and of those that have room again. A thread of its own, which looks
// once a second. Main thread makes and ends it.
#pragma once

#include <functional>
#include <thread>
#include <vector>

#include "runtime/control/pools.h"

namespace sluice {

class PoolWatch {
  public:
    /// `look`: the pools as they are now; called by its thread.
    explicit PoolWatch(std::function<std::vector<Pool>()> look);

  private:
    PoolAlarms alarms_;
    std::function<std::vector<Pool>()> look_;
    std::jthread thread_;
};

}  // namespace sluice
