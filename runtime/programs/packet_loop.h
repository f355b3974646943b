// SPDX-License-Identifier: Apache-2.0
//
// The packet thread: polls the devices, feeds the shard, sends what comes out. One burst in, one burst out;
// between two bursts the mailbox is looked at. No lock, no allocation, no log.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "runtime/control/burst_watch.h"
#include "runtime/control/mailbox.h"
#include "runtime/io/dpdk_port.h"
#include "runtime/programs/event_log.h"
#include "runtime/programs/quiescence.h"
#include "runtime/shard/shard.h"

namespace sluice {

enum class WhenIdle { spin, sleep };

class PacketLoop {
  public:
    PacketLoop(Shard& shard, std::vector<std::unique_ptr<DpdkPort>>& ports, Mailbox& mailbox,
               const BurstWatch& watch, EventLog& event_log, Quiescence& quiescence, WhenIdle when_idle)
        : shard_(shard),
          ports_(ports),
          mailbox_(mailbox),
          watch_(watch),
          event_log_(event_log),
          quiescence_(quiescence),
          when_idle_(when_idle) {}

    /// Until `stop` is set. On return every frame that the shard held has been freed and the mailbox is closed.
    void run(const std::atomic<bool>& stop);

    /// The clock that the shard is told: monotonic, never 0.
    static Time now();

  private:
    bool poll_once();
    void process(std::span<const Frame> burst);
    void process_watched(std::span<const Frame> burst);
    void deliver();

    Shard& shard_;
    std::vector<std::unique_ptr<DpdkPort>>& ports_;  // by the image's port number
    Mailbox& mailbox_;
    const BurstWatch& watch_;
    EventLog& event_log_;
    Quiescence& quiescence_;
    WhenIdle when_idle_;
    Output output_;
};

}  // namespace sluice
