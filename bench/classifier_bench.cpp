// SPDX-License-Identifier: Apache-2.0
//
// The classifier beside librte_acl (AVX2) on every ClassBench filter set: the same headers in bursts of 32,
// from addresses and ports to the rule, passes over the whole trace taking turns. Answers are compared with
// each other (tests/compiler/lower compares them with a linear scan) before anything is timed.
#include <x86intrin.h>

#include <algorithm>
#include <chrono>
#include <span>
#include <stdexcept>

#include "bench/acl_table.h"
#include "bench/micro.h"
#include "runtime/io/dpdk_environment.h"
#include "tests/support/filter_classifier.h"

namespace sluice::bench {
namespace {

constexpr std::size_t burst = classifier_most_burst;
constexpr std::size_t window = 1024;  // headers: short enough that few are interrupted

/// Cycles a header: of each window the lower quartile over all passes.
class Windows {
  public:
    explicit Windows(std::size_t headers) : headers_(headers), cycles_((headers + window - 1) / window) {}

    template <typename Body>
    void pass(Body&& body) {  // body(first, end) looks up a part
        for (std::size_t i = 0; i < cycles_.size(); ++i) {
            const std::uint64_t begin = __rdtsc();
            body(i * window, std::min(headers_, (i + 1) * window));
            cycles_[i].push_back(static_cast<double>(__rdtsc() - begin));
        }
    }
    double cycles_a_header() {
        double sum = 0;
        for (auto& cycles : cycles_) sum += lower_quartile(cycles);
        return sum / static_cast<double>(headers_);
    }

  private:
    std::size_t headers_;
    std::vector<std::vector<double>> cycles_;
};

double mebibytes(std::size_t bytes) {
    return static_cast<double>(bytes) / (1 << 20);
}

template <typename Make>
double seconds_of(Make&& make) {
    const auto begin = std::chrono::steady_clock::now();
    make();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

const std::vector<test::FilterSet>& filter_sets() {
    static const std::vector<test::FilterSet> sets = test::read_filter_sets();
    return sets;
}

void classifier(benchmark::State& state) {
    if (static_cast<std::size_t>(state.range(0)) >= filter_sets().size()) {
        state.SkipWithError("no such set in the folder classbench");
        return;
    }
    const test::FilterSet& set = filter_sets()[static_cast<std::size_t>(state.range(0))];
    state.SetLabel(set.name);
    const std::span<const test::FilterHeader> headers(set.headers);
    std::vector<AclHeader> acl_headers;
    for (const auto& header : headers) acl_headers.push_back(acl_header(header));
    std::vector<const std::uint8_t*> acl_places;
    for (const auto& header : acl_headers) acl_places.push_back(&header.protocol);

    std::optional<test::FilterClassifier> ours;
    std::optional<AclTable> acl;
    const double build_seconds = seconds_of([&] { ours.emplace(set.rules); });
    const double acl_build_seconds = seconds_of([&] { acl.emplace(set.rules); });
    std::vector<std::uint32_t> found(headers.size()), found_one_by_one(headers.size()),
        found_acl(headers.size());
    const auto in_bursts = [&](std::size_t first, std::size_t end) {
        for (; first < end; first += burst) {
            ours->lookup_burst(headers.subspan(first, std::min(burst, end - first)), &found[first]);
        }
    };
    const auto one_by_one = [&](std::size_t first, std::size_t end) {
        for (; first < end; ++first) found_one_by_one[first] = ours->lookup(headers[first]);
    };
    const auto with_acl = [&](std::size_t first, std::size_t end) {
        for (; first < end; first += burst) {
            acl->lookup(&acl_places[first], static_cast<std::uint32_t>(std::min(burst, end - first)),
                        &found_acl[first]);
        }
    };
    in_bursts(0, headers.size());
    one_by_one(0, headers.size());
    with_acl(0, headers.size());
    for (std::size_t i = 0; i < headers.size(); ++i) {
        require(found[i] == found_acl[i] - 1 && found_one_by_one[i] == found[i], set.name);
    }
    Windows burst_windows(headers.size()), single_windows(headers.size()), acl_windows(headers.size());
    for (auto unused : state) {
        static_cast<void>(unused);
        burst_windows.pass(in_bursts);
        acl_windows.pass(with_acl);
        single_windows.pass(one_by_one);
    }
    const double cycles = burst_windows.cycles_a_header();
    const double acl_cycles = acl_windows.cycles_a_header();
    state.counters["rules"] = static_cast<double>(set.rules.size());
    state.counters["cycles"] = cycles;
    state.counters["one_by_one"] = single_windows.cycles_a_header();
    state.counters["rte_acl"] = acl_cycles;
    state.counters["ratio"] = cycles / acl_cycles;
    state.counters["MiB"] = mebibytes(ours->classifier().bytes() + ours->class_bytes());
    state.counters["rte_acl_MiB"] = mebibytes(acl->bytes());
    state.counters["build_s"] = build_seconds;
    state.counters["rte_acl_build_s"] = acl_build_seconds;
}

BENCHMARK(classifier)->DenseRange(0, 10)->Iterations(12);  // the sets, smallest first

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
    return sluice::bench::micro_main(argc, argv, [](unsigned core) {
        if (sluice::bench::filter_sets().empty()) {
            throw std::runtime_error("needs the folder classbench (set SLUICE_DATA) and the program zstd");
        }
        sluice::EnvironmentSettings settings;
        settings.cores = {core};
        settings.frames = 1023;
        settings.environment_bytes = std::uint64_t{4} << 30;  // the firewall sets take gigabytes of librte_acl
        const sluice::Environment environment(settings);
        benchmark::RunSpecifiedBenchmarks();
    });
}
