// SPDX-License-Identifier: Apache-2.0
//
// What lpm_bench asks, and whom: real tables with 256 next hops, a million addresses each, everybody's answers
// checked before anything is timed.
#pragma once

#include <string>
#include <vector>

#include "bench/lpm_contenders.h"

namespace sluice::bench {

struct Workload {
    std::string name;
    Questions questions;
    std::vector<Contender*> contenders;   // ratios are to the first
    std::vector<std::uint32_t> expected;  // empty: what the first contender answers
};

class LpmWorkloads {
  public:
    /// Throws std::runtime_error: without the tables' files, where DPDK refuses, at the first wrong answer.
    LpmWorkloads(int dpdk_socket, bool with_rte_lpm);
    const std::vector<Workload>& all() const { return workloads_; }

  private:
    void add_ipv4(const Entries& entries, int dpdk_socket, bool with_rte_lpm);
    void add_ipv6(const Entries& entries, int dpdk_socket);
    void add_many_routers(const Entries& entries);
    Contender* keep(ContenderPtr contender);

    std::vector<ContenderPtr> contenders_;
    std::vector<Workload> workloads_;
};

}  // namespace sluice::bench
