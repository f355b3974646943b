// SPDX-License-Identifier: Apache-2.0
//
// What swap_bench measures: a shard that is busy all the time goes over to other images, as the daemon's does,
// and every packet is looked at. Names are a contract: scripts read them.
#pragma once

#include <string>
#include <vector>

#include "bench/delays.h"
#include "bench/swap_policy.h"
#include "runtime/io/dpdk_environment.h"

namespace sluice::bench {

struct SwapPlan {
    std::string name;
    SwapKind kind = SwapKind::rule;
    Shape shape = {.tenants = 100, .rules = 100};
    std::uint32_t flows = 100'000;
    std::uint32_t swaps = 1000;
    bool internet = false;  // each tenant has the Internet's routes
};

struct SwapRow {
    std::string kind;
    std::uint32_t swaps = 0;
    std::uint64_t sent = 0;      // given to the gateway
    std::uint64_t received = 0;  // and came out again as the policy of the moment says
    std::uint64_t denied = 0;    // and did not, as it says
    std::uint64_t lost = 0;
    std::uint64_t mixed = 0;  // came out otherwise than it says
    double shard_work_us_median = 0, shard_work_us_max = 0;
    Delays::Summary with_swaps, without;
    std::uint64_t revalidated = 0;
    std::uint64_t unchanged_tenant_misses = 0;
    std::uint64_t image_bytes = 0;
    double activate_ms = 0;  // from the file's bytes to packets that follow it; the median
};

std::vector<SwapPlan> all_swaps();
/// Ten tenants that share the Internet's tables and have 10,000 rules each: only where it is asked for.
SwapPlan big_swap();
/// Packet buffers that the row needs.
std::uint32_t buffers_for(const SwapPlan& plan);
/// The packets on the calling thread, which is bound to `core`; the images on another one, on the other cores.
/// `internet`: for a plan that wants it.
SwapRow measure(const SwapPlan& plan, const Routes& internet, const Environment& environment, unsigned core);

}  // namespace sluice::bench
