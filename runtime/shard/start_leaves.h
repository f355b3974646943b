// SPDX-License-Identifier: Apache-2.0
//
// What the tables of their tenants say of a burst's first packets: the leaves that both addresses lead to, and
// the class of the service. Looked up for all of them together, step by step, so that cache misses overlap even
// where no two are of the same tenant. Owner shard only; no allocation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "runtime/packet/view.h"
#include "runtime/shard/start_row.h"
#include "runtime/state/flow_entry.h"

namespace sluice {

constexpr std::uint32_t most_burst_frames = 32;

/// Of one packet. Packets of an ingress with the same leaves have the same fate but for NAT's choice of a port.
struct alignas(32) StartLeaves {
    std::uint32_t route_back, route, source_nat, destination_nat;  // 0 where the tenant has no such table
    std::uint32_t source_class, destination_class;
    std::uint16_t service;
    L4Kind l4_kind;
    std::array<std::uint8_t, 5> zeroes;  // compared like the rest

    friend bool operator==(const StartLeaves& one, const StartLeaves& other) noexcept {
        std::uint64_t a[4], b[4];
        std::memcpy(a, &one, sizeof a);
        std::memcpy(b, &other, sizeof b);
        return ((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3])) == 0;
    }
};
static_assert(sizeof(StartLeaves) == 32);

/// What is to be looked up of one packet.
struct StartLookUp {
    const StartRow* row;
    const FlowKey* key;
    std::uint16_t port;  // what the firewall takes for the service's; ICMP: type << 8 | code
    L4Kind l4_kind;
};

/// leaves[i] of look_ups[i], for as many as there are: at most most_burst_frames.
void look_up_leaves(std::span<const StartLookUp> look_ups, StartLeaves* leaves) noexcept;

}  // namespace sluice
