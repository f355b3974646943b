// SPDX-License-Identifier: Apache-2.0
//
// What a trace becomes. A Program is what all flows with the same trace share; a FlowValues is what belongs to
// one flow. Both together, a Plan, say all that is to be done to a packet; the uncached path makes a Plan too
// and executes it the same way, which is why cached and uncached packets cannot differ. Plain values; owner
// shard only.
#pragma once

#include <array>
#include <cstdint>

#include "runtime/image/slots.h"
#include "runtime/packet/cross_family.h"
#include "runtime/packet/rewrite.h"
#include "runtime/state/session_table.h"

namespace sluice {

struct Program {
    InterfaceRef ingress;
    InterfaceRef egress;
    std::uint16_t out_port = 0;
    std::uint16_t mtu = 0;  // the smallest IP MTU on the way
    std::uint16_t vids[2] = {0, 0};
    Mac source_mac;
    std::uint8_t tag_count = 0;
    std::uint8_t ttl_cost = 0;       // what the routers on the path take off
    std::uint8_t session_count = 0;  // stateful routers on the path
    bool new_source = false;         // address or port
    bool new_destination = false;
    bool tunnelled = false;  // with the VNI, over the tunnels of `underlay`; then there are no tags
    std::uint16_t underlay = 0;
    std::uint32_t vni = 0;
    std::uint8_t router_count = 0;
    std::array<std::uint16_t, most_routers> routers{};  // the tenants on the path: what it was made from

    friend bool operator==(const Program&, const Program&) = default;
};

/// What goes into a tunnel is not padded (MT-A34).
constexpr std::uint32_t shortest_of(const Program& program) {
    return program.tunnelled ? 0 : shortest_frame_bytes;
}

struct FlowValues {
    Translation translation;
    std::uint32_t neighbour = no_neighbour;
};

struct Plan {
    Program program;
    std::array<SessionRef, most_routers> sessions{};  // program.session_count: of a packet that waits
    std::array<Direction, most_routers> directions{};
    FlowValues values;
    bool new_ip_id = false;  // with ip_id: chosen already, the same for all fragments of a datagram
    std::uint16_t ip_id = 0;
    bool crosses = false;     // into the other family, with the addresses and ports of the translation (NAT64)
    WholeDatagram datagram;   // of one that crosses
    bool translated = false;  // as part of an ICMP error: the frame is changed already
    bool originated = false;  // a packet of the gateway's own: no translation, no TTL, no ICMP error about it
};

}  // namespace sluice
