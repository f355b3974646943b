// SPDX-License-Identifier: Apache-2.0
//
// Longest-prefix match in bursts of 32 beside DPDK's tables, on the Internet's own. Repetitions of all
// contenders are interleaved at random; the lower quartile of each counts, since the machine has noisy
// neighbours.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <chrono>
#include <exception>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "bench/dpdk_heap.h"
#include "bench/lpm_workloads.h"
#include "bench/windows.h"

namespace sluice::bench {
namespace {

constexpr std::size_t window_bursts = 4096;

/// One window of a contender, after as much again to bring its table back into the caches.
void measure(benchmark::State& state, const Workload& workload, Contender& contender) {
    static std::size_t next_window = 0;
    const std::size_t window = window_bursts * lpm_burst_size;
    const auto work = [&](std::size_t from) {
        const std::size_t begin = from % (workload.questions.count / window) * window;
        std::size_t at = 0;
        return cycles_a_call(window_bursts,
                             [&] {
                                 contender.look_up(workload.questions, begin + at);
                                 at += lpm_burst_size;
                             }) /
               lpm_burst_size;
    };
    double cycles = 0;
    for (auto unused : state) {
        static_cast<void>(unused);
        work(next_window++);
        const auto begin = std::chrono::steady_clock::now();
        cycles = work(next_window++);
        benchmark::DoNotOptimize(contender.answer(0));
        state.SetIterationTime(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    }
    state.counters["cycles"] = cycles;
    state.counters["MiB"] = static_cast<double>(contender.bytes) / (1 << 20);
}

class TableReporter : public benchmark::BenchmarkReporter {
  public:
    bool ReportContext(const Context&) override { return true; }
    void ReportRuns(const std::vector<Run>& runs) override {
        for (const Run& run : runs) {
            if (run.aggregate_name != "lower_quartile") continue;
            rows_[run.run_name.function_name] = {run.counters.at("cycles"), run.counters.at("MiB")};
        }
    }
    void print(const std::vector<Workload>& workloads) const {
        for (const Workload& workload : workloads) {
            fmt::print("{}\n  {:<26} {:>7} {:>7} {:>8} {:>7}\n", workload.name, "", "cycles", "ratio", "MiB",
                       "ratio");
            const Row& first = rows_.at(name_of(workload, *workload.contenders[0]));
            for (const Contender* contender : workload.contenders) {
                const Row& row = rows_.at(name_of(workload, *contender));
                fmt::print("  {:<26} {:>7.1f} {:>7.2f} {:>8.2f} {:>7.3f}\n", contender->name, row.cycles,
                           row.cycles / first.cycles, row.mib, row.mib / first.mib);
            }
        }
    }
    static std::string name_of(const Workload& workload, const Contender& contender) {
        return workload.name + "/" + contender.name;
    }

  private:
    struct Row {
        double cycles, mib;
    };
    std::map<std::string, Row> rows_;
};

void run(bool table, bool with_rte_lpm) {
    const unsigned core = quietest_core();
    settle_on_core(core);
    const LpmWorkloads workloads(start_dpdk_heap(core, std::size_t{1536} << 20), with_rte_lpm);
#ifndef __clang_analyzer__  // which does not see that the library keeps what is registered
    for (const Workload& workload : workloads.all()) {
        for (Contender* contender : workload.contenders) {
            benchmark::RegisterBenchmark(
                TableReporter::name_of(workload, *contender).c_str(),
                [&workload, contender](benchmark::State& state) { measure(state, workload, *contender); })
                ->UseManualTime()
                ->Iterations(1)
                ->ComputeStatistics("lower_quartile",
                                    [](const std::vector<double>& values) { return lower_quartile(values); })
                ->ReportAggregatesOnly();
        }
    }
#endif
    TableReporter reporter;
    benchmark::RunSpecifiedBenchmarks(table ? &reporter : nullptr);
    if (table) reporter.print(workloads.all());
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
    std::string interleaved = "--benchmark_enable_random_interleaving=true";
    std::string repetitions = "--benchmark_repetitions=61";
    std::vector<char*> arguments{argv[0], interleaved.data(),
                                 repetitions.data()};  // what follows may say otherwise
    bool table = true, with_rte_lpm = false;
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (argument.starts_with("--benchmark_format=")) table = false;
        if (argument == "--rte-lpm") {
            with_rte_lpm = true;
        } else {
            arguments.push_back(argv[i]);
        }
    }
    int count = static_cast<int>(arguments.size());
    arguments.push_back(nullptr);
    benchmark::Initialize(&count, arguments.data());
    if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 2;
    try {
        sluice::bench::run(table, with_rte_lpm);
    } catch (const std::exception& error) {
        fmt::print(stderr, "lpm_bench: {}\n", error.what());
        return 1;
    }
    return 0;
}
