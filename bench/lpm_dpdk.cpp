// SPDX-License-Identifier: Apache-2.0
#include <rte_fib.h>
#include <rte_fib6.h>
#include <rte_lpm.h>

#include <algorithm>
#include <stdexcept>

#include "bench/lpm_contenders.h"

namespace sluice::bench {
namespace {

constexpr std::size_t first_table_entries = std::size_t{1} << 24;
constexpr std::size_t group_entries = 256;

/// How many groups of the second and later tables hold anything: one for each block of 24, 32, 40 ... bits that
/// has a longer prefix inside.
std::size_t groups_in_use(const Entries& sorted, unsigned bits) {
    std::size_t groups = 0;
    for (unsigned depth = 24; depth < bits; depth += 8) {
        std::optional<Ip> last;
        for (const lower::LpmEntry& entry : sorted) {
            if (entry.prefix.length <= depth) continue;
            const Ip block = entry.prefix.ip & prefix_mask(depth);
            if (last != block) ++groups;
            last = block;
        }
    }
    return groups;
}

std::size_t table_bytes(std::size_t groups, std::size_t next_hop_bytes) {
    return (first_table_entries + groups * group_entries) * next_hop_bytes;
}

std::array<std::uint8_t, 16> bytes_of(Ip ip) {
    std::array<std::uint8_t, 16> bytes;
    for (unsigned i = 0; i < 8; ++i) {
        bytes[i] = static_cast<std::uint8_t>(ip.hi >> (56 - 8 * i));
        bytes[8 + i] = static_cast<std::uint8_t>(ip.lo >> (56 - 8 * i));
    }
    return bytes;
}

void check(bool done, const char* what) {
    if (!done) throw std::runtime_error(std::string("DPDK refuses ") + what);
}

struct Fib4 : Contender {
    Fib4(const Entries& entries, int socket, unsigned next_hop_bytes) {
        name = next_hop_bytes == 2 ? "rte_fib DIR24_8, 2 bytes" : "rte_fib DIR24_8, 4 bytes";
        const std::size_t groups = groups_in_use(entries, 32);
        bytes = table_bytes(groups, next_hop_bytes);
        rte_fib_conf settings{};
        settings.type = RTE_FIB_DIR24_8;
        settings.max_routes = static_cast<int>(entries.size() + 1);
        settings.dir24_8.nh_sz = next_hop_bytes == 2 ? RTE_FIB_DIR24_8_2B : RTE_FIB_DIR24_8_4B;
        settings.dir24_8.num_tbl8 = static_cast<std::uint32_t>(groups + 64);
        fib = rte_fib_create(next_hop_bytes == 2 ? "fib2" : "fib4", socket, &settings);
        check(fib != nullptr, "an rte_fib");
        for (const lower::LpmEntry& entry : entries) {
            check(rte_fib_add(fib, entry.prefix.ip.v4(), entry.prefix.length, entry.value) == 0, "a route");
        }
    }
    void look_up(const Questions& questions, std::size_t first) override {
        auto* addresses = const_cast<std::uint32_t*>(&questions.v4[first]);  // which it only reads
        rte_fib_lookup_bulk(fib, addresses, answers, lpm_burst_size);
    }
    std::uint64_t answer(std::size_t place) const override { return answers[place]; }
    rte_fib* fib;
    std::uint64_t answers[lpm_burst_size];
};

struct RteLpm : Contender {
    RteLpm(const Entries& entries, int socket) {
        name = "rte_lpm";
        const std::size_t groups = groups_in_use(entries, 32);
        bytes = table_bytes(groups, sizeof(rte_lpm_tbl_entry));
        rte_lpm_config settings{};
        settings.max_rules = static_cast<std::uint32_t>(entries.size() + 1);
        settings.number_tbl8s = static_cast<std::uint32_t>(groups + 64);
        lpm = rte_lpm_create("lpm", socket, &settings);
        check(lpm != nullptr, "an rte_lpm");
        // It searches all rules of a length at each addition and moves them: in order and by length it is
        // quickest.
        for (unsigned length = 1; length <= 32; ++length) {
            for (const lower::LpmEntry& entry : entries) {
                if (entry.prefix.length != length) continue;
                check(rte_lpm_add(lpm, entry.prefix.ip.v4(), entry.prefix.length, entry.value) == 0, "a route");
            }
        }
    }
    void look_up(const Questions& questions, std::size_t first) override {
        rte_lpm_lookup_bulk(lpm, &questions.v4[first], answers, lpm_burst_size);
    }
    std::uint64_t answer(std::size_t place) const override {
        return (answers[place] & RTE_LPM_LOOKUP_SUCCESS) != 0 ? answers[place] & 0x00ff'ffff : 0;
    }
    rte_lpm* lpm;
    std::uint32_t answers[lpm_burst_size];
};

struct Fib6 : Contender {
    Fib6(const Entries& entries, int socket) {
        name = "rte_fib6 trie, 4 bytes";  // 2 bytes number 32,767 groups only
        bytes = table_bytes(groups_in_use(entries, 128), 4);
        rte_fib6_conf settings{};
        settings.type = RTE_FIB6_TRIE;
        settings.max_routes = static_cast<int>(entries.size() + 1);
        settings.trie.nh_sz = RTE_FIB6_TRIE_4B;
        // It reserves groups for each prefix as if it were alone: 220,000 here, where 38,000 are used.
        settings.trie.num_tbl8 = static_cast<std::uint32_t>(2 * entries.size());
        fib = rte_fib6_create("fib6", socket, &settings);
        check(fib != nullptr, "an rte_fib6");
        for (const lower::LpmEntry& entry : entries) {
            check(rte_fib6_add(fib, bytes_of(entry.prefix.ip).data(), entry.prefix.length, entry.value) == 0,
                  "a route");
        }
    }
    void look_up(const Questions& questions, std::size_t first) override {
        auto* addresses = const_cast<std::array<std::uint8_t, 16>*>(&questions.v6_bytes[first]);
        rte_fib6_lookup_bulk(fib, reinterpret_cast<std::uint8_t(*)[16]>(addresses), answers, lpm_burst_size);
    }
    std::uint64_t answer(std::size_t place) const override { return answers[place]; }
    rte_fib6* fib;
    std::uint64_t answers[lpm_burst_size];
};

}  // namespace

ContenderPtr make_fib4(const Entries& entries, int socket, unsigned next_hop_bytes) {
    return std::make_unique<Fib4>(entries, socket, next_hop_bytes);
}
ContenderPtr make_rte_lpm(const Entries& entries, int socket) {
    return std::make_unique<RteLpm>(entries, socket);
}
ContenderPtr make_fib6(const Entries& entries, int socket) {
    return std::make_unique<Fib6>(entries, socket);
}

}  // namespace sluice::bench
