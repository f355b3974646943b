// SPDX-License-Identifier: Apache-2.0
//
// The inside of NatTable::prepare and activate; for the files of the NAT table and those who own a change.
#pragma once

#include "runtime/packet/view.h"
#include "runtime/state/nat_table.h"

namespace sluice {

/// TCP, UDP, ICMP queries (NatRecord::Kind); nullopt for what has no ports.
inline std::optional<std::uint32_t> port_space_of(std::uint8_t protocol) noexcept {
    switch (protocol) {
        case protocol_tcp:
            return 0;
        case protocol_udp:
            return 1;
        case protocol_icmp:
        case protocol_icmpv6:
            return 2;
        default:
            return std::nullopt;
    }
}

/// ICMP queries have a number of their own in each family.
inline std::uint8_t protocol_of(std::uint32_t port_space, Family family) noexcept {
    if (port_space == 0) return protocol_tcp;
    if (port_space == 1) return protocol_udp;
    return family == Family::v4 ? protocol_icmp : protocol_icmpv6;
}

struct NatTable::Change {
    std::span<const TenantView> tenants;
    Layout layout;
    std::unique_ptr<PortBlocks> blocks;                 // null: those there are stay, if any
    std::vector<BigArray<std::uint32_t>> owner_chunks;  // the new one alone
    std::vector<BlockEvent> events;                     // room for what is told of blocks
    std::vector<BigArray<PortSpace>> chunks;  // those there are come in front of the new one at the switch
};

}  // namespace sluice
