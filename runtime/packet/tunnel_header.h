// SPDX-License-Identifier: Apache-2.0
//
// What stands behind UDP in a packet for a tunnel endpoint: VXLAN's header or Geneve's, by the port. Any
// thread, no allocation.
#pragma once

#include <cstdint>
#include <span>
#include <variant>

#include "runtime/packet/geneve.h"
#include "runtime/packet/headers.h"
#include "runtime/packet/vxlan.h"
#include "schemas/layout/binding_key.h"

namespace sluice {

/// Whether a packet for a tunnel endpoint's own address is for the tunnels.
inline bool is_for_tunnels(const IpView& outer) noexcept {
    return is_vxlan(outer) || is_geneve(outer);
}

struct TunnelHeader {
    std::uint32_t vni = 0;  // as bindings have it: numbered by protocol (vni_of_geneve)
    std::uint32_t bytes = 0;
};
/// Of a packet for the tunnels; or why it cannot be opened. OUTER_EXT_HEADER: there are extension headers
/// between IPv6 and UDP, which tunnel endpoints do not send.
inline std::variant<TunnelHeader, DropReason> parse_tunnel_header(
    const IpView& outer, std::span<const std::uint8_t> payload) noexcept {
    if (outer.family == Family::v6 && outer.header_length != ipv6_header_bytes) {
        return DropReason::OUTER_EXT_HEADER;
    }
    if (is_vxlan(outer)) {
        const auto vni = parse_vxlan(payload);
        if (const auto* reason = std::get_if<DropReason>(&vni)) return *reason;
        return TunnelHeader{std::get<std::uint32_t>(vni), vxlan_header_bytes};
    }
    const auto header = parse_geneve(payload);
    if (const auto* reason = std::get_if<DropReason>(&header)) return *reason;
    const auto& geneve = std::get<GeneveHeader>(header);
    return TunnelHeader{vni_of_geneve(geneve.vni), geneve.bytes};
}

}  // namespace sluice
