// SPDX-License-Identifier: Apache-2.0
//
// What a packet costs the whole shard: firewall, SNAT, VLAN in and out, 64-byte UDP, bursts of 32. Cycles of
// the time-stamp counter, lower quartile of many short windows; the floor (the same source, destination and
// source MAC swapped) is measured between the windows of the same run, because neighbours on a shared machine
// move both.
#include <fmt/format.h>
#include <x86intrin.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "bench/source.h"
#include "runtime/shard/shard.h"
#include "tests/support/compile.h"
#include "tests/support/packets.h"

namespace sluice::bench {
namespace {

constexpr std::uint32_t burst_frames = 32;
constexpr std::uint32_t windows = 60;
constexpr std::uint32_t bursts_a_window = 512;

struct Row {
    std::string name;
    std::uint32_t flows = 0, rules = 0, tenants = 1;
    double cycles = 0, floor = 0;
};

std::unique_ptr<const Image> make_image(std::uint32_t rules) {
    std::string tenant =
        "tenant: blue\n"
        "segments:\n  lan: {vlan: {port: access0, id: 110}, gateway: 10.0.0.1/8}\n"
        "uplinks:\n"
        "  internet: {vlan: {port: uplink0, id: 900}, address: 203.0.113.10/24, neighbours: {203.0.113.1: "
        "\"02:00:00:00:09:01\"}}\n"
        "routes:\n  - {to: 0.0.0.0/0, via: 203.0.113.1}\n"
        "nat:\n  - {snat: 10.0.0.0/8, out: internet, to: 203.0.113.64-203.0.113.127}\n"
        "firewall:\n  rules:\n";
    for (std::uint32_t i = 0; i + 1 < rules; ++i) {
        tenant +=
            fmt::format("    - {{name: r{}, from: lan, to: 198.51.{}.{}, service: udp/{}, action: drop}}\n", i,
                        i / 250 % 250, i % 250 + 1, 1000 + i % 5000);
    }
    tenant += "    - {name: outbound, from: lan, to: internet, action: allow}\n";
    return test::compile_texts(
        {{"gateway.yaml",
          "gateway: bench\nmac: 02:00:5e:00:01:01\nports: {access0: {}, uplink0: {}}\ntenants: [blue.yaml]\n"},
         {"blue.yaml", tenant}});
}

std::vector<test::Bytes> make_frames(std::uint32_t flows) {
    std::vector<test::Bytes> frames;
    frames.reserve(flows);
    for (std::uint32_t i = 0; i < flows; ++i) {
        test::Packet packet;
        packet.vlan = 110;
        packet.source = fmt::format("10.{}.{}.{}", 1 + i % 4, i / 4 % 200, 2 + i / 800 % 200);
        packet.source_port = static_cast<std::uint16_t>(1024 + i / 160'000);
        packet.destination = "198.18.0.9";
        packet.destination_port = 9;
        packet.payload.assign(18, 0);
        frames.push_back(test::udp(packet));
    }
    // In an order that no prefetcher knows.
    std::uint64_t state = 1;
    for (std::size_t i = frames.size(); i > 1; --i) {
        state = state * 6364136223846793005 + 1442695040888963407;
        std::swap(frames[i - 1], frames[(state >> 33) % i]);
    }
    return frames;
}

double lower_quartile(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 4];
}

template <typename Work>
double cycles_a_packet(std::uint32_t bursts, Work&& work) {
    const std::uint64_t begin = __rdtsc();
    for (std::uint32_t burst = 0; burst < bursts; ++burst) work();
    return static_cast<double>(__rdtsc() - begin) / (bursts * burst_frames);
}

void swap_macs(const Frame& frame) {
    std::uint8_t address[6];
    std::copy_n(frame.data, 6, address);
    std::copy_n(frame.data + 6, 6, frame.data);
    std::copy_n(address, 6, frame.data + 6);
}

[[noreturn]] void wrong(const std::string& what) {
    fmt::print(stderr, "gateway_bench: wrong answer: {}\n", what);
    std::exit(1);
}

/// Every flow once, all forwarded with another source: only then is it worth timing.
void check(const Image& image, Shard& shard, Source& source, Output& output, Time now) {
    for (std::uint32_t sent = 0; sent < source.size(); sent += burst_frames) {
        const std::uint32_t count = std::min(burst_frames, source.size() - sent);
        shard.process(source.next(count, 0), now, output);
        if (output.transmitted.size() != count)
            wrong(fmt::format("{} of {} left", output.transmitted.size(), count));
        for (const Frame& frame : output.transmitted) {
            if (frame.port != 1 || frame.data[30] != 203) wrong("not translated to the uplink's pool");
            if (!test::checksums_valid(frame.bytes())) wrong("bad checksum");
        }
        output.clear();
    }
    if (!shard.counters().balanced() || image.tenants().size() != 1) wrong("unbalanced");
}

Row established(const Image& image, std::uint32_t flows, std::uint32_t rules, bool cache) {
    Source source(make_frames(flows));
    ShardSettings settings;
    settings.cache = cache ? CacheTiers::flow_table : CacheTiers::none;
    settings.sessions = std::max(1u << 16, flows * 5 / 4);
    settings.flows = std::max(1u << 17, flows * 2);
    Shard shard(image, settings, source);
    Output output;
    const Time now = seconds(1000);
    check(image, shard, source, output, now);
    std::vector<double> work, floor;
    for (std::uint32_t window = 0; window < windows; ++window) {
        work.push_back(cycles_a_packet(bursts_a_window, [&] {
            shard.process(source.next(burst_frames, 0), now, output);
            output.clear();
        }));
        floor.push_back(cycles_a_packet(bursts_a_window, [&] {
            for (const Frame& frame : source.next(burst_frames, 0)) swap_macs(frame);
        }));
    }
    if (cache && shard.counters().cache.flow_hits == 0) wrong("nothing was served from the cache");
    return {cache ? "established" : "established-no-cache",
            flows,
            rules,
            1,
            lower_quartile(work),
            lower_quartile(floor)};
}

Row new_session(const Image& image, std::uint32_t rules) {
    constexpr std::uint32_t flows = 60'000;
    Source source(make_frames(flows));
    std::vector<double> work, floor;
    Output output;
    for (int round = 0; round < 8; ++round) {
        ShardSettings settings;
        Shard shard(image, settings, source);
        for (std::uint32_t burst = 0; burst + bursts_a_window / 8 <= flows / burst_frames;
             burst += bursts_a_window / 8) {
            work.push_back(cycles_a_packet(bursts_a_window / 8, [&] {
                shard.process(source.next(burst_frames, 0), seconds(1000), output);
                output.clear();
            }));
            floor.push_back(cycles_a_packet(bursts_a_window / 8, [&] {
                for (const Frame& frame : source.next(burst_frames, 0)) swap_macs(frame);
            }));
        }
        if (shard.sessions().size() < flows / 3) wrong("sessions were not opened");
    }
    return {"new-session", 60'000, rules, 1, lower_quartile(work), lower_quartile(floor)};
}

void print_table(const std::vector<Row>& rows) {
    fmt::print("{:<22} {:>9} {:>8} {:>8} {:>9} {:>8} {:>7}\n", "name", "flows", "rules", "tenants", "cycles",
               "floor", "ratio");
    for (const Row& row : rows) {
        fmt::print("{:<22} {:>9} {:>8} {:>8} {:>9.0f} {:>8.0f} {:>7.2f}\n", row.name, row.flows, row.rules,
                   row.tenants, row.cycles, row.floor, row.cycles / row.floor);
    }
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

std::vector<Row> measure() {
    std::vector<Row> rows;
    const auto image = make_image(1000);
    for (const std::uint32_t flows : {1u, 10'000u, 100'000u})
        rows.push_back(established(*image, flows, 1000, true));
    rows.push_back(established(*image, 10'000, 1000, false));
    for (const std::uint32_t rules : {10u, 1000u}) rows.push_back(new_session(*make_image(rules), rules));
    return rows;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
    CLI::App app("What a packet costs the whole shard, beside the floor of the same run.", "gateway_bench");
    bool table = false, json = false;
    app.add_flag("--table", table, "for people (the default)");
    app.add_flag("--json", json, "for scripts: a list of rows");
    CLI11_PARSE(app, argc, argv);
    const auto rows = sluice::bench::measure();
    if (json) {
        sluice::bench::print_json(rows);
    } else {
        sluice::bench::print_table(rows);
    }
    return 0;
}
