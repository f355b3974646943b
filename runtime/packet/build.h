// SPDX-License-Identifier: Apache-2.0
//
// Packets that the gateway says itself: ARP, neighbour discovery, ICMP. Each function writes a whole layer 3
// packet (or ARP body) into `out` and returns its length; layer 2 is the caller's. Any thread, no allocation.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "runtime/packet/view.h"

namespace sluice {

constexpr std::uint32_t arp_bytes = 28;

struct Arp {
    std::uint16_t operation = 0;  // 1 request, 2 reply
    Mac sender_mac, target_mac;
    Ip sender_ip, target_ip;
};
std::optional<Arp> parse_arp(std::span<const std::uint8_t> packet) noexcept;  // Ethernet + IPv4 only (RFC 826)
std::uint32_t build_arp(const Arp& arp, std::span<std::uint8_t> out) noexcept;

/// RFC 4861 4.3 and 4.4, checked as 7.1 demands: hop limit 255, code 0, checksum, length, options of non-zero
/// length.
struct NeighbourMessage {
    bool solicitation = false;  // else advertisement
    Ip source, destination, target;
    std::optional<Mac> link_layer;  // source option of a solicitation, target option of an advertisement
    bool router = false, solicited = false, override_flag = false;
};
std::optional<NeighbourMessage> parse_neighbour_message(const PacketView& packet) noexcept;
std::uint32_t build_neighbour_message(const NeighbourMessage& message, std::span<std::uint8_t> out) noexcept;
Ip solicited_node_group(Ip target) noexcept;
Mac multicast_mac(Ip group, Family family) noexcept;

/// Turns the echo request at `l3` into its reply in place: addresses swapped, type changed, TTL 64, checksums
/// by delta. Works on each fragment of a fragmented request as it stands.
void echo_request_to_reply(std::uint8_t* l3, const IpView& view) noexcept;

enum class IcmpError : std::uint8_t {
    net_unreachable,     // 3/0   1/0
    host_unreachable,    // 3/1   1/3
    port_unreachable,    // 3/3   1/4
    admin_prohibited,    // 3/13  1/1
    packet_too_big,      // 3/4   2/0, with the MTU
    ttl_exceeded,        // 11/0  3/0
    reassembly_timeout,  // 11/1  3/1
};
/// Quotes `offending` so that the message stays within 576 bytes (IPv4, RFC 1812 4.3.2.3) or 1280 (IPv6, RFC
/// 4443 3).
std::uint32_t build_icmp_error(IcmpError error, Family family, Ip source, Ip destination, std::uint16_t mtu,
                               std::span<const std::uint8_t> offending, std::span<std::uint8_t> out) noexcept;
/// A RST that answers `segment` (RFC 9293 3.10.7.1), with its addresses and ports swapped.
std::uint32_t build_tcp_reset(const PacketView& segment, std::span<std::uint8_t> out) noexcept;

constexpr std::uint32_t longest_built_packet = 1280;

/// Cuts an IPv4 packet into fragments of at most `mtu` bytes (RFC 791 3.2): how many there will be, and each in
/// turn, its header and checksum done. Options that must not be copied (copied flag clear) stay in the first
/// one only.
std::uint32_t ipv4_fragment_count(const IpView& view, std::uint16_t mtu) noexcept;
std::uint32_t build_ipv4_fragment(std::span<const std::uint8_t> packet, const IpView& view, std::uint16_t mtu,
                                  std::uint32_t index, std::span<std::uint8_t> out) noexcept;

}  // namespace sluice
