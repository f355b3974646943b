// SPDX-License-Identifier: Apache-2.0
//
// What a new flow pays to find the program of others like it: hash and look-up in the trace cache, one key
// after the other, with as many traces as an image might give.
#include <array>
#include <random>
#include <vector>

#include "bench/micro.h"
#include "runtime/cache/trace_cache.h"

namespace sluice::bench {
namespace {

constexpr std::uint32_t epoch = 1, tick = 1;

TraceKey key_of(std::uint32_t trace) {
    TraceKey key;
    key.words[key.count++] = 17;
    key.words[key.count++] = 1;
    for (std::uint32_t word = 0; word < TraceKey::words_of_a_router; ++word) {
        key.words[key.count++] = word == 2 ? trace : word;  // they differ in one row: the firewall's rule
    }
    return key;
}

void trace_cache(benchmark::State& state) {
    const auto traces = static_cast<std::uint32_t>(state.range(0));
    TraceCache cache(traces * 4, HashKey{});
    for (std::uint32_t trace = 0; trace < traces; ++trace) cache.insert(key_of(trace), 0, epoch, trace, tick);
    std::vector<TraceKey> known;
    for (std::uint32_t trace = 0; trace < traces; ++trace) {
        const std::uint32_t found = cache.find(key_of(trace), epoch, tick);
        require(found == trace || found == TraceCache::unknown, "the program of a known key");
        if (found == trace) known.push_back(key_of(trace));
        require(cache.find(key_of(traces + trace), epoch, tick) == TraceCache::unknown, "an unknown key");
    }
    // A set that is full gives a trace up; at a quarter of the capacity that is rare.
    require(known.size() * 100 >= std::size_t{traces} * 99, "nearly all keys are known");
    constexpr std::uint32_t asked = 4096;
    std::vector<TraceKey> keys;
    std::mt19937_64 random(1);
    for (std::uint32_t i = 0; i < asked; ++i) keys.push_back(known[random() % known.size()]);
    std::uint32_t next = 0;
    measure_items(state, 1, [&] {
        benchmark::DoNotOptimize(cache.find(keys[next], epoch, tick));
        next = (next + 1) % asked;
    });
}

BENCHMARK(trace_cache)->Arg(8)->Arg(1'000)->Arg(16'000)->Arg(100'000);

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
    return sluice::bench::micro_main(argc, argv, [](unsigned) { benchmark::RunSpecifiedBenchmarks(); });
}
