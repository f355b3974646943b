// SPDX-License-Identifier: Apache-2.0
//
// A frame taken apart the slow and obvious way, for judges of the gateway. Written without runtime/packet.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "schemas/layout/address.h"
#include "tests/support/packets.h"

namespace sluice::test {

enum class Kind { tcp, udp, echo_request, echo_reply, icmp_error, icmp_other, other };

struct Decoded {
    Mac destination_mac, source_mac;
    std::vector<std::uint16_t> vids;  // a priority tag (0) is left out
    std::uint16_t ethertype = 0;

    /// Why C1 refuses it, by the names of the drop reasons; empty where it does not. What follows is only right
    /// where it is empty.
    std::string fault;
    Family family = Family::v4;
    Ip source, destination;
    std::uint8_t protocol = 0;
    std::uint8_t ttl = 0;
    std::uint8_t tos = 0;
    std::uint32_t id = 0;
    bool dont_fragment = false;
    bool more_fragments = false;
    std::uint32_t fragment_offset = 0;  // bytes
    Bytes options;                      // IPv4 options; IPv6: extension headers but the fragment header
    bool source_route = false;
    Bytes l4;                       // to the end of the IP packet, without Ethernet padding
    std::uint32_t total_bytes = 0;  // of the IP packet

    bool is_ip() const { return ethertype == 0x0800 || ethertype == 0x86dd; }
    bool is_fragment() const { return more_fragments || fragment_offset != 0; }
    Kind kind() const;
    std::uint8_t byte(std::size_t offset) const { return offset < l4.size() ? l4[offset] : 0; }
    std::uint16_t word(std::size_t offset) const {
        return static_cast<std::uint16_t>(byte(offset) << 8 | byte(offset + 1));
    }
    /// Ports; for ICMP queries the identifier is the source port of a request and the destination port of a
    /// reply, and the other one is 0. 0 for all else.
    std::uint16_t source_port() const;
    std::uint16_t destination_port() const;
    void set_ports(std::uint16_t source_port, std::uint16_t destination_port);
    std::uint8_t tcp_flags() const { return kind() == Kind::tcp ? byte(13) : 0; }
    /// Where the checksum stands in `l4`; 0 where there is none.
    std::size_t checksum_offset() const;
    /// Everything behind layer 4's ports and checksum, which NAT must not touch.
    Bytes untouched_l4() const;
};

Decoded decode(std::span<const std::uint8_t> frame);
/// The packet that an ICMP error quotes; `fault` is set where it is no IP packet with its ports.
Decoded decode_quoted(const Decoded& error);
/// The one's complement sum over pseudo-header and layer 4: the same before and after a rewrite that neither
/// repairs nor breaks the checksum. 0 and 0xffff are the same number.
std::uint16_t l4_residue(const Decoded& packet);
/// The whole datagram from its fragments, which stand in offset order.
Decoded joined(const std::vector<Decoded>& parts);
/// One line for people.
std::string describe(const Decoded& packet);

}  // namespace sluice::test
