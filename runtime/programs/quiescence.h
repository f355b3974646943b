// SPDX-License-Identifier: Apache-2.0
//
// When nobody looks any more at what was taken out of use: packet threads say between two bursts that they hold
// nothing of before, and who wants to free something waits until each has said so (quiescent-state RCU, by
// DPDK's rte_rcu_qsbr). A thread that sleeps is offline: nobody waits for it.
#pragma once

#include <rte_rcu_qsbr.h>

#include <memory>

namespace sluice {

class Quiescence {
  public:
    /// For `readers` threads, which have the numbers below that.
    explicit Quiescence(unsigned readers);

    /// A packet thread's part; made, used and ended there. One load, one store and a fence a report.
    class Reader {
      public:
        Reader(Quiescence& quiescence, unsigned number) noexcept;
        ~Reader();
        Reader(const Reader&) = delete;
        Reader& operator=(const Reader&) = delete;

        /// Holds nothing that was read before.
        void report() noexcept { rte_rcu_qsbr_quiescent(state_, number_); }
        /// Holds nothing until online() returns.
        void offline() noexcept { rte_rcu_qsbr_thread_offline(state_, number_); }
        void online() noexcept { rte_rcu_qsbr_thread_online(state_, number_); }

      private:
        rte_rcu_qsbr* state_;
        unsigned number_;
    };

    /// Returns when every reader has reported, gone offline or ended since the call. Any thread but a reader's.
    void wait() noexcept;

  private:
    struct Free {
        void operator()(rte_rcu_qsbr* state) const noexcept;
    };
    std::unique_ptr<rte_rcu_qsbr, Free> state_;
};

}  // namespace sluice
