// SPDX-License-Identifier: Apache-2.0
//
// Writing into packets in place: the end of every path, cached or not. Any thread, no allocation.
#pragma once

#include <cstdint>
#include <span>

#include "runtime/packet/checksum.h"
#include "runtime/packet/headers.h"
#include "runtime/packet/view.h"

namespace sluice {

/// New addresses and ports of a packet, with the checksum deltas that go with them. Fields that keep their
/// value hold it. Ports follow the convention of IpView (an ICMP identifier is the non-zero one's place).
struct Translation {
    Ip source, destination;
    std::uint16_t source_port = 0, destination_port = 0;
    std::uint16_t l3_delta = 0;  // for the IPv4 header checksum
    std::uint16_t l4_delta =
        0;  // for TCP, UDP and ICMPv6 (pseudo-header + ports), for ICMPv4 the identifier only
    bool changes = false;

    /// From what the packet carries to what it shall carry.
    static Translation between(const IpView& before, Ip source, Ip destination, std::uint16_t source_port,
                               std::uint16_t destination_port) noexcept;
};

/// Rewrites addresses, ports or ICMP identifier and the checksums (C5): UDP over IPv4 keeps a zero checksum; a
/// UDP checksum that comes out as zero is sent as 0xffff. Non-first fragments have their addresses only
/// rewritten.
void apply_translation(std::uint8_t* l3, const IpView& view, const Translation& translation) noexcept;

/// TTL or hop limit minus `count`, with the IPv4 header checksum.
void decrement_ttl(std::uint8_t* l3, Family family, std::uint8_t count) noexcept;
/// A new IPv4 identification, with the header checksum.
void set_ipv4_id(std::uint8_t* l3, std::uint16_t id) noexcept;

/// Translates an ICMP error that answers a translated packet: `outer` changes its own addresses, `quoted`
/// those, ports or identifier and checksums of the packet it quotes, as far as it is quoted; the ICMP checksum
/// follows by delta (RFC 5508 4.2).
void apply_icmp_error_translation(std::uint8_t* l3, const IpView& view, const Translation& outer,
                                  const struct QuotedPacket& quoted_packet, const Translation& quoted) noexcept;

struct L2Header {
    Mac destination, source;
    std::uint8_t tag_count = 0;
    std::uint16_t vids[2] = {0, 0};
    std::uint16_t ethertype = 0;
    std::uint32_t bytes() const { return 14u + 4u * tag_count; }
};
/// Replaces the layer 2 header, which was `old_l2_length` bytes long. Uses headroom where it grows. Frame data,
/// length and headroom follow; the frame ends at l3 + ip_length (padding is cut, MT-A34), never below
/// `shortest` bytes: it is padded with zeros to the Ethernet minimum where tailroom allows; a frame that goes
/// into a tunnel is not. False: no headroom for it (the frame is unchanged).
bool replace_l2(Frame& frame, std::uint32_t old_l2_length, std::uint32_t ip_length, const L2Header& header,
                std::uint32_t shortest = shortest_frame_bytes) noexcept;
/// Writes the header at `at`; with two tags the outer one is an S-TAG (0x88A8).
void write_l2(std::uint8_t* at, const L2Header& header) noexcept;

}  // namespace sluice
