// SPDX-License-Identifier: Apache-2.0
//
// Layer 4 of a packet whose IP part of the view is filled. Internal to sluice_packet.
#pragma once

#include <cstdint>
#include <span>

#include "runtime/packet/view.h"

namespace sluice {

/// TCP, UDP, ICMP as the family knows them, from the protocol alone; ICMP counts as icmp_other until its type
/// is read.
L4Kind kind_of_protocol(Family family, std::uint8_t protocol) noexcept;

/// Fills kind, ports, flags, type and sequence numbers. False: the header does not fit (L4_SHORT). `l4` is what
/// follows the IP header and its extensions, up to the total length.
bool parse_l4(std::span<const std::uint8_t> l4, IpView& view) noexcept;

/// The same for as much of layer 4 as is quoted in an ICMP error. False: not even the ports are there.
bool parse_quoted_l4(std::span<const std::uint8_t> l4, IpView& view) noexcept;

}  // namespace sluice
