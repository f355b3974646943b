// SPDX-License-Identifier: Apache-2.0
//
// What swap_bench swaps: for each kind two policies, and what becomes of every flow under either. Whatever a
// policy decides shows in the packet that leaves: the rule in whether it does, the route in its destination
// MAC, the pool in its source address.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "bench/workload.h"
#include "schemas/layout/address.h"

namespace sluice::bench {

enum class SwapKind : std::uint8_t { rule, route, nat_pool, tenant, all_tenants };

/// What swap_texts() make as an image file. With `internet` each tenant has the Internet's routes besides, all
/// tenants the same ones, and its rules in an order of its own.
using Routes = std::vector<Prefix>;
std::vector<std::uint8_t> swap_file(const Shape& shape, SwapKind kind, bool changed, const Routes& internet);
/// IPv4 and IPv6 ($SLUICE_DATA/fib), or why there are none.
std::variant<Routes, std::string> internet_routes();

/// Of the first tenant; of all with all_tenants.
std::map<std::string, std::string> swap_texts(const Shape& shape, SwapKind kind, bool changed);
bool concerns(SwapKind kind, std::uint32_t tenant);

/// Everything the policy decides about a packet: whether it leaves, where to, as whom.
struct Fate {
    bool denied = false;
    std::uint8_t next_hop = 1;  // the last byte of its MAC
    std::uint32_t pool = 0;     // the first address of it
    friend bool operator==(const Fate&, const Fate&) = default;
};

Fate fate_of(const Shape& shape, SwapKind kind, bool changed, std::uint32_t flow);
/// As a packet that left shows it; nullopt: not to the uplink, or no packet of ours.
std::optional<Fate> fate_seen(const Shape& shape, std::span<const std::uint8_t> frame, std::uint16_t port);

}  // namespace sluice::bench
