// SPDX-License-Identifier: Apache-2.0
#include "bench/lpm_workloads.h"

#include <fmt/format.h>

#include <random>
#include <stdexcept>
#include <variant>

#include "tests/support/routing_table.h"

namespace sluice::bench {
namespace {

using Random = std::mt19937_64;

constexpr std::size_t question_count = std::size_t{1} << 20;
constexpr std::size_t router_count = 1000;
constexpr std::size_t routes_a_router = 1000;

Entries read_entries(const std::string& file) {
    const auto read = test::read_routing_table(file);
    if (const auto* why = std::get_if<std::string>(&read)) throw std::runtime_error(*why);
    Random random(1);
    Entries entries;
    for (const Prefix& prefix : std::get<std::vector<Prefix>>(read)) {
        entries.push_back({prefix, static_cast<std::uint32_t>(1 + random() % 256)});
    }
    lower::sort_prefixes(entries);
    return entries;
}

Ip random_ip(Random& random) {
    const std::uint64_t hi = random();
    return {hi, random()};
}

/// As traffic would have it: below a prefix of the table, each equally often.
Ip ip_below_some(const Entries& entries, Random& random) {
    const Prefix& prefix = entries[random() % entries.size()].prefix;
    return test::address_in(prefix, random_ip(random));
}

Questions ask_ipv4(const Entries* entries) {
    Random random(7);
    Questions questions;
    questions.count = question_count;
    for (std::size_t i = 0; i < question_count; ++i) {
        const Ip ip = entries == nullptr ? random_ip(random) : ip_below_some(*entries, random);
        questions.v4.push_back(ip.v4());
    }
    return questions;
}

Questions ask_ipv6(const Entries& entries) {
    Random random(7);
    Questions questions;
    questions.count = question_count;
    for (std::size_t i = 0; i < question_count; ++i) {
        const Ip ip = ip_below_some(entries, random);
        questions.v6.push_back(ip);
        auto& bytes = questions.v6_bytes.emplace_back();
        for (unsigned byte = 0; byte < 16; ++byte) {
            const std::uint64_t half = byte < 8 ? ip.hi : ip.lo;
            bytes[byte] = static_cast<std::uint8_t>(half >> (56 - byte % 8 * 8));
        }
    }
    return questions;
}

void check_answers(const Workload& workload) {
    std::vector<std::uint64_t> expected(workload.expected.begin(), workload.expected.end());
    for (Contender* contender : workload.contenders) {
        for (std::size_t first = 0; first < workload.questions.count; first += lpm_burst_size) {
            contender->look_up(workload.questions, first);
            for (std::size_t i = 0; i < lpm_burst_size; ++i) {
                if (expected.size() == first + i) expected.push_back(contender->answer(i));
                if (contender->answer(i) == expected[first + i]) continue;
                throw std::runtime_error(fmt::format("wrong answer: {}, {}, question {}: {}, expected {}",
                                                     workload.name, contender->name, first + i,
                                                     contender->answer(i), expected[first + i]));
            }
        }
    }
}

}  // namespace

LpmWorkloads::LpmWorkloads(int dpdk_socket, bool with_rte_lpm) {
    const Entries ipv4 = read_entries("internet-v4-2024-01.prefixes.txt.zst");
    const Entries ipv6 = read_entries("internet-v6-2024-01.prefixes.txt.zst");
    add_ipv4(ipv4, dpdk_socket, with_rte_lpm);
    add_ipv6(ipv6, dpdk_socket);
    add_many_routers(ipv4);
    for (const Workload& workload : workloads_) check_answers(workload);
}

Contender* LpmWorkloads::keep(ContenderPtr contender) {
    return contenders_.emplace_back(std::move(contender)).get();
}

void LpmWorkloads::add_ipv4(const Entries& entries, int dpdk_socket, bool with_rte_lpm) {
    std::vector<Contender*> contenders{keep(make_fib4(entries, dpdk_socket, 2)),
                                       keep(make_fib4(entries, dpdk_socket, 4)), keep(make_sluice({entries})),
                                       keep(make_sluice_one_by_one(entries))};
    if (with_rte_lpm) contenders.push_back(keep(make_rte_lpm(entries, dpdk_socket)));
    const std::string name = fmt::format("IPv4, {} prefixes", entries.size());
    workloads_.push_back({name + ", uniform", ask_ipv4(nullptr), contenders, {}});
    workloads_.push_back({name + ", in-prefix", ask_ipv4(&entries), contenders, {}});
}

void LpmWorkloads::add_ipv6(const Entries& entries, int dpdk_socket) {
    const std::vector<Contender*> contenders{keep(make_fib6(entries, dpdk_socket)),
                                             keep(make_sluice({entries})),
                                             keep(make_sluice_one_by_one(entries))};
    workloads_.push_back(
        {fmt::format("IPv6, {} prefixes, in-prefix", entries.size()), ask_ipv6(entries), contenders, {}});
}

void LpmWorkloads::add_many_routers(const Entries& entries) {
    Random random(11);
    std::vector<Entries> routers(router_count);
    std::vector<test::PrefixesByLength> models(router_count);
    for (std::size_t router = 0; router < router_count; ++router) {
        for (std::size_t i = 0; i < routes_a_router; ++i) {
            const lower::LpmEntry& entry = entries[random() % entries.size()];
            routers[router].push_back(entry);
            models[router].add(entry.prefix, entry.value);
        }
    }
    Workload workload;
    workload.name = fmt::format("IPv4, {} routers of {} prefixes, in-prefix", router_count, routes_a_router);
    workload.questions.count = question_count;
    for (std::size_t i = 0; i < question_count; ++i) {
        const std::size_t router = random() % router_count;
        const Ip ip = ip_below_some(routers[router], random) & prefix_mask(32);
        workload.questions.routers.push_back(static_cast<std::uint16_t>(router));
        workload.questions.v4.push_back(ip.v4());
        workload.expected.push_back(models[router].lookup(ip));
    }
    workload.contenders = {keep(make_sluice(routers))};
    workloads_.push_back(std::move(workload));
}

}  // namespace sluice::bench
