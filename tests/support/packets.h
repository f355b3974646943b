// SPDX-License-Identifier: Apache-2.0
//
// Frames for tests, built from names: udp({.source = "10.1.1.5", .destination = "198.18.0.9"}). Lengths and
// checksums are right unless a field asks for something else. Written without runtime/packet, so that the two
// can judge each other. Fields must be named in the order in which they are declared. A bad address or MAC
// throws std::invalid_argument.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "schemas/layout/address.h"

namespace sluice::test {

using Bytes = std::vector<std::uint8_t>;

/// One IPv6 extension header: `body` is everything behind its next-header byte, which the builder fills in.
struct Extension {
    std::uint8_t type = 0;
    Bytes body;
};

/// Everything that the packet builders below read. The family is that of `source`.
struct Packet {
    std::string source_mac = "02:00:00:00:00:01";
    std::string destination_mac = "02:00:5e:00:01:01";
    std::optional<std::uint16_t> outer_vlan = std::nullopt;  // S-TAG (0x88a8) in front of `vlan`
    std::optional<std::uint16_t> vlan = std::nullopt;        // C-TAG (0x8100)

    std::string source = "10.1.1.5";
    std::string destination = "198.18.0.9";
    std::uint16_t source_port = 5000;  // TCP and UDP
    std::uint16_t destination_port = 80;
    std::uint16_t identifier = 77;  // ICMP queries
    std::uint8_t icmp_type = 0, icmp_code = 0;
    std::uint32_t icmp_rest = 0;    // bytes 4 to 7 of an ICMP header that is not a query
    std::uint8_t tcp_flags = 0x10;  // ACK
    std::uint32_t sequence = 1000;
    std::uint32_t acknowledgement = 2000;
    std::uint16_t window = 65535;
    Bytes tcp_options = {};  // a multiple of 4 bytes

    Bytes payload = Bytes(32, 0x61);

    std::uint8_t ttl = 64;
    std::uint8_t tos = 0;
    std::uint16_t id = 0x1234;
    bool dont_fragment = false;
    Bytes ip_options = {};  // IPv4: a multiple of 4 bytes
    std::vector<Extension> extensions = {};

    bool no_udp_checksum = false;         // the field is 0
    std::uint16_t l4_checksum_error = 0;  // added to the right checksum
    std::uint16_t ip_checksum_error = 0;
};

// Whole Ethernet frames, not padded to 60 bytes (see `padded`).
Bytes udp(const Packet& packet);
Bytes tcp(const Packet& packet);
Bytes echo_request(const Packet& packet);
Bytes echo_reply(const Packet& packet);
/// icmp_type, icmp_code, icmp_rest, payload.
Bytes icmp(const Packet& packet);
/// As icmp(), with `quoted` (an IP packet, or the start of one) as its payload.
Bytes icmp_error(Packet packet, std::span<const std::uint8_t> quoted);
/// Any protocol: `payload` follows the IP header as it is.
Bytes ip_protocol(const Packet& packet, std::uint8_t protocol);

struct ArpFrame {
    std::string source_mac = "02:00:00:00:00:01";
    std::string destination_mac = "ff:ff:ff:ff:ff:ff";
    std::optional<std::uint16_t> outer_vlan = std::nullopt;
    std::optional<std::uint16_t> vlan = std::nullopt;
    std::uint16_t operation = 1;
    std::string sender_mac = "02:00:00:00:00:01";
    std::string sender_ip = "10.1.1.5";
    std::string target_mac = "00:00:00:00:00:00";
    std::string target_ip = "10.1.1.1";
};
Bytes arp(const ArpFrame& arp);

struct NeighbourFrame {
    std::string source_mac = "02:00:00:00:00:01";
    std::string destination_mac = "33:33:ff:00:00:01";
    std::optional<std::uint16_t> outer_vlan = std::nullopt;
    std::optional<std::uint16_t> vlan = std::nullopt;
    std::string source = "2001:db8:b:1::5";
    std::string destination = "ff02::1:ff00:1";
    std::string target = "2001:db8:b:1::1";
    std::string link_layer = "";                                    // the option; empty: none
    bool router = false, solicited = false, override_flag = false;  // advertisement
    std::uint8_t hop_limit = 255;
};
Bytes neighbour_solicitation(const NeighbourFrame& frame);
Bytes neighbour_advertisement(const NeighbourFrame& frame);

/// The frame's IP packet cut into fragments with at most `piece_bytes` (a multiple of 8) behind the IP header
/// each, in order, each with the frame's layer 2 header. IPv6 gets fragment headers with `id`.
std::vector<Bytes> fragments(std::span<const std::uint8_t> frame, std::size_t piece_bytes,
                             std::uint32_t id = 0x1234);
/// With zeros up to `length`, as a NIC sends short frames.
Bytes padded(Bytes frame, std::size_t length = 60);

/// Bytes up to the layer 3 header, tags of 0x8100 and 0x88a8 included.
std::size_t l2_length(std::span<const std::uint8_t> frame);
/// The layer 3 part, cut to the length its IP header says.
Bytes ip_packet(std::span<const std::uint8_t> frame);

/// The one's complement checksum as RFC 1071 section 1 describes it, one word after the other.
std::uint16_t slow_checksum(std::span<const std::uint8_t> bytes);
/// IPv4 header, and TCP, UDP (0 is fine over IPv4), ICMP or ICMPv6 where the whole packet is there (a fragment
/// has only its header checked). True for frames that are not IP.
bool checksums_valid(std::span<const std::uint8_t> frame);
/// The same for the packet that an ICMP error quotes: its IPv4 header checksum, and layer 4 if wholly quoted.
bool quoted_checksums_valid(std::span<const std::uint8_t> frame);

}  // namespace sluice::test
