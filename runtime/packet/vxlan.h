// SPDX-License-Identifier: Apache-2.0
//
// VXLAN over IPv4 and IPv6 (RFC 7348): what stands between an outer and an inner Ethernet frame. Any thread, no
// allocation.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <variant>

#include "runtime/packet/view.h"
#include "runtime/state/keyed_hash.h"
#include "runtime/state/reasons.h"

namespace sluice {

constexpr std::uint16_t vxlan_port = 4789;
constexpr std::uint32_t vxlan_header_bytes = 8;
constexpr std::uint8_t vxlan_vni_is_valid = 0x08;  // flag I
/// IP, UDP and VXLAN header: what is written in front of the inner frame.
constexpr std::uint32_t vxlan_encapsulation_bytes(Family outside) {
    return outside == Family::v4 ? 36 : 56;
}

/// Whether a packet for a tunnel endpoint's own address is for the tunnels: UDP to their port, no fragment
/// (4.3: tunnel endpoints do not fragment).
bool is_vxlan(const IpView& outer) noexcept;

/// The VNI that a UDP payload names. VXLAN_BAD_FLAGS: the flag that says so is not set (5). SHORT: no header,
/// or no inner Ethernet header. Reserved bits are ignored, as the RFC has it.
std::variant<std::uint32_t, DropReason> parse_vxlan(std::span<const std::uint8_t> payload) noexcept;

struct VxlanHeader {
    Family family = Family::v4;
    Ip source, destination;
    std::uint32_t vni = 0;
    std::uint16_t source_port = 0;  // tells flows apart for those on the way (5)
    std::uint32_t flow_label = 0;   // so does this, over IPv6
    std::uint8_t tos = 0;           // traffic class
};
/// Writes vxlan_encapsulation_bytes in front of `inner_bytes` bytes of a frame: DF set, TTL 64, no UDP
/// checksum, over IPv6 neither (RFC 6935 5: the frame inside has its own).
void write_vxlan(const VxlanHeader& header, std::uint32_t inner_bytes, std::uint8_t* out) noexcept;

/// Tells an IPv4 flow from others: from its addresses and, where it has them, its ports as the machine reads
/// them from the wire. `secret`: those on the way see that flows differ, not how to make them meet.
inline std::uint64_t flow_entropy(std::uint64_t addresses, std::uint32_t ports, std::uint8_t protocol,
                                  const HashKey& secret) noexcept {
    return mix(mix(addresses ^ secret.words[0], (std::uint64_t{ports} << 8 | protocol) ^ secret.words[1]) ^
                   secret.words[1],
               secret.words[0] | 1);
}
inline std::uint16_t vxlan_source_port(std::uint64_t entropy) noexcept {
    constexpr std::uint16_t first_port = 49152;
    return static_cast<std::uint16_t>(first_port + (entropy >> 50));
}
/// RFC 6438 3: routers that look no further than the IPv6 header spread flows by this. Never 0, which says that
/// there is none.
inline std::uint32_t outer_flow_label(std::uint64_t entropy) noexcept {
    return static_cast<std::uint32_t>(entropy >> 44) | 1;
}

/// The traffic class that a packet carries on behind a tunnel (RFC 6040 4.2): the inner one, with the
/// congestion that the outer one met. nullopt: it must be dropped (ECN_CE_NONECT).
std::optional<std::uint8_t> tos_behind_tunnel(std::uint8_t outer_tos, std::uint8_t inner_tos) noexcept;

/// Another traffic class in a packet, with the IPv4 header checksum.
void set_tos(std::uint8_t* l3, Family family, std::uint8_t tos) noexcept;

}  // namespace sluice
