// SPDX-License-Identifier: Apache-2.0
//
// Where a frame goes on its link. Plain values.
#pragma once

#include <cstdint>

#include "schemas/layout/address.h"

namespace sluice {

constexpr std::uint32_t no_tunnel = 0xffffffff;

// Instead of a tunnel's number: a port or VLAN that a segment with tunnels is on as well, by its interface's
// slot.
constexpr std::uint32_t attachment_bit = 0x80000000;
constexpr std::uint32_t way_by_attachment(std::uint16_t slot) {
    return attachment_bit | slot;
}
constexpr bool is_attachment(std::uint32_t way) {
    return way != no_tunnel && (way & attachment_bit) != 0;
}
constexpr std::uint16_t attachment_of(std::uint32_t way) {
    return static_cast<std::uint16_t>(way);
}

struct Station {
    constexpr Station() = default;
    constexpr Station(Mac mac_, std::uint32_t tunnel_ = no_tunnel) : mac(mac_), tunnel(tunnel_) {}

    Mac mac;
    // Of a TunnelTable, or an attachment; on a link with tunnels none means all of them.
    std::uint32_t tunnel = no_tunnel;
};

}  // namespace sluice
