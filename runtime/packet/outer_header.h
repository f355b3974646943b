// SPDX-License-Identifier: Apache-2.0
//
// What stands in front of a frame in a tunnel: Ethernet, IPv4, UDP and VXLAN (RFC 7348 5) or Geneve header,
// made once a tunnel and written in front of each packet. Any thread, no allocation.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "runtime/packet/checksum.h"
#include "runtime/packet/geneve.h"
#include "runtime/packet/headers.h"
#include "runtime/packet/rewrite.h"
#include "runtime/packet/vxlan.h"
#include "runtime/packet/wire.h"

namespace sluice {

class OuterHeader {
  public:
    static constexpr std::uint32_t bytes = ethernet_header_bytes + vxlan_encapsulation_bytes;
    static constexpr std::uint32_t room = 56;  // written at once; the end of the header is the end here

    OuterHeader() = default;
    /// All but the next hop and the VNI, which are to come in their places.
    OuterHeader(Ip source, Ip remote, Mac source_mac, bool geneve = false) noexcept {
        std::array<std::uint8_t, room> text{};
        std::uint8_t* at = text.data() + room - bytes;
        write_l2(at, {Mac{}, source_mac, 0, {}, ethertype_ipv4});
        at += ethernet_header_bytes;
        write_vxlan({.source = source, .destination = remote}, 0, at);
        if (geneve) turn_into_geneve(at);
        // What all packets have in common of the checksum; big-endian words.
        wire::store<std::uint16_t>(at + ipv4_total_length_at, 0);
        wire::store<std::uint16_t>(at + ipv4_checksum_at, 0);
        sum_ = checksum_sum({at, ipv4_header_bytes});
        sum_ = (sum_ & 0xffff) + (sum_ >> 16);
        std::memcpy(words_.data(), text.data(), room);
    }
    /// In front of the frame whose packet begins at `l3`. `next_hop`: the MAC in the low bits, as it lies on
    /// the wire.
    [[gnu::always_inline]] void write(std::uint8_t* l3, std::uint32_t packet_bytes, std::uint64_t next_hop,
                                      std::uint32_t vni, const HashKey& secret) const noexcept {
        std::uint8_t* outer = l3 - ethernet_header_bytes - vxlan_encapsulation_bytes;  // its IPv4 header
        // Shifted in rather than stored behind: what is written in pieces is read back slowly.
        constexpr unsigned first_bit = (room - bytes) * 8;
        static_assert(first_bit == 48);
        auto words = words_;
        words[0] |= next_hop << first_bit;
        words[1] |= next_hop >> (64 - first_bit);
        words.back() |= std::uint64_t{__builtin_bswap32(vni << 8)} << 32;
        std::memcpy(outer + vxlan_encapsulation_bytes - room, words.data(), room);
        const std::uint32_t frame_bytes = ethernet_header_bytes + packet_bytes;
        const std::uint32_t total_length = vxlan_encapsulation_bytes + frame_bytes;
        const std::uint8_t tos = l3[ipv4_tos_at];
        outer[ipv4_tos_at] = tos;
        wire::store(outer + ipv4_total_length_at, wire::order(static_cast<std::uint16_t>(total_length)));
        std::uint32_t sum = sum_ + total_length + tos;
        sum = (sum & 0xffff) + (sum >> 16);
        wire::store(outer + ipv4_checksum_at,
                    wire::order(static_cast<std::uint16_t>(~((sum & 0xffff) + (sum >> 16)))));
        std::uint8_t* udp = outer + ipv4_header_bytes;
        const std::uint8_t protocol = l3[ipv4_protocol_at];
        const bool has_ports = protocol == protocol_udp || protocol == protocol_tcp;
        const std::uint16_t source_port = vxlan_source_port(
            wire::load<std::uint64_t>(l3 + addresses_at(Family::v4)),
            has_ports ? wire::load<std::uint32_t>(l3 + ipv4_header_bytes) : 0, protocol, secret);
        wire::store(udp, wire::order(source_port));
        wire::store(udp + udp_length_at,
                    wire::order(static_cast<std::uint16_t>(total_length - ipv4_header_bytes)));
    }

  private:
    std::array<std::uint64_t, room / sizeof(std::uint64_t)> words_{};
    std::uint32_t sum_ = 0;
};

}  // namespace sluice
