// SPDX-License-Identifier: Apache-2.0
//
// A packet as people write it: in a policy's `tests:`, and behind `--packet` of `sluicec explain` and
// `sluicectl trace`.
//
//   tcp A:P > B:Q      udp A:P > B:Q      an IPv6 address that has a port stands in brackets: [2001:db8::1]:443
//   icmp A > B         icmpv6 A > B       an echo request
//   icmp/TYPE/CODE A > B                  code 0 where it is left out
//   ip/47 A > B                           any other protocol by its number
//
// What a packet becomes may have `*` for a port: SNAT chooses it. Pure functions; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/packet/view.h"
#include "schemas/layout/address.h"

namespace sluice {

struct PacketText {
    Family family = Family::v4;
    std::uint8_t protocol = 0;
    Ip source;
    Ip destination;
    std::uint16_t source_port = 0;  // ports: TCP and UDP only
    std::uint16_t destination_port = 0;
    bool any_source_port = false;
    bool any_destination_port = false;
    std::uint8_t icmp_type = 0;  // ICMP and ICMPv6 only
    std::uint8_t icmp_code = 0;

    bool has_ports() const { return protocol == 6 || protocol == 17; }
    bool is_icmp() const { return protocol == 1 || protocol == 58; }
    friend bool operator==(const PacketText&, const PacketText&) = default;
};

/// Where in the text, and what is wrong there.
struct PacketTextError {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::string words;
};

enum class Wildcards : std::uint8_t { refused, allowed };

std::optional<PacketText> parse_packet_text(std::string_view text, Wildcards wildcards, PacketTextError& error);

/// The same form again; parsing it gives the same packet.
std::string to_string(const PacketText& packet);

/// What the parser would have made of such a packet: a small one, the first of its flow, with TTL 64.
PacketView first_packet_of(const PacketText& packet);

}  // namespace sluice
