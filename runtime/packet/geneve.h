// SPDX-License-Identifier: Apache-2.0
//
// Geneve (RFC 8926), as far as a tunnel endpoint without options of its own has to know it: without
// options its header is as long as VXLAN's and has the VNI in the same place, and all around it is the same
// (vxlan.h). Any thread, no allocation.
#pragma once

#include <cstdint>
#include <span>
#include <variant>

#include "runtime/packet/view.h"
#include "runtime/state/reasons.h"

namespace sluice {

constexpr std::uint16_t geneve_port = 6081;
constexpr std::uint16_t geneve_protocol_ethernet = 0x6558;  // Trans Ether Bridging
/// Version 0, no options, neither control nor critical, Ethernet inside: the first word of what is sent.
constexpr std::uint32_t geneve_plain = geneve_protocol_ethernet;

/// Whether a packet for a tunnel endpoint's own address is for its Geneve tunnels: UDP to their port, no
/// fragment.
bool is_geneve(const IpView& outer) noexcept;

struct GeneveHeader {
    std::uint32_t vni = 0;
    std::uint32_t bytes = 0;  // with its options
};
/// What a UDP payload begins with (3.4). GENEVE_VERSION: not 0. GENEVE_CONTROL: no packet of a station, and
/// nobody here to read it. GENEVE_CRITICAL: options that must be understood, and none are. BAD_ETHERTYPE: no
/// Ethernet frame inside. SHORT: it ends before its options or the inner Ethernet header do. Other options are
/// stepped over, reserved bits ignored.
std::variant<GeneveHeader, DropReason> parse_geneve(std::span<const std::uint8_t> payload) noexcept;

/// Turns what write_vxlan() wrote, whose UDP header is at `udp`, into Geneve.
void turn_into_geneve(std::uint8_t* udp) noexcept;

}  // namespace sluice
