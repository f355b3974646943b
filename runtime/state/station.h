// SPDX-License-Identifier: Apache-2.0
//
// Where a frame goes on its link. Plain values.
#pragma once

#include <cstdint>

#include "schemas/layout/address.h"

namespace sluice {

constexpr std::uint32_t no_tunnel = 0xffffffff;

struct Station {
    constexpr Station() = default;
    constexpr Station(Mac mac_, std::uint32_t tunnel_ = no_tunnel) : mac(mac_), tunnel(tunnel_) {}

    Mac mac;
    std::uint32_t tunnel = no_tunnel;  // of a TunnelTable; on a link with tunnels none means all of them
};

}  // namespace sluice
