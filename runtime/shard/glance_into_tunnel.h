// SPDX-License-Identifier: Apache-2.0
//
// The first look at a frame on a port with a tunnel endpoint (glance.h): does it look like a packet of a known
// IPv4 flow inside VXLAN or Geneve without options, from an endpoint of its segment, with nothing that has to
// be told to it by the header outside? Then `inside` is the frame inside. Pure; any thread.
#pragma once

#include "runtime/packet/geneve.h"
#include "runtime/packet/vxlan.h"
#include "runtime/shard/glance.h"

namespace sluice {

[[gnu::always_inline]] inline bool glance_into_tunnel(const Frame& frame, const TunnelEnd& end,
                                                      const IngressTable& ingresses, Frame& inside,
                                                      Glance& glance) noexcept {
    constexpr std::uint32_t outer_bytes = ethernet_header_bytes + vxlan_encapsulation_bytes;
    constexpr std::uint32_t shortest =
        outer_bytes + ethernet_header_bytes + ipv4_header_bytes + udp_header_bytes;
    constexpr std::uint8_t congestion = 3, capable = 2;  // of the traffic class
    if (frame.length < shortest) return false;
    std::uint8_t* at = frame.data;
    if ((wire::load<std::uint64_t>(at) & wire::mac_mask) != end.mac_bits ||
        wire::load<std::uint16_t>(at + 12) != wire::order(ethertype_ipv4)) {
        return false;
    }
    std::uint8_t* l3 = at + ethernet_header_bytes;
    const auto first = wire::load<std::uint64_t>(l3);
    const auto second = wire::load<std::uint64_t>(l3 + 8);
    const auto third = wire::load<std::uint64_t>(l3 + 16);  // with the ports
    if ((first & wire::plain_mask) != wire::plain || static_cast<std::uint32_t>(third) != end.address ||
        static_cast<std::uint8_t>(second >> 8) != protocol_udp ||
        !ipv4_checksum_valid(first, second, static_cast<std::uint32_t>(third))) {
        return false;
    }
    const std::uint32_t total_length = wire::order(wire::load<std::uint16_t>(l3 + ipv4_total_length_at));
    const std::uint8_t* udp = l3 + ipv4_header_bytes;
    const std::uint32_t udp_bytes = wire::order(wire::load<std::uint16_t>(udp + udp_length_at));
    // From the end of the shortest packet to that of UDP, of IP and of the frame.
    const std::uint32_t beyond_shortest = udp_bytes + ipv4_header_bytes + ethernet_header_bytes - shortest;
    if (total_length > frame.length - ethernet_header_bytes || udp_bytes + ipv4_header_bytes > total_length ||
        beyond_shortest > frame.length) {
        return false;
    }
    const std::uint8_t* header = udp + udp_header_bytes;
    std::uint32_t vni = __builtin_bswap32(wire::load<std::uint32_t>(header + 4)) >> 8;
    if (const std::uint64_t port = third >> 48; port == wire::order(vxlan_port)) {
        if ((header[0] & vxlan_vni_is_valid) == 0) return false;
    } else {
        if (port != wire::order(geneve_port)) return false;
        if (wire::load<std::uint32_t>(header) != __builtin_bswap32(geneve_plain)) return false;
        vni = vni_of_geneve(vni);
    }
    std::uint8_t* inner = at + outer_bytes;
    if (wire::load<std::uint16_t>(inner + 12) != wire::order(ethertype_ipv4)) return false;
    const std::uint8_t outer_ecn = l3[ipv4_tos_at] & congestion;
    if (outer_ecn != 0 && outer_ecn != capable) return false;  // what carries on is for the longer way to say
    const std::uint16_t number =
        ingresses.find_tunnelled(frame.port, vni, __builtin_bswap32(static_cast<std::uint32_t>(second >> 32)));
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

}  // namespace sluice
