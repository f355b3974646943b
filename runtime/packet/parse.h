// SPDX-License-Identifier: Apache-2.0
//
// Bytes to views. Every function takes any bytes at all and reads none outside them. Any thread, no allocation.
#pragma once

#include <optional>

#include "runtime/packet/view.h"
#include "runtime/state/reasons.h"

namespace sluice {

/// Ethernet header and up to two tags: an outer one of 0x8100 or 0x88A8, an inner one of 0x8100. More tags stay
/// where they are (the ethertype is then that of a tag). nullopt: shorter than its headers say (SHORT).
std::optional<L2View> parse_l2(std::span<const std::uint8_t> frame) noexcept;

/// The checks of C1 in their order, up to and including the addresses, then layer 4. nullopt: view is filled.
/// `packet` starts at the IP header and may carry Ethernet padding behind the total length. The reasons it
/// gives: SHORT, IP_VERSION, IP_HDRLEN, IP_TOTLEN, IP_CSUM, MARTIAN_SRC, MARTIAN_DST, L4_SHORT (a TCP, UDP or
/// ICMP header that does not fit, except in a non-first fragment). IP_OPT_SRR is left to the stage that reads
/// `source_route`. An IPv6 extension-header chain is walked to at most 8 headers; a longer one is IP_HDRLEN.
std::optional<DropReason> parse_ip_packet(std::span<const std::uint8_t> packet, std::uint16_t ethertype,
                                          IpView& view) noexcept;

/// Of an ICMP or ICMPv6 message that is not in fragments: whether its own checksum is right. Reads all of it.
bool icmp_checksum_valid(const PacketView& packet) noexcept;

struct QuotedPacket {
    IpView view;
    std::uint32_t l4_bytes = 0;  // how much of layer 4 is there
};
/// The packet that an ICMP error quotes: as much of a view as the bytes give (at least the IP header and, for
/// TCP, UDP and ICMP queries, the ports), without total length or checksum checks. nullopt: too short or not IP
/// of that family.
std::optional<QuotedPacket> parse_quoted_packet(std::span<const std::uint8_t> quoted, Family family) noexcept;

/// Offset of the quoted packet in an ICMP or ICMPv6 error: 8 bytes behind the start of layer 4.
constexpr std::uint32_t icmp_error_header_bytes = 8;

}  // namespace sluice
