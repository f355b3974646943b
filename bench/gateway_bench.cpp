// SPDX-License-Identifier: Apache-2.0
//
// What a packet costs the whole gateway on one core, from a preloaded DPDK source to a device that drops,
// beside the floor: the same source, MACs swapped, sent to the same sort of device, measured in turn in the
// same run.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "bench/gateway_rows.h"
#include "bench/preloaded_port.h"
#include "bench/windows.h"

namespace sluice::bench {
namespace {

struct Options {
    bool json = false, list = false, quick = false, large = false, no_huge = false;
    std::vector<std::string> names;
    std::vector<std::uint32_t> flows, rules, tenants;
    unsigned core = quietest_core();
    Effort effort;
};

template <typename Value>
bool chosen(const std::vector<Value>& wanted, const Value& value) {
    return wanted.empty() || std::ranges::find(wanted, value) != wanted.end();
}

std::vector<RowPlan> choose(const Options& options) {
    std::vector<RowPlan> rows = all_rows();
    const bool floors = chosen(options.names, std::string("floor"));
    std::erase_if(rows, [&](const RowPlan& row) {
        const bool named = chosen(options.names, row.name) || (floors && row.name == "established");
        const bool sized =
            row.size == Size::named
                ? !options.names.empty()
                : row.size == Size::quick || (row.size == Size::usual && !options.quick) || options.large;
        return !(named && sized && chosen(options.flows, row.flows) && chosen(options.rules, row.shape.rules) &&
                 chosen(options.tenants, row.shape.tenants));
    });
    return rows;
}

void print_table_head() {
    fmt::print("{:<28} {:>9} {:>8} {:>8} {:>9} {:>8} {:>7}\n", "name", "flows", "rules", "tenants", "cycles",
               "floor", "ratio");
}

void print_table_row(const Row& row) {
    fmt::print("{:<28} {:>9} {:>8} {:>8} {:>9.0f} {:>8.0f} {:>7.2f}\n", row.name, row.flows, row.rules,
               row.tenants, row.cycles, row.floor, row.cycles / row.floor);
    std::fflush(stdout);
}

void print_json(const std::vector<Row>& rows) {
    auto json = nlohmann::ordered_json::array();
    for (const Row& row : rows) {
        json.push_back({{"name", row.name},
                        {"flows", row.flows},
                        {"rules", row.rules},
                        {"tenants", row.tenants},
                        {"cycles", row.cycles},
                        {"floor", row.floor},
                        {"ratio", row.cycles / row.floor}});
    }
    fmt::print("{}\n", json.dump(2));
}

/// Images are kept while the next row wants the same one.
class Images {
  public:
    const Image& get(const Shape& shape) {
        Shape wanted = shape;
        wanted.destinations = {};  // those of the traffic
        if (!image_ || wanted != shape_) {
            image_.reset();
            image_ = make_image(shape);
            shape_ = wanted;
        }
        return *image_;
    }

  private:
    Shape shape_;
    std::unique_ptr<const Image> image_;
};

int run(const Options& options) {
    const std::vector<RowPlan> plans = choose(options);
    if (plans.empty()) {
        fmt::print(stderr, "gateway_bench: no row is so; --list shows all\n");
        return 2;
    }
    if (options.list) {
        fmt::print("{:<28} {:>9} {:>8} {:>8} {:>12}\n", "name", "flows", "rules", "tenants", "destinations");
        for (const RowPlan& plan : plans) {
            fmt::print("{:<28} {:>9} {:>8} {:>8} {:>12}\n", plan.name, plan.flows, plan.shape.rules,
                       plan.shape.tenants, destinations_of(plan.shape));
        }
        return 0;
    }
    settle_on_core(options.core);
    unsigned frames = 0;
    std::uint32_t longest = 128;
    for (const RowPlan& plan : plans) {
        frames = std::max(frames, buffers_for(plan));
        if (plan.shape.over_ipv6) longest = tunnelled_frame_bytes(true);
    }
    const Environment environment(environment_of(options.core, !options.no_huge, frames, longest));
    fmt::print(stderr, "gateway_bench: core {}, packet buffers in {}\n", options.core,
               environment.hugepages() ? "hugepages" : "4 KB pages (--no-huge)");
    std::vector<Row> rows;
    Images images;
    if (!options.json) print_table_head();
    for (const RowPlan& plan : plans) {
        if (isatty(STDERR_FILENO) != 0) {
            fmt::print(stderr, "\r{} {} flows, {} rules, {} tenants ...\033[K\r", plan.name, plan.flows,
                       plan.shape.rules, plan.shape.tenants);
        }
        const Row row = measure(plan, images.get(plan.shape), environment, options.effort);
        std::vector<Row> now;
        if (chosen(options.names, row.name)) now.push_back(row);
        const bool first_of_its_size = std::ranges::none_of(
            rows, [&](const Row& known) { return known.name == "floor" && known.flows == row.flows; });
        if (plan.name == "established" && first_of_its_size && chosen(options.names, std::string("floor"))) {
            now.push_back({"floor", row.flows, 0, 0, row.floor, row.floor});
        }
        for (const Row& each : now) {
            rows.push_back(each);
            if (!options.json) print_table_row(each);
        }
    }
    if (options.json) print_json(rows);
    return 0;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
    CLI::App app("What a packet costs the gateway on one core, beside the floor of the same run.",
                 "gateway_bench");
    sluice::bench::Options options;
    bool table = false;
    app.add_flag("--table", table, "for people (the default)");
    app.add_flag("--json", options.json, "for scripts: a list of rows");
    app.add_flag(
        "--list", options.list,
        "show the chosen rows and how many destinations (address and port) their traffic has, measure nothing");
    app.add_flag("--quick", options.quick, "the rows that take less than a minute together");
    app.add_flag("--large", options.large, "also the rows with 100,000 rules");
    app.add_option("--row", options.names, "only rows of this name; may be repeated");
    app.add_option("--flows", options.flows, "only rows with so many flows")->delimiter(',');
    app.add_option("--rules", options.rules, "only rows with so many rules a tenant")->delimiter(',');
    app.add_option("--tenants", options.tenants, "only rows with so many tenants")->delimiter(',');
    app.add_option("--core", options.core, "the core to run on")->capture_default_str();
    app.add_option("--windows", options.effort.windows, "measured windows a row")->capture_default_str();
    app.add_option("--rounds", options.effort.rounds, "how often new sessions fill the table")
        ->capture_default_str();
    app.add_flag("--no-huge", options.no_huge, "4 KB pages even where there are hugepages");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    try {
        return sluice::bench::run(options);
    } catch (const std::exception& error) {
        fmt::print(stderr, "gateway_bench: {}\n", error.what());
        return 1;
    }
}
