// SPDX-License-Identifier: Apache-2.0
//
// Many look-ups at once, in passes that only prefetch what the next pass reads: the cache misses of a burst
// overlap, no branch depends on how deep an address goes, and a level that few addresses reach costs only
// those. Packet threads; no allocation. What it costs beside DPDK's tables: docs/performance.md.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>

#include "schemas/layout/lpm.h"

namespace sluice {

constexpr std::size_t lpm_burst_size = 32;

/// leaves[i] = table_of(i).lookup(ip_of(i)) for every i < count <= lpm_burst_size. Tables of different routers
/// and families may stand in one burst. An ip is an Ip, or an IPv4 address in host order, which takes less;
/// leaves: an array, or what answers to [] as one does.
template <typename TableOf, typename IpOf, typename Leaves = std::uint32_t*>
void lpm_lookup_burst(std::size_t count, const TableOf& table_of, const IpOf& ip_of, Leaves leaves) noexcept {
    const std::uint64_t* records[lpm_burst_size];
    const char* places[lpm_burst_size];
    std::uint8_t waiting[lpm_burst_size];
    std::size_t waiting_count = 0;
    const auto find_leaf = [&](std::size_t i, unsigned decided_bits) {
        const LpmView& table = table_of(i);
        const unsigned branch = LpmView::branch_at(ip_of(i), table.root_bits + decided_bits);
        places[i] = table.leaf_place(records[i], branch);
        __builtin_prefetch(places[i]);  // a record may take more than one line
    };
    const auto read_leaf = [&](std::size_t i) {
        const std::int32_t leaf = table_of(i).leaf_at(places[i]);
        leaves[i] = static_cast<std::uint32_t>(leaf);
        waiting[waiting_count] = static_cast<std::uint8_t>(i);
        waiting_count += leaf < 0;
    };
    for (std::size_t i = 0; i < count; ++i) {
        records[i] = table_of(i).records + *table_of(i).root_entry(ip_of(i));
        __builtin_prefetch(records[i]);
    }
    for (std::size_t i = 0; i < count; ++i) find_leaf(i, 0);
    for (std::size_t i = 0; i < count; ++i) read_leaf(i);
    for (unsigned decided_bits = lpm_stride_bits; waiting_count != 0; decided_bits += lpm_stride_bits) {
        const std::size_t going_on = std::exchange(waiting_count, 0);
        for (std::size_t k = 0; k < going_on; ++k) {
            const std::size_t i = waiting[k];
            records[i] = table_of(i).child_of(records[i], static_cast<std::int32_t>(leaves[i]));
            __builtin_prefetch(records[i]);
        }
        for (std::size_t k = 0; k < going_on; ++k) find_leaf(waiting[k], decided_bits);
        for (std::size_t k = 0; k < going_on; ++k) read_leaf(waiting[k]);
    }
}

/// leaves[i] = table.lookup(ips[i]), for as many as there are. `table` is a copy so that it can stay in
/// registers.
inline void lpm_lookup_burst(const LpmView table, std::span<const Ip> ips, std::uint32_t* leaves) noexcept {
    for (std::size_t begin = 0; begin < ips.size(); begin += lpm_burst_size) {
        const Ip* burst = ips.data() + begin;
        lpm_lookup_burst(
            std::min(lpm_burst_size, ips.size() - begin), [&](std::size_t) -> const LpmView& { return table; },
            [=](std::size_t i) { return burst[i]; }, leaves + begin);
    }
}

/// The same for IPv4 addresses alone, in host order.
inline void lpm_lookup_burst(const LpmView table, std::span<const std::uint32_t> addresses,
                             std::uint32_t* leaves) noexcept {
    for (std::size_t begin = 0; begin < addresses.size(); begin += lpm_burst_size) {
        const std::uint32_t* burst = addresses.data() + begin;
        lpm_lookup_burst(
            std::min(lpm_burst_size, addresses.size() - begin),
            [&](std::size_t) -> const LpmView& { return table; }, [=](std::size_t i) { return burst[i]; },
            leaves + begin);
    }
}

}  // namespace sluice
