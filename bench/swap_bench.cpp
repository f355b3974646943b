// SPDX-License-Identifier: Apache-2.0
//
// What it costs to change the policy of a gateway under full load: packets lost and packets that saw a mix of
// two policies (both counted, and none allowed), a shard's own work at a swap, and how long packets wait, in
// turns with swaps and without.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>
#include <string>

#include "bench/preloaded_port.h"
#include "bench/swap_rows.h"
#include "bench/windows.h"

namespace sluice::bench {
namespace {

struct Options {
    bool json = false, quick = false, no_huge = false;
    std::vector<std::string> names;
    std::uint32_t swaps = 0;
    unsigned core = quietest_core();
};

std::vector<SwapPlan> choose(const Options& options) {
    std::vector<SwapPlan> plans = all_swaps();
    if (std::ranges::find(options.names, "big") != options.names.end()) plans.push_back(big_swap());
    std::erase_if(plans, [&](const SwapPlan& plan) {
        return !options.names.empty() && std::ranges::find(options.names, plan.name) == options.names.end();
    });
    for (SwapPlan& plan : plans) {
        if (options.quick && !plan.internet) {
            plan.swaps = 20;
            plan.flows = 2000;
            plan.shape = {.tenants = 10, .rules = 10};
        }
        if (options.swaps != 0) plan.swaps = options.swaps;
    }
    return plans;
}

/// `stolen`: bursts in which somebody else had the core; the maxima are of the others.
void print_table_head() {
    fmt::print("{:<12} {:>6} {:>11} {:>11} {:>9} {:>5} {:>5} {:>9} {:>7} {:>10} {:>8}", "kind", "swaps", "sent",
               "received", "denied", "lost", "mixed", "revalid.", "misses", "bytes", "ms");
    fmt::print(" | {:>8} {:>8} | {:>8} {:>8} | {:>8} {:>8} | {:>6} {:>6}\n", "work us", "max", "p99.99",
               "without", "max", "without", "stolen", "without");
}

void print_table_row(const SwapRow& row) {
    fmt::print("{:<12} {:>6} {:>11} {:>11} {:>9} {:>5} {:>5} {:>9} {:>7} {:>10} {:>8.2f}", row.kind, row.swaps,
               row.sent, row.received, row.denied, row.lost, row.mixed, row.revalidated,
               row.unchanged_tenant_misses, row.image_bytes, row.activate_ms);
    fmt::print(" | {:>8.1f} {:>8.1f} | {:>8.1f} {:>8.1f} | {:>8.1f} {:>8.1f} | {:>6} {:>6}\n",
               row.shard_work_us_median, row.shard_work_us_max, row.with_swaps.microseconds_p9999,
               row.without.microseconds_p9999, row.with_swaps.own_microseconds_max,
               row.without.own_microseconds_max, row.with_swaps.stolen, row.without.stolen);
    std::fflush(stdout);
}

nlohmann::ordered_json json_of(const SwapRow& row) {
    return {{"kind", row.kind},
            {"swaps", row.swaps},
            {"sent", row.sent},
            {"received", row.received},
            {"lost", row.lost},
            {"mixed", row.mixed},
            {"shard_work_us_median", row.shard_work_us_median},
            {"delay_us_max", row.with_swaps.microseconds_max},
            {"delay_us_p9999", row.with_swaps.microseconds_p9999},
            {"delay_us_p9999_base", row.without.microseconds_p9999},
            {"revalidated", row.revalidated},
            {"unchanged_tenant_misses", row.unchanged_tenant_misses},
            {"activate_ms", row.activate_ms},
            {"denied", row.denied},
            {"image_bytes", row.image_bytes},
            {"shard_work_us_max", row.shard_work_us_max},
            {"delay_us_max_base", row.without.microseconds_max},
            {"stolen", row.with_swaps.stolen},
            {"stolen_base", row.without.stolen},
            {"own_delay_us_max", row.with_swaps.own_microseconds_max},
            {"own_delay_us_max_base", row.without.own_microseconds_max},
            {"own_delay_us_p9999", row.with_swaps.own_microseconds_p9999},
            {"own_delay_us_p9999_base", row.without.own_microseconds_p9999}};
}

int run(const Options& options) {
    const std::vector<SwapPlan> plans = choose(options);
    if (plans.empty()) {
        fmt::print(stderr, "swap_bench: no row is called so\n");
        return 2;
    }
    cycles_a_microsecond();
    settle_on_core(options.core);
    unsigned frames = 0;
    for (const SwapPlan& plan : plans) frames = std::max(frames, buffers_for(plan));
    const Environment environment(environment_of(options.core, !options.no_huge, frames));
    fmt::print(stderr, "swap_bench: packets on core {}, buffers in {}\n", options.core,
               environment.hugepages() ? "hugepages" : "4 KB pages (--no-huge)");
    auto rows = nlohmann::ordered_json::array();
    bool good = true;
    if (!options.json) print_table_head();
    for (const SwapPlan& plan : plans) {
        if (isatty(STDERR_FILENO) != 0) fmt::print(stderr, "\r{} ...\033[K\r", plan.name);
        Routes internet;
        if (plan.internet) {
            auto routes = internet_routes();
            if (const auto* missing = std::get_if<std::string>(&routes)) {
                fmt::print(stderr, "swap_bench: {} is skipped: it {}\n", plan.name, *missing);
                continue;
            }
            internet = std::get<Routes>(std::move(routes));
        }
        const SwapRow row = measure(plan, internet, environment, options.core);
        good = good && row.lost == 0 && row.mixed == 0 && row.unchanged_tenant_misses == 0;
        rows.push_back(json_of(row));
        if (!options.json) print_table_row(row);
    }
    if (options.json) fmt::print("{}\n", rows.dump(2));
    if (!good)
        fmt::print(stderr, "swap_bench: packets were lost, saw a mix, or tenants noticed others' changes\n");
    return good ? 0 : 1;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
    CLI::App app("What changing the policy costs a gateway under full load.", "swap_bench");
    sluice::bench::Options options;
    bool table = false;
    app.add_flag("--table", table, "for people (the default)");
    app.add_flag("--json", options.json, "for scripts: a list of rows");
    app.add_flag("--quick", options.quick, "few swaps, tenants and flows: answers, not times");
    app.add_option("--row", options.names,
                   "only rows of this kind; may be repeated; big (minutes to compile) must be named");
    app.add_option("--swaps", options.swaps, "so many swaps a row, in tens");
    app.add_option("--core", options.core, "the core for the packets")->capture_default_str();
    app.add_flag("--no-huge", options.no_huge, "4 KB pages even where there are hugepages");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    try {
        return sluice::bench::run(options);
    } catch (const std::exception& error) {
        fmt::print(stderr, "swap_bench: {}\n", error.what());
        return 1;
    }
}
