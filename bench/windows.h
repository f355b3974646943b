// SPDX-License-Identifier: Apache-2.0
//
// Timing on a machine with noisy neighbours: many windows so short that most are not interrupted, what is
// compared interleaved, the lower quartile of each. Cycles of the time-stamp counter.
#pragma once

#include <x86intrin.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace sluice::bench {

inline double lower_quartile(std::vector<double> values) {
    const auto quartile = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 4);
    std::nth_element(values.begin(), quartile, values.end());
    return *quartile;
}

/// Calls work() `calls` times; cycles a call.
template <typename Work>
double cycles_a_call(std::uint32_t calls, Work&& work) {
    const std::uint64_t begin = __rdtsc();
    for (std::uint32_t call = 0; call < calls; ++call) work();
    return static_cast<double>(__rdtsc() - begin) / calls;
}

/// Keeps the calling thread on `core` and its process in front of what runs in other sessions, as far as the
/// system lets us.
void settle_on_core(unsigned core);
/// The last core this process may use: the first one serves most interrupts.
unsigned quietest_core();

}  // namespace sluice::bench
