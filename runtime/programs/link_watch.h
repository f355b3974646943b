// SPDX-License-Identifier: Apache-2.0
//
// Tells the shard of ports that lose their link or get it again, and the log. A thread of its own, so that
// nothing holds it up: a lost link is known after 50 ms at most. Main thread makes and ends it.
#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "runtime/control/mailbox.h"
#include "runtime/io/dpdk_port.h"
#include "runtime/shard/shard.h"

namespace sluice {

class LinkWatch {
  public:
    /// Shard, ports and mailbox outlive it.
    LinkWatch(Shard& shard, const std::vector<std::unique_ptr<DpdkPort>>& ports, Mailbox& mailbox);

  private:
    void look();

    Shard& shard_;
    const std::vector<std::unique_ptr<DpdkPort>>& ports_;  // by the image's port number
    Mailbox& mailbox_;
    std::vector<bool> up_;  // as the shard knows it
    std::jthread thread_;
};

}  // namespace sluice
