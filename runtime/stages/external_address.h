// SPDX-License-Identifier: Apache-2.0
//
// What NAT's class tables say about an address. Any thread; the cost is one look-up in the tenant's NAT classes
// and a binary search over the ports that its rules tell apart.
#pragma once

#include <algorithm>

#include "runtime/image/image.h"
#include "schemas/layout/image_types.h"

namespace sluice {

/// The row of an address that NAT presents to the outside, or null.
inline const image::ExternalAddress* external_of(const TenantView& tenant,
                                                 const image::NatClass& nat_class) noexcept {
    return nat_class.external() == no_row ? nullptr : &tenant.externals[nat_class.external()];
}

/// The DNAT rule that a packet to an external address meets, by protocol and port (0 where it has none); no_row
/// where there is none.
inline std::uint32_t dnat_rule_of(const TenantView& tenant, const image::NatClass& nat_class,
                                  std::uint8_t protocol, std::uint16_t port) noexcept {
    const auto ports = tenant.dnat_ports.subspan(nat_class.first_port(), nat_class.port_count());
    if (ports.empty()) return no_row;
    const std::uint32_t key = std::uint32_t{protocol} << 16 | port;
    const auto behind =
        std::upper_bound(ports.begin(), ports.end(), key,
                         [](std::uint32_t wanted, const image::DnatPort& row) { return wanted < row.from(); });
    return std::prev(behind)->rule();  // the first row is from 0
}

/// What rewrites or exempts a source of this class by an interface, or null; towards a prefix of NAT64 (1 + its
/// row) what is for that alone. `destination()` is the class of
/// where the packet goes; it is asked for only where an exemption depends on it.
template <typename Destination>
const image::SourceMatch* source_match_of(std::span<const image::SourceMatch> source_matches,
                                          const image::NatClass& nat_class, std::uint16_t out_interface,
                                          Destination&& destination, std::uint32_t nat64 = 0) noexcept {
    for (const auto& row : source_matches.subspan(nat_class.first_source(), nat_class.source_count())) {
        if (row.interface() != out_interface || row.nat64() != nat64) continue;
        if (row.kind() == image::SourceKind::ExemptTowards &&
            (destination().exemptions() >> row.row() & 1) == 0)
            continue;
        return &row;
    }
    return nullptr;
}

}  // namespace sluice
