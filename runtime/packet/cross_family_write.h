// SPDX-License-Identifier: Apache-2.0
//
// The parts of a packet in its other family that whole and quoted packets share. Internal to sluice_packet.
#pragma once

#include <cstdint>

#include "runtime/packet/cross_family.h"

namespace sluice {

/// RFC 7915 5.1: what fits into IPv6 packets of 1280 bytes may be fragmented.
constexpr std::uint32_t longest_without_df = 1260;

void set_ends(IpView& across, const CrossedEnds& ends) noexcept;
/// The ID of an IPv4 packet, once its length is known, or DF where it has none.
void set_ipv4_id_across(IpView& across, const IpView& before, std::optional<std::uint16_t> ipv4_id) noexcept;

/// Writes the header of `view` in 20 bytes (IPv4), 40, or 48 (IPv6, with a fragment header).
void write_header_of(const IpView& view, std::uint8_t* out) noexcept;

/// Rewrites what `l4_bytes` bytes of layer 4 hold, in place: fields and checksums behind them are left alone.
/// `udp_sum`: see WholeDatagram; nullopt: UDP without checksum stays so.
void write_l4_across(std::uint8_t* l4, std::uint32_t l4_bytes, const IpView& before, const IpView& after,
                     std::uint32_t l4_length, std::optional<std::uint16_t> udp_sum) noexcept;

/// Lets the headers in front of what stays become `now` instead of `then` bytes long, which needs `now` -
/// `then` bytes of headroom. Layer 2 moves along, with the ethertype of `across`, at whose end the frame ends.
void move_layer2(PacketView& packet, std::uint32_t then, std::uint32_t now, const IpView& across) noexcept;

}  // namespace sluice
