// SPDX-License-Identifier: Apache-2.0
//
// Frames inside VXLAN (RFC 7348) and Geneve (RFC 8926) over IPv4, for tests. Written without runtime/packet.
#pragma once

#include <cstdint>
#include <string>

#include "tests/support/decoded.h"
#include "tests/support/packets.h"

namespace sluice::test {

struct Outer {
    std::string source_mac = "02:00:00:00:21:01";
    std::string destination_mac = "02:00:00:00:01:01";
    std::string source = "198.51.100.21";
    std::string destination = "198.51.100.10";
    std::uint32_t vni = 5001;
    std::uint8_t tos = 0;
    std::uint8_t flags = 0x08;
    std::uint16_t source_port = 50000;
    std::uint16_t destination_port = 4789;
    bool no_udp_checksum = true;
};
Bytes in_vxlan(const Outer& outer, const Bytes& inner);

/// What Geneve has to say besides.
struct GeneveFields {
    Bytes options = {};  // a multiple of 4 bytes
    std::uint8_t version = 0;
    bool control = false, critical = false;
    std::uint16_t protocol = 0x6558;
    std::uint8_t option_words = 0;  // said instead of the options' own length; 0: that
};
Bytes in_geneve(const Outer& outer, const Bytes& inner, const GeneveFields& fields = {});

/// What came out of a tunnel endpoint. `fault`: why it is no such packet; empty where it is one.
struct Opened {
    std::string fault;
    Decoded outer;
    std::uint32_t vni = 0;
    Bytes inner;
};
Opened open_vxlan(const Bytes& frame);
/// Without options.
Opened open_geneve(const Bytes& frame);

}  // namespace sluice::test
