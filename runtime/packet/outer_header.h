// SPDX-License-Identifier: Apache-2.0
//
// What stands in front of a frame in a tunnel: Ethernet, IPv4 or IPv6, UDP and VXLAN (RFC 7348 5) or Geneve
// header, made once a tunnel and written in front of each packet. Any thread, no allocation.
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
    static constexpr std::uint32_t most_room = 72;

  public:
    static constexpr std::uint32_t bytes(Family outside) {
        return ethernet_header_bytes + vxlan_encapsulation_bytes(outside);
    }
    /// Written at once; the end of the header is the end here.
    static constexpr std::uint32_t room(Family outside) { return outside == Family::v4 ? 56 : most_room; }

    OuterHeader() = default;
    /// All but the next hop and the VNI, which are to come in their places. The header's flow is none.
    OuterHeader(const VxlanHeader& header, Mac source_mac, bool geneve = false) noexcept
        : family_(header.family) {
        std::array<std::uint8_t, most_room> text{};
        const bool is_ipv4 = family_ == Family::v4;
        std::uint8_t* at = text.data() + most_room - bytes(family_);
        write_l2(at, {Mac{}, source_mac, 0, {}, is_ipv4 ? ethertype_ipv4 : ethertype_ipv6});
        at += ethernet_header_bytes;
        write_vxlan({.family = family_, .source = header.source, .destination = header.destination}, 0, at);
        std::uint8_t* const udp = at + (is_ipv4 ? ipv4_header_bytes : ipv6_header_bytes);
        if (geneve) turn_into_geneve(udp);
        if (is_ipv4) {
            // What all packets have in common of the checksum; big-endian words.
            wire::store<std::uint16_t>(at + ipv4_total_length_at, 0);
            wire::store<std::uint16_t>(at + ipv4_checksum_at, 0);
            sum_ = checksum_sum({at, ipv4_header_bytes});
            sum_ = (sum_ & 0xffff) + (sum_ >> 16);
        } else {
            wire::store<std::uint16_t>(at + ipv6_payload_length_at, 0);
            wire::store<std::uint16_t>(udp, 0);
            wire::store<std::uint16_t>(udp + udp_length_at, 0);
        }
        std::memcpy(words_.data(), text.data(), most_room);
    }
    Family family() const noexcept { return family_; }
    /// In front of the frame whose IPv4 packet begins at `l3`. `outside`: its family(). `next_hop`: the MAC in
    /// the low bits, as it lies on the wire.
    template <Family outside>
    [[gnu::always_inline]] void write(std::uint8_t* l3, std::uint32_t packet_bytes, std::uint64_t next_hop,
                                      std::uint32_t vni, const HashKey& secret) const noexcept {
        std::uint8_t* const end = l3 - ethernet_header_bytes;
        const std::uint8_t tos = l3[ipv4_tos_at];
        const std::uint8_t protocol = l3[ipv4_protocol_at];
        const bool has_ports = protocol == protocol_udp || protocol == protocol_tcp;
        const std::uint64_t entropy =
            flow_entropy(wire::load<std::uint64_t>(l3 + addresses_at(Family::v4)),
                         has_ports ? wire::load<std::uint32_t>(l3 + ipv4_header_bytes) : 0, protocol, secret);
        const std::uint32_t frame_bytes = ethernet_header_bytes + packet_bytes;
        // Shifted in rather than stored behind: what is written in pieces is read back slowly.
        const auto put = [end](std::size_t word, std::uint64_t value) {
            wire::store(end - most_room + word * sizeof value, value);
        };
        constexpr std::size_t last = 8;
        if constexpr (outside == Family::v4) {
            constexpr std::size_t first = (most_room - room(outside)) / sizeof(std::uint64_t);
            constexpr unsigned first_bit = (room(outside) - bytes(outside)) * 8;
            static_assert(first_bit == 48);
            put(first, words_[first] | next_hop << first_bit);
            put(first + 1, words_[first + 1] | next_hop >> (64 - first_bit));
            std::memcpy(end - 40, &words_[first + 2], 32);
            put(last, words_[last] | vni_word(vni));
            write_rest_of_ipv4(end - vxlan_encapsulation_bytes(outside), frame_bytes, tos, entropy);
        } else {
            // Where the next hop ends, IPv6 begins, addresses are, UDP begins and VXLAN.
            constexpr std::size_t mac = 0, ipv6 = 2, addresses = 3, udp = 7;
            static_assert(bytes(outside) + 2 == room(outside));
            const std::uint32_t udp_bytes = udp_header_bytes + vxlan_header_bytes + frame_bytes;
            const std::uint64_t length = wire::order(static_cast<std::uint16_t>(udp_bytes));
            const std::uint64_t class_and_label =
                __builtin_bswap32(std::uint32_t{tos} << 20 | outer_flow_label(entropy));
            put(mac, words_[mac] | next_hop << 16);
            put(mac + 1, words_[mac + 1]);
            put(ipv6, words_[ipv6] | length << 32 | class_and_label);
            std::memcpy(end - room(outside) + addresses * sizeof(std::uint64_t), &words_[addresses], 32);
            put(udp, words_[udp] | length << 32 | wire::order(vxlan_source_port(entropy)));
            put(last, words_[last] | vni_word(vni));
        }
    }

  private:
    static std::uint64_t vni_word(std::uint32_t vni) noexcept {
        return std::uint64_t{__builtin_bswap32(vni << 8)} << 32;
    }
    [[gnu::always_inline]] void write_rest_of_ipv4(std::uint8_t* outer, std::uint32_t frame_bytes,
                                                   std::uint8_t tos, std::uint64_t entropy) const noexcept {
        const std::uint32_t total_length = vxlan_encapsulation_bytes(Family::v4) + frame_bytes;
        outer[ipv4_tos_at] = tos;
        wire::store(outer + ipv4_total_length_at, wire::order(static_cast<std::uint16_t>(total_length)));
        std::uint32_t sum = sum_ + total_length + tos;
        sum = (sum & 0xffff) + (sum >> 16);
        wire::store(outer + ipv4_checksum_at,
                    wire::order(static_cast<std::uint16_t>(~((sum & 0xffff) + (sum >> 16)))));
        std::uint8_t* udp = outer + ipv4_header_bytes;
        wire::store(udp, wire::order(vxlan_source_port(entropy)));
        wire::store(udp + udp_length_at,
                    wire::order(static_cast<std::uint16_t>(total_length - ipv4_header_bytes)));
    }

    std::array<std::uint64_t, most_room / sizeof(std::uint64_t)> words_{};
    std::uint32_t sum_ = 0;
    Family family_ = Family::v4;
};

}  // namespace sluice
