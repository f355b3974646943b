// SPDX-License-Identifier: Apache-2.0
//
// What the micro benchmarks share: their main, cycles of the time-stamp counter beside Google Benchmark's time,
// and an end for those whose answer is wrong.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "bench/windows.h"

namespace sluice::bench {

/// Runs body() as often as the library wants. "cycles" an item: of the time-stamp counter, lower quartile of
/// short windows, because the library's mean includes what else the core did meanwhile.
template <typename Body>
void measure_items(benchmark::State& state, std::int64_t items_a_call, Body&& body) {
    constexpr std::uint32_t calls_a_window = 256;
    std::vector<double> windows;
    for (auto unused : state) {
        static_cast<void>(unused);
        windows.push_back(cycles_a_call(calls_a_window, body));
    }
    state.counters["cycles"] = lower_quartile(std::move(windows)) / static_cast<double>(items_a_call);
    state.SetItemsProcessed(state.iterations() * calls_a_window * items_a_call);
}

/// What main() returns. run(core), on the quietest core, is to run the benchmarks that the command line asks
/// for.
template <typename Run>
int micro_main(int argc, char** argv, Run&& run) {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    const unsigned core = quietest_core();
    settle_on_core(core);
    try {
        run(core);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
        return 1;
    }
    benchmark::Shutdown();
    return 0;
}

/// Before anything is timed.
inline void require(bool right, const std::string& what) {
    if (right) return;
    std::fputs(("wrong answer: " + what + "\n").c_str(), stderr);
    std::exit(1);
}

}  // namespace sluice::bench
