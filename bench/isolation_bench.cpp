// SPDX-License-Identifier: Apache-2.0
//
// What is left of one tenant's established traffic while another offers ten times its share: both on one core,
// the first as fast as it will go, the second at its rate of the clock. Alone and flooded are measured in turn.
#include <fmt/format.h>
#include <rte_cycles.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <vector>

#include "bench/gateway.h"
#include "bench/order.h"
#include "bench/preloaded_port.h"
#include "bench/windows.h"
#include "runtime/packet/headers.h"
#include "tests/support/compile.h"

namespace sluice::bench {
namespace {

constexpr std::uint32_t quiet_flows = 100'000, flood_flows = 400'000, times_its_share = 10;
constexpr std::uint32_t burst_frames = DpdkPort::burst_frames;
constexpr std::uint32_t bursts_a_window = 1024;  // long enough for bursts of the flood
constexpr std::uint32_t in_flight_buffers = 4096;
constexpr std::uint32_t vlan_tag = 4, ip_at = ethernet_header_bytes + vlan_tag;
constexpr Shape shape{.tenants = 2, .rules = 100};

struct Flood {
    std::string name;
    std::string limits;  // of the tenant that floods; {}: the share a second
    bool expired =
        false;  // its packets' TTL has run out, so that each runs the stages; else each is a new flow
};

const std::vector<Flood>& floods() {
    static const std::vector<Flood> all{
        {"new-flows, no limit", "", false},
        {"new-flows", "limits: {{new-sessions: {0}/s}}\n", false},
        {"new-flows, packets limited", "limits: {{new-sessions: {0}/s, packets: {1}/s}}\n", false},
        {"expired, no limit", "", true},
        {"expired", "limits: {{slow-path: {0}/s}}\n", true},
    };
    return all;
}

struct Row {
    std::string flood;
    std::uint32_t share = 0;
    double alone = 0, flooded = 0;  // million packets a second of the other tenant
    double offered = 0;             // a second, in fact
    double refused = 0;             // of those, a part of 1
};

std::unique_ptr<const Image> image_with(const std::string& limits, std::uint32_t share) {
    auto texts = policy_texts(shape);
    texts.at("t1.yaml") += fmt::format(fmt::runtime(limits), share, 2 * share);
    return test::compile_texts(texts);
}

/// Flow numbers of one tenant (workload.h).
std::vector<std::uint32_t> of_tenant(std::uint32_t tenant, std::vector<std::uint32_t> order) {
    for (std::uint32_t& flow : order) flow = flow * shape.tenants + tenant;
    return order;
}

FrameList expire(const FrameList& frames) {
    FrameList expired;
    for (std::size_t i = 0; i < frames.size(); ++i) {
        std::uint8_t* frame = expired.add();
        std::ranges::copy(frames[i], frame);
        std::uint8_t* ip = frame + ip_at;
        // RFC 1624: the sum grows by what the TTL lost; it is in the word's upper byte.
        const std::uint32_t sum =
            (ip[ipv4_checksum_at] << 8 | ip[ipv4_checksum_at + 1]) + ((ip[ipv4_ttl_at] - 1u) << 8);
        const std::uint32_t folded = (sum & 0xffff) + (sum >> 16);
        ip[ipv4_checksum_at] = static_cast<std::uint8_t>(folded >> 8);
        ip[ipv4_checksum_at + 1] = static_cast<std::uint8_t>(folded);
        ip[ipv4_ttl_at] = 1;
    }
    return expired;
}

Row measure(const Flood& flood, std::uint32_t share, const Environment& environment, std::uint32_t windows) {
    DpdkFrames allocator(environment.pool(), environment.longest_frame());
    const auto image = image_with(flood.limits, share);
    const FrameList frames = make_frames(shape, of_tenant(0, uniform_order(quiet_flows)));
    FrameList others = make_frames(shape, of_tenant(1, uniform_order(flood_flows)));
    if (flood.expired) others = expire(others);
    PreloadedPort quiet(environment, access_port, frames), loud(environment, access_port, others);
    FrameList one;
    std::ranges::copy(frames[0], one.add());
    PreloadedPort uplink(environment, uplink_port, one);
    ShardSettings settings;
    settings.sessions = 1u << 20;
    Gateway gateway(*image, settings, allocator);
    gateway.connect(quiet.port(), uplink.port());
    // The gateway's clock goes on while there is a flood: the tenant's share is one of that time.
    Time now = monotonic_time();
    const auto check = [&] {
        Checker checker(shape, quiet_flows * shape.tenants);
        for (std::size_t seen = 0; seen < 2 * frames.size();) {
            seen += gateway.run_checked(quiet.port(), now, [&](const Frame& frame) { checker.forward(frame); });
        }
        if (checker.distinct_flows() != quiet_flows) wrong_answer("flows are missing");
    };
    check();

    const double cycles_a_second = static_cast<double>(rte_get_tsc_hz());
    const double nanoseconds_a_cycle = 1e9 / cycles_a_second;
    const double cycles_a_loud_burst = cycles_a_second * burst_frames / (double{times_its_share} * share);
    std::uint64_t loud_packets = 0, loud_cycles = 0;
    const auto window = [&](bool flooded) {
        const std::uint64_t begin = __rdtsc();
        double due = static_cast<double>(begin) + cycles_a_loud_burst;
        for (std::uint32_t burst = 0; burst < bursts_a_window; ++burst) {
            const std::uint64_t before = __rdtsc();
            gateway.run(quiet.port(), now);
            // What a port's ring would not hold is lost before it costs anything.
            for (int most = 4; flooded && most > 0 && static_cast<double>(__rdtsc()) >= due; --most) {
                gateway.run(loud.port(), now);
                loud_packets += burst_frames;
                due += cycles_a_loud_burst;
            }
            if (flooded)
                now += static_cast<Time>(static_cast<double>(__rdtsc() - before) * nanoseconds_a_cycle);
        }
        const std::uint64_t cycles = __rdtsc() - begin;
        if (flooded) loud_cycles += cycles;
        return static_cast<double>(cycles) / bursts_a_window / burst_frames;
    };
    // A second's worth may come at once: it has.
    for (std::uint32_t sent = 0; sent < 2 * share + share / 10; sent += burst_frames) {
        gateway.run(loud.port(), now);
    }
    using Reasons = std::vector<DropReason>;
    const auto drops = [&](bool of_flood, const Reasons& reasons) {
        const Counters& counters = gateway.shard().counters();
        std::uint64_t sum = 0;
        for (Component component = 0; component < counters.drops.size(); ++component) {
            if (counters.component_names[component].starts_with("t1.") != of_flood) continue;
            for (const DropReason reason : reasons)
                sum += counters.drops[component][static_cast<std::size_t>(reason)];
        }
        return sum;
    };
    const Reasons by_limit{DropReason::SESSION_RATE, DropReason::PACKET_RATE, DropReason::SLOW_PATH_RATE};
    const std::uint64_t refused_before = drops(true, by_limit);
    loud_packets = 0;
    std::vector<double> alone, flooded;
    for (std::uint32_t i = 0; i < windows; ++i) {
        alone.push_back(window(false));
        flooded.push_back(window(true));
    }
    check();
    if (!gateway.shard().counters().balanced()) wrong_answer("the counters are not balanced");
    if (drops(false, by_limit) != 0) wrong_answer("the other tenant lost packets");
    const double refused =
        static_cast<double>(drops(true, by_limit) - refused_before) / static_cast<double>(loud_packets);
    const double wished = flood.limits.empty() ? 0 : 1 - 1.0 / times_its_share;
    if (std::abs(refused - wished) > 0.1) wrong_answer("what was refused of the flood");
    const auto rate = [&](std::vector<double> cycles) {
        return cycles_a_second / lower_quartile(std::move(cycles)) / 1e6;
    };
    return {flood.name,
            share,
            rate(alone),
            rate(flooded),
            static_cast<double>(loud_packets) * cycles_a_second / static_cast<double>(loud_cycles),
            refused};
}

}  // namespace

int run(unsigned core, const std::vector<std::uint32_t>& shares, std::uint32_t windows, bool json,
        bool no_huge) {
    settle_on_core(core);
    const Environment environment(
        environment_of(core, !no_huge, quiet_flows + flood_flows + in_flight_buffers));
    auto rows = nlohmann::ordered_json::array();
    if (!json) {
        fmt::print("{:<28} {:>9} {:>12} {:>8} {:>11} {:>13} {:>6}\n", "flood", "share/s", "offered/s",
                   "refused", "alone Mpps", "flooded Mpps", "kept");
    }
    for (const std::uint32_t share : shares) {
        for (const Flood& flood : floods()) {
            const Row row = measure(flood, share, environment, windows);
            rows.push_back({{"flood", row.flood},
                            {"share", row.share},
                            {"offered", row.offered},
                            {"refused", row.refused},
                            {"alone_mpps", row.alone},
                            {"flooded_mpps", row.flooded},
                            {"kept", row.flooded / row.alone}});
            if (json) continue;
            fmt::print("{:<28} {:>9} {:>12.0f} {:>8.2f} {:>11.2f} {:>13.2f} {:>6.2f}\n", row.flood, row.share,
                       row.offered, row.refused, row.alone, row.flooded, row.flooded / row.alone);
            std::fflush(stdout);
        }
    }
    if (json) fmt::print("{}\n", rows.dump(2));
    return 0;
}

}  // namespace sluice::bench

int main(int argc, char** argv) {
    CLI::App app("What one tenant keeps of its speed while another offers ten times its share.",
                 "isolation_bench");
    std::vector<std::uint32_t> shares{20'000, 100'000};
    unsigned core = sluice::bench::quietest_core();
    std::uint32_t windows = 60;
    bool table = false, json = false, no_huge = false;
    app.add_flag("--table", table, "for people (the default)");
    app.add_flag("--json", json, "for scripts: a list of rows");
    app.add_option("--share", shares, "a second: of new sessions, or of packets on the slow path")
        ->delimiter(',')
        ->check(CLI::Range(100u, 10'000'000u))
        ->capture_default_str();
    app.add_option("--windows", windows, "measured windows a row, alone and flooded")->capture_default_str();
    app.add_option("--core", core, "the core to run on")->capture_default_str();
    app.add_flag("--no-huge", no_huge, "4 KB pages even where there are hugepages");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    try {
        return sluice::bench::run(core, shares, windows, json, no_huge);
    } catch (const std::exception& error) {
        fmt::print(stderr, "isolation_bench: {}\n", error.what());
        return 1;
    }
}
