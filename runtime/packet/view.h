// SPDX-License-Identifier: Apache-2.0
//
// What the stages see of a frame: parsed once, read by every stage, never written by one (the rewrite comes
// last, in rewrite.h, so an ICMP error can always quote the packet as it came).
#pragma once

#include <cstdint>
#include <span>

#include "runtime/packet/frame.h"
#include "schemas/layout/address.h"

namespace sluice {

constexpr std::uint16_t ethertype_ipv4 = 0x0800;
constexpr std::uint16_t ethertype_arp = 0x0806;
constexpr std::uint16_t ethertype_ipv6 = 0x86dd;
constexpr std::uint16_t tpid_customer = 0x8100;  // 802.1Q C-TAG
constexpr std::uint16_t tpid_service = 0x88a8;   // 802.1ad S-TAG
constexpr std::uint16_t absent_tag = 0xffff;

constexpr std::uint8_t protocol_icmp = 1;
constexpr std::uint8_t protocol_tcp = 6;
constexpr std::uint8_t protocol_udp = 17;
constexpr std::uint8_t protocol_icmpv6 = 58;

/// What a protocol is called in that family: ICMP has a number in each.
constexpr std::uint8_t protocol_in(Family family, std::uint8_t protocol) noexcept {
    if (protocol == protocol_icmp || protocol == protocol_icmpv6) {
        return family == Family::v4 ? protocol_icmp : protocol_icmpv6;
    }
    return protocol;
}

constexpr std::uint8_t tcp_fin = 0x01, tcp_syn = 0x02, tcp_rst = 0x04, tcp_ack = 0x10;

/// How the layer behind IP looks to sessions, NAT and firewall.
enum class L4Kind : std::uint8_t {
    other,  // a protocol without ports: sessions by address pair
    tcp,
    udp,
    icmp_query,  // request or reply that carries an identifier (echo, timestamp)
    icmp_error,  // quotes a packet
    icmp_other,  // neither (IPv6: ND and MLD as well)
};

/// Layer 2, known for every frame of at least 14 bytes.
struct L2View {
    Mac destination, source;
    std::uint16_t outer_vid = absent_tag;  // a priority tag (VID 0) is passed over and counts as absent
    std::uint16_t inner_vid = absent_tag;
    std::uint16_t ethertype = 0;  // behind the tags
    std::uint16_t length = 0;     // bytes up to the layer 3 header, tags included
};

/// The IP packet, filled by parse_ip_packet after the checks of C1. Ports are those of TCP and UDP; for an ICMP
/// query the identifier stands in source_port of a request and in destination_port of a reply, the other being
/// 0, so that a reply's tuple is its request's reversed; 0 for all else and for non-first fragments.
struct IpView {
    Family family = Family::v4;
    std::uint8_t protocol = 0;   // the layer 4 protocol, behind IPv6 extension headers
    std::uint8_t ttl = 0;        // or hop limit
    std::uint8_t tos = 0;        // traffic class
    bool segments_left = false;  // IPv6: a routing header that is not used up
    bool authenticated = false;  // IPv6: an authentication header
    Ip source, destination;
    std::uint16_t source_port = 0, destination_port = 0;
    L4Kind l4_kind = L4Kind::other;
    std::uint8_t tcp_flags = 0;
    std::uint8_t icmp_type = 0, icmp_code = 0;
    bool has_options = false;    // IPv4 options, or an IPv6 hop-by-hop, routing or destination header
    bool source_route = false;   // IPv4 LSRR/SSRR, IPv6 routing header type 0
    bool dont_fragment = false;  // always true for IPv6
    bool fragment = false;       // offset or more-fragments set (an atomic IPv6 fragment is not one)
    bool more_fragments = false;
    std::uint16_t fragment_offset = 0;  // bytes
    std::uint32_t id = 0;               // IPv4 identification, or the IPv6 fragment header's
    std::uint16_t header_length = 0;    // IP header with options or extension headers: the offset of layer 4
    std::uint32_t total_length = 0;     // IP header and payload; Ethernet padding is not part of it
    std::uint16_t fragment_header_offset = 0;  // IPv6: where the fragment header starts in the packet; 0 none
    std::uint32_t tcp_sequence = 0, tcp_acknowledgement = 0;
    bool first_fragment() const { return fragment && fragment_offset == 0; }
};

struct PacketView {
    Frame frame;
    L2View l2;
    IpView ip;  // valid once the IP checks passed
    std::uint8_t* l3() const { return frame.data + l2.length; }
    std::uint8_t* l4() const { return l3() + ip.header_length; }
    std::uint32_t l3_room() const { return frame.length - l2.length; }  // bytes from l3 to the frame's end
    std::span<const std::uint8_t> ip_bytes() const { return {l3(), ip.total_length}; }
};

}  // namespace sluice
