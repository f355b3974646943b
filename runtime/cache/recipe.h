// SPDX-License-Identifier: Apache-2.0
//
// A program as the packet path carries it out on IPv4: one cache line. Plain values; owner shard only.
#pragma once

#include <array>
#include <cstdint>

#include "runtime/cache/program.h"

namespace sluice {

struct alignas(64) Recipe {
    static constexpr std::uint32_t l2_room = 24;  // the longest header takes 22
    // The end of the header is the end here, the neighbour's MAC is zero.
    std::array<std::uint64_t, l2_room / sizeof(std::uint64_t)> l2{};
    std::uint16_t mtu = 0;
    std::uint16_t out_port = 0;
    std::uint16_t ingress_tenant = 0, egress_tenant = 0;
    std::uint8_t l2_bytes = 0;
    std::uint8_t ttl_cost = 0;
    bool short_enough = false;  // one session, one side translated: an entry's one line says all
    bool new_source = false, new_destination = false;
    bool tunnelled = false;  // with the VNI, through the neighbour's tunnel
    std::uint32_t vni = 0;

    static Recipe of(const Program& program) noexcept;
};

}  // namespace sluice
