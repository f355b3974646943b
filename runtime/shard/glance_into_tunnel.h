// SPDX-License-Identifier: Apache-2.0
//
// The first look at a frame on a port with a tunnel endpoint (glance.h): does it look like a packet of a known
// IPv4 flow inside VXLAN or Geneve without options, over IPv4 or IPv6, from an endpoint of its segment, with
// nothing that has to be told to it by the header outside? Then `inside` is the frame inside. Pure; any thread.
#pragma once

#include "runtime/packet/bytes.h"
#include "runtime/packet/geneve.h"
#include "runtime/packet/vxlan.h"
#include "runtime/shard/glance.h"

namespace sluice {

/// What the header outside says, from IP on.
template <Family outside>
struct OuterGlance;

template <>
struct OuterGlance<Family::v4> {
    std::uint64_t first, second, third;  // with the UDP ports
    explicit OuterGlance(const std::uint8_t* l3) noexcept
        : first(wire::load<std::uint64_t>(l3)),
          second(wire::load<std::uint64_t>(l3 + 8)),
          third(wire::load<std::uint64_t>(l3 + 16)) {}

    /// Well-formed, without options, whole, UDP, and for the endpoint.
    bool is_plain_for(const TunnelEnd& end) const noexcept {
        return (first & wire::plain_mask) == wire::plain && static_cast<std::uint32_t>(third) == end.ipv4 &&
               static_cast<std::uint8_t>(second >> 8) == protocol_udp &&
               ipv4_checksum_valid(first, second, static_cast<std::uint32_t>(third));
    }
    std::uint32_t packet_bytes(const std::uint8_t* l3) const noexcept {
        return wire::order(wire::load<std::uint16_t>(l3 + ipv4_total_length_at));
    }
    std::uint16_t port() const noexcept { return static_cast<std::uint16_t>(third >> 48); }  // as on the wire
    std::uint8_t traffic_class(const std::uint8_t* l3) const noexcept { return l3[ipv4_tos_at]; }
    std::uint32_t source(const std::uint8_t*) const noexcept {
        return __builtin_bswap32(static_cast<std::uint32_t>(second >> 32));
    }
};

template <>
struct OuterGlance<Family::v6> {
    std::uint64_t first, to_high, to_low;
    std::uint16_t to_port;
    explicit OuterGlance(const std::uint8_t* l3) noexcept
        : first(wire::load<std::uint64_t>(l3)),
          to_high(wire::load<std::uint64_t>(l3 + 24)),
          to_low(wire::load<std::uint64_t>(l3 + 32)),
          to_port(wire::load<std::uint16_t>(l3 + ipv6_header_bytes + 2)) {}

    bool is_plain_for(const TunnelEnd& end) const noexcept {
        constexpr std::uint64_t mask = 0x00ff0000000000f0;  // version and next header
        constexpr std::uint64_t plain = std::uint64_t{protocol_udp} << 48 | 0x60;
        return (first & mask) == plain && ((to_high ^ end.ipv6[0]) | (to_low ^ end.ipv6[1])) == 0;
    }
    std::uint32_t packet_bytes(const std::uint8_t* l3) const noexcept {
        return ipv6_header_bytes + wire::order(wire::load<std::uint16_t>(l3 + ipv6_payload_length_at));
    }
    std::uint16_t port() const noexcept { return to_port; }
    std::uint8_t traffic_class(const std::uint8_t* l3) const noexcept {
        return static_cast<std::uint8_t>(load16(l3) >> 4);
    }
    Ip source(const std::uint8_t* l3) const noexcept { return {load64(l3 + 8), load64(l3 + 16)}; }
};

/// Of a frame for the port's MAC whose EtherType says what is outside.
template <Family outside>
[[gnu::always_inline]] inline bool glance_behind_outer(const Frame& frame, const TunnelEnd& end,
                                                       const IngressTable& ingresses, Frame& inside,
                                                       Glance& glance) noexcept {
    constexpr std::uint32_t ip_bytes = outside == Family::v4 ? ipv4_header_bytes : ipv6_header_bytes;
    constexpr std::uint32_t outer_bytes = ethernet_header_bytes + vxlan_encapsulation_bytes(outside);
    constexpr std::uint32_t shortest =
        outer_bytes + ethernet_header_bytes + ipv4_header_bytes + udp_header_bytes;
    constexpr std::uint8_t congestion = 3, capable = 2;  // of the traffic class
    if (frame.length < shortest) return false;
    std::uint8_t* at = frame.data;
    std::uint8_t* l3 = at + ethernet_header_bytes;
    const OuterGlance<outside> outer(l3);
    if (!outer.is_plain_for(end)) return false;
    const std::uint32_t total_length = outer.packet_bytes(l3);
    const std::uint8_t* udp = l3 + ip_bytes;
    const std::uint32_t udp_bytes = wire::order(wire::load<std::uint16_t>(udp + udp_length_at));
    // From the end of the shortest packet to that of UDP, of IP and of the frame.
    const std::uint32_t beyond_shortest = udp_bytes + ip_bytes + ethernet_header_bytes - shortest;
    if (total_length > frame.length - ethernet_header_bytes || udp_bytes + ip_bytes > total_length ||
        beyond_shortest > frame.length) {
        return false;
    }
    const std::uint8_t* header = udp + udp_header_bytes;
    std::uint32_t vni = __builtin_bswap32(wire::load<std::uint32_t>(header + 4)) >> 8;
    if (const std::uint16_t port = outer.port(); port == wire::order(vxlan_port)) {
        if ((header[0] & vxlan_vni_is_valid) == 0) return false;
    } else {
        if (port != wire::order(geneve_port)) return false;
        if (wire::load<std::uint32_t>(header) != __builtin_bswap32(geneve_plain)) return false;
        vni = vni_of_geneve(vni);
    }
    std::uint8_t* inner = at + outer_bytes;
    if (wire::load<std::uint16_t>(inner + 12) != wire::order(ethertype_ipv4)) return false;
    const std::uint8_t outer_ecn = outer.traffic_class(l3) & congestion;
    if (outer_ecn != 0 && outer_ecn != capable) return false;  // what carries on is for the longer way to say
    const std::uint16_t number = ingresses.find_tunnelled(frame.port, vni, outer.source(l3));
    if (number == no_ingress) return false;
    if (!glance_behind_layer2(inner, ethernet_header_bytes, beyond_shortest, number, ingresses.data(),
                              glance)) {
        return false;
    }
    inside = frame;
    inside.data = inner;
    inside.length = beyond_shortest + ethernet_header_bytes + ipv4_header_bytes + udp_header_bytes;
    inside.headroom = static_cast<std::uint16_t>(frame.headroom + outer_bytes);
    inside.tailroom = frame.tailroom + (frame.length - outer_bytes - inside.length);
    return true;
}

[[gnu::always_inline]] inline bool glance_into_tunnel(const Frame& frame, const TunnelEnd& end,
                                                      const IngressTable& ingresses, Frame& inside,
                                                      Glance& glance) noexcept {
    if (frame.length < ethernet_header_bytes ||
        (wire::load<std::uint64_t>(frame.data) & wire::mac_mask) != end.mac_bits) {
        return false;
    }
    const auto type = wire::load<std::uint16_t>(frame.data + 12);
    if (type == wire::order(ethertype_ipv4)) {
        return glance_behind_outer<Family::v4>(frame, end, ingresses, inside, glance);
    }
    return type == wire::order(ethertype_ipv6) &&
           glance_behind_outer<Family::v6>(frame, end, ingresses, inside, glance);
}

}  // namespace sluice
