// SPDX-License-Identifier: Apache-2.0
//
// What the shard remembers: the flow table beside rte_hash with the same 16-byte keys, both in bursts of 32,
// and the choice of a NAT port while a pool fills.
#include <rte_hash.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <array>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

#include "bench/micro.h"
#include "bench/workload.h"
#include "runtime/io/dpdk_environment.h"
#include "runtime/packet/view.h"
#include "runtime/state/flow_table.h"
#include "runtime/state/nat_table.h"

namespace sluice::bench {
namespace {

constexpr std::uint32_t burst = 32;
constexpr HashKey secret{};

FlowKey key_of(std::uint32_t number) {
    return {.kind = FlowKind::session4,
            .protocol = protocol_udp,
            .scope = 1,
            .source = __builtin_bswap32(0x0a000000 + number / 7),
            .destination = __builtin_bswap32(0xc6120009),
            .source_port = static_cast<std::uint16_t>(number % 7 + 1024),
            .destination_port = 9};
}

FlowProbe probe_of(const FlowKey& key) {
    return {.key = key, .hash = hash_of(key, secret), .source = {}, .destination = {}};
}

/// Numbers 0 .. count - 1 as packets would ask for them: in no order, but one after the other in memory.
std::vector<FlowKey> keys_in_random_order(std::uint32_t count) {
    std::vector<std::uint32_t> order(count);
    std::iota(order.begin(), order.end(), 0u);
    std::ranges::shuffle(order, std::mt19937_64(1));
    std::vector<FlowKey> keys(count);
    std::ranges::transform(order, keys.begin(), key_of);
    return keys;
}

/// The next burst of `keys`, round and round.
class Bursts {
  public:
    explicit Bursts(const std::vector<FlowKey>& keys) : keys_(keys) {}
    const FlowKey* next() {
        const FlowKey* now = &keys_[at_];
        at_ = at_ + 2 * burst > keys_.size() ? 0 : at_ + burst;
        return now;
    }

  private:
    const std::vector<FlowKey>& keys_;
    std::size_t at_ = 0;
};

void flow_table(benchmark::State& state) {
    const auto count = static_cast<std::uint32_t>(state.range(0));
    const std::vector<FlowKey> keys = keys_in_random_order(count);
    // Three quarters full: every flow is one direction of a session.
    FlowTable table({.sessions = count / 3 * 2, .wide_sessions = 0, .stateless_flows = 0}, secret);
    for (std::uint32_t number = 0; number < count; ++number) {
        require(table.put(number, probe_of(key_of(number))), "room in the flow table");
    }
    for (std::uint32_t number = 0; number < count; ++number) {
        require(table.find(probe_of(key_of(number))) == number, "a known flow");
        require(table.find(probe_of(key_of(count + number))) == no_flow, "an unknown flow");
    }
    const TagIndex::FirstLines lines = table.index().first_lines();
    Bursts bursts(keys);
    measure_items(state, burst, [&] {
        const FlowKey* now = bursts.next();
        std::array<FlowProbe, burst> probes;
        for (std::uint32_t i = 0; i < burst; ++i) {
            probes[i].key = now[i];
            probes[i].hash = hash_of(now[i], secret);
            lines.prefetch(lines.of(probes[i].hash));
        }
        for (const FlowProbe& probe : probes) {
            const std::uint32_t at = lines.candidate(lines.of(probe.hash), probe.hash);
            if (at != no_flow) table.prefetch(at);
        }
        for (const FlowProbe& probe : probes) benchmark::DoNotOptimize(table.find(probe));
    });
}

void flow_table_rte_hash(benchmark::State& state) {
    const auto count = static_cast<std::uint32_t>(state.range(0));
    const std::vector<FlowKey> keys = keys_in_random_order(count);
    rte_hash_parameters parameters{};
    parameters.name = "flows";
    parameters.entries = count / 3 * 4;
    parameters.key_len = sizeof(FlowKey);
    const std::unique_ptr<rte_hash, void (*)(rte_hash*)> table(rte_hash_create(&parameters), rte_hash_free);
    require(table != nullptr, "memory for rte_hash");
    for (std::uint32_t number = 0; number < count; ++number) {
        const FlowKey key = key_of(number);
        require(rte_hash_add_key_data(table.get(), &key, reinterpret_cast<void*>(std::uintptr_t{number})) == 0,
                "room in rte_hash");
    }
    Bursts bursts(keys);
    std::array<void*, burst> found{};
    const auto look_up = [&](const FlowKey* now) {
        std::array<const void*, burst> wanted;
        for (std::uint32_t i = 0; i < burst; ++i) wanted[i] = &now[i];
        std::uint64_t hits = 0;
        rte_hash_lookup_bulk_data(table.get(), wanted.data(), burst, &hits, found.data());
        return hits;
    };
    require(look_up(bursts.next()) == 0xffffffff, "a known flow of rte_hash");
    measure_items(state, burst, [&] { benchmark::DoNotOptimize(look_up(bursts.next())); });
}

constexpr std::uint32_t pool_ports = 65536 - 1024;
constexpr Ip remote = Ip::from_v4(0xc6120009);

InsideEndpoint endpoint(std::uint32_t number) {
    return {Ip::from_v4(0x0a000000 + number / 8),
            0,
            static_cast<std::uint16_t>(1024 + number % 8),
            0,
            protocol_udp,
            Family::v4};
}

void nat_choose(benchmark::State& state) {
    const auto used = static_cast<std::uint32_t>(std::uint64_t{pool_ports} * state.range(0) / 100);
    // With that many tenants each has a pool of one address.
    static const auto image = make_image({.tenants = 64, .rules = 1, .destinations = Destinations::last_rule});
    NatTable nat(*image, 1u << 17, secret);
    for (std::uint32_t number = 0; number < used; ++number) {
        const auto choice = nat.choose(endpoint(number));
        require(choice && nat.commit(endpoint(number), *choice, remote) != no_mapping, "a free port");
    }
    constexpr std::uint32_t asked = 4096;
    for (std::uint32_t number = 0; number < asked; ++number) {
        const auto choice = nat.choose(endpoint(pool_ports + number));
        require(choice && choice->mapping == no_mapping && choice->external_port >= 1024 &&
                    nat.find_outside(0, protocol_udp, Family::v4, choice->external_ip, choice->external_port) ==
                        no_mapping,
                "the chosen port is free");
    }
    std::uint32_t number = 0;
    measure_items(state, 1, [&] {
        benchmark::DoNotOptimize(nat.choose(endpoint(pool_ports + number)));
        number = (number + 1) % asked;
    });
}

BENCHMARK(flow_table)->Arg(1'000)->Arg(10'000)->Arg(100'000)->Arg(1'000'000);
BENCHMARK(flow_table_rte_hash)->Arg(1'000)->Arg(10'000)->Arg(100'000)->Arg(1'000'000);
BENCHMARK(nat_choose)->Arg(0)->Arg(50)->Arg(90)->Arg(99);

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
    return sluice::bench::micro_main(argc, argv, [](unsigned core) {
        sluice::EnvironmentSettings settings;
        settings.cores = {core};
        settings.frames = 1023;
        settings.environment_bytes = std::uint64_t{512} << 20;  // the largest rte_hash
        const sluice::Environment environment(settings);
        benchmark::RunSpecifiedBenchmarks();
    });
}
