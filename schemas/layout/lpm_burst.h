// SPDX-License-Identifier: Apache-2.0
//
// Many look-ups at once, in passes that only prefetch what the next pass reads: the cache misses of a burst
// overlap, no branch depends on how deep an address goes, and a level that few addresses reach costs only
// those. Packet threads; no allocation. What it costs beside DPDK's tables: docs/performance.md.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "schemas/layout/lpm.h"

namespace sluice {

constexpr std::size_t lpm_burst_size = 32;

/// leaves[i] = table_of(i).lookup(ip_of(i)) for every i < count <= lpm_burst_size. Tables of different routers
/// and families may stand in one burst.
template <typename TableOf, typename IpOf>
void lpm_lookup_burst(std::size_t count, const TableOf& table_of, const IpOf& ip_of,
                      std::uint32_t* leaves) noexcept {
    const std::uint64_t* records[lpm_burst_size];
    const char* places[lpm_burst_size];
    std::uint8_t waiting[lpm_burst_size];
    std::uint8_t depths[lpm_burst_size];
    for (std::size_t i = 0; i < count; ++i) __builtin_prefetch(table_of(i).root_entry(ip_of(i)));
    for (std::size_t i = 0; i < count; ++i) {
        const LpmView& table = table_of(i);
        records[i] = table.records + *table.root_entry(ip_of(i));
        __builtin_prefetch(records[i]);
        depths[i] = table.root_bits;
        waiting[i] = static_cast<std::uint8_t>(i);
    }
    while (count != 0) {
        for (std::size_t k = 0; k < count; ++k) {
            const std::size_t i = waiting[k];
            places[i] = table_of(i).leaf_place(records[i], LpmView::branch_at(ip_of(i), depths[i]));
            __builtin_prefetch(places[i]);  // a record may take more than one line
        }
        std::size_t going_on = 0;
        for (std::size_t k = 0; k < count; ++k) {
            const std::size_t i = waiting[k];
            const std::int32_t leaf = table_of(i).leaf_at(places[i]);
            leaves[i] = static_cast<std::uint32_t>(leaf);
            waiting[going_on] = static_cast<std::uint8_t>(i);
            going_on += leaf < 0;
        }
        count = going_on;
        for (std::size_t k = 0; k < count; ++k) {
            const std::size_t i = waiting[k];
            records[i] = table_of(i).child_of(records[i], static_cast<std::int32_t>(leaves[i]));
            __builtin_prefetch(records[i]);
            depths[i] = static_cast<std::uint8_t>(depths[i] + lpm_stride_bits);
        }
    }
}

/// leaves[i] = table.lookup(ips[i]), for as many as there are.
inline void lpm_lookup_burst(const LpmView& table, std::span<const Ip> ips, std::uint32_t* leaves) noexcept {
    for (std::size_t begin = 0; begin < ips.size(); begin += lpm_burst_size) {
        const Ip* burst = ips.data() + begin;
        lpm_lookup_burst(
            std::min(lpm_burst_size, ips.size() - begin), [&](std::size_t) -> const LpmView& { return table; },
            [=](std::size_t i) { return burst[i]; }, leaves + begin);
    }
}

/// The same for IPv4 addresses alone, in host order.
inline void lpm_lookup_burst(const LpmView& table, std::span<const std::uint32_t> addresses,
                             std::uint32_t* leaves) noexcept {
    for (std::size_t begin = 0; begin < addresses.size(); begin += lpm_burst_size) {
        const std::uint32_t* burst = addresses.data() + begin;
        lpm_lookup_burst(
            std::min(lpm_burst_size, addresses.size() - begin),
            [&](std::size_t) -> const LpmView& { return table; },
            [=](std::size_t i) { return Ip::from_v4(burst[i]); }, leaves + begin);
    }
}

}  // namespace sluice
