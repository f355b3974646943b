// SPDX-License-Identifier: Apache-2.0
//
// One IP packet made one of the other IP version, in place (RFC 7915, and RFC 6146 where it adds): what a
// stateful NAT64 does once it has decided on addresses and ports. Pure functions on bytes; any thread, no
// allocation.
//
// Extension headers and IPv4 options are left out (4.1, 5.1); flow labels are 0; the TTL is copied, not
// decremented. What an IPv4 packet's unexpired source route means (4.1) the caller has judged.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "runtime/packet/parse.h"
#include "runtime/packet/view.h"

namespace sluice {

/// The most bytes that the headers of one packet grow by: IPv4 to IPv6, twice in an ICMP error, the quoted
/// packet being a fragment.
constexpr std::uint32_t most_growth_across = 48;

/// What the packet looks like in the other family, but for addresses and ports, which are left zero. An ICMP
/// error's total_length is that with its quoted packet as long as it came (see error_view_across). nullopt: it
/// has no counterpart there:
/// - ICMP types and codes other than those of 4.2 and 5.2, IGMP;
/// - a routing header with segments left (5.1), an authentication header (its sum covers the addresses);
/// - extension headers in the fragmented part of a datagram, without which all its offsets would change;
/// - protocol numbers that mean something else there: extension headers, the other family's ICMP;
/// - more bytes than its length or offset fields can say.
std::optional<IpView> view_across(const IpView& view) noexcept;

/// Addresses and ports of the other family, the ports as in IpView (an ICMP identifier is in its sender's
/// place).
struct CrossedEnds {
    Ip source, destination;
    std::uint16_t source_port = 0, destination_port = 0;
};

/// What one fragment alone does not show of its datagram.
struct WholeDatagram {
    std::uint32_t l4_length = 0;  // bytes behind the IP headers: ICMPv6 sums it (RFC 8200 8.1), ICMP does not
    std::uint16_t udp_sum = 0;    // of UDP over IPv4 without checksum: its sum (RFC 7915 4.5)
};
/// Of one packet, or of all fragments of a datagram in the order of their offsets. Reads the payload of UDP
/// over IPv4 without checksum, else the views alone.
WholeDatagram whole_datagram(std::span<const PacketView> packets) noexcept;

/// Rewrites the packet: layer 4 stays where it is, layer 2 keeps its length and moves along in front, with the
/// new ethertype; the frame ends where the packet does, packet.ip becomes the new view. Layer 4 checksums
/// follow by delta (a wrong one stays as wrong as it came), but UDP over IPv4 without one gets one (4.5), and
/// UDP over IPv6 without one (RFC 6935) has none over IPv4. `ipv4_id`: the ID of an IPv4 packet not longer than
/// 1260 bytes, whose DF is clear (5.1); without one DF is set, as in longer ones. What came with a fragment
/// header has DF clear and, where no ID is given, the low 16 bits of its own (5.1.1). False: no counterpart
/// (view_across) or no headroom; the packet is unchanged.
bool translate_across(PacketView& packet, const CrossedEnds& ends, const WholeDatagram& datagram,
                      std::optional<std::uint16_t> ipv4_id) noexcept;

/// view_across for an ICMP error, with what only its bytes tell: a pointer at a field that the other family
/// does not have, a quoted packet that has no counterpart or is an error itself (4.3, 5.3), and the exact
/// total_length. A fragmented error has none: its quoted packet would have to move between its fragments.
std::optional<IpView> error_view_across(const PacketView& packet, const QuotedPacket& quoted_packet) noexcept;

/// translate_across for an ICMP error whose quoted packet gets `quoted` ends, as far as it is quoted. Type,
/// code, pointer and MTU as 4.2 and 5.2 have it, without a look at the MTU of our own links: +20, at least
/// 1280, a plateau of RFC 1191 for 0; or -20, at least 68. To IPv6 the quoted packet is cut to keep the error
/// within 1280 bytes (RFC 4443 3); extensions (RFC 4884) are cut off. The ICMP checksum is computed anew, and
/// is as wrong as it came. `ipv4_id` as above. False: no counterpart (error_view_across) or no headroom; the
/// packet is unchanged.
bool translate_error_across(PacketView& packet, const CrossedEnds& outer, const QuotedPacket& quoted_packet,
                            const CrossedEnds& quoted, std::optional<std::uint16_t> ipv4_id = {}) noexcept;

/// Cuts an IPv6 packet into fragments of at most `mtu` bytes (RFC 8200 4.5), for what came as IPv4 without DF:
/// how many there will be, and each in turn. The packet has no extension header but a fragment header, as
/// translate_across leaves it: others count as 0. `id` is for a packet that is none yet: the IPv4 packet's (RFC
/// 7915 4.1).
std::uint32_t ipv6_fragment_count(const IpView& view, std::uint16_t mtu) noexcept;
std::uint32_t build_ipv6_fragment(std::span<const std::uint8_t> packet, const IpView& view, std::uint16_t mtu,
                                  std::uint32_t id, std::uint32_t index, std::span<std::uint8_t> out) noexcept;

}  // namespace sluice
