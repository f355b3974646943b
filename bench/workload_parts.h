// SPDX-License-Identifier: Apache-2.0
//
// What the policies of workload.h and the packets for them have in common.
#pragma once

#include <cstdint>
#include <string>

#include "bench/workload.h"

namespace sluice::bench {

constexpr std::uint16_t first_vlan = 2;
constexpr const char* router_mac = "02:00:5e:00:01:01";
constexpr std::uint32_t first_vni = 5001;
constexpr std::uint32_t inside_nets =
    4;  // of the sources, 10.1/16 and so on; they are behind the tunnels in turn

struct Endpoint {
    std::uint32_t address;
    std::uint16_t port;
};

/// What a rule is about.
Endpoint rule_endpoint(std::uint32_t rule);
/// A tunnel endpoint's address.
std::string remote_text(const Shape& shape, std::uint32_t remote);

}  // namespace sluice::bench
