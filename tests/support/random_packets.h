// SPDX-License-Identifier: Apache-2.0
//
// Random packets aimed at a policy: new flows from inside and outside, hits and misses of its NAT, replies to
// what the gateway sent, ICMP errors about it, and packets that are wrong in one way each. Give it back what
// the gateway sent, so that replies exist.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "compiler/policy/policy.h"
#include "tests/support/decoded.h"
#include "tests/support/interpreter.h"
#include "tests/support/random.h"

namespace sluice::test {

/// Chances in percent.
struct PacketShape {
    unsigned new_flow = 55, reply = 25, again = 12, icmp_error = 8;  // what kind of packet
    unsigned small_ttl = 8, options = 3, wrong = 5, bad_l4_checksum = 4, no_udp_checksum = 5, fragments = 4,
             large = 3, spoofed = 2, other_protocol = 4, tampered_reply = 12;
    bool own_addresses = true;  // of the gateway
    bool broadcasts = true;
    bool non_opening_tcp = true;       // new flows that do not start with a SYN
    bool orderly_tcp = false;          // no FIN or RST in replies, no data before the handshake
    bool errors_from_routers = true;   // ICMP errors from others than the end, and fragmented ones
    bool edge_ports = true;            // destination ports where ranges begin and end
    unsigned marked = 0;               // with DSCP and ECN
    bool new_ports = false;            // every new flow has a source port of its own,
    std::uint16_t first_port = 20000;  // from here on
};

class PacketSource {
  public:
    PacketSource(const policy::Policy& policy, std::uint64_t seed, const PacketShape& shape = {});

    /// One packet, or the fragments of one. SentFrame here means: sent to the gateway, on that port.
    std::vector<SentFrame> next();
    /// What the gateway sent.
    void saw(const SentFrame& frame);

  private:
    enum class Form { tcp, udp, echo_request, echo_reply, icmp_error, gre };
    struct Recipe {
        std::uint16_t tenant = 0, interface = 0;
        Form form = Form::udp;
        Packet packet;
        Bytes quoted;
    };
    struct Target {
        Ip ip;
        std::uint16_t port = 0;  // 0: any
        std::uint8_t protocol = 0;
    };

    const policy::Interface& interface(const Recipe& recipe) const {
        return policy_.tenants[recipe.tenant].interfaces[recipe.interface];
    }
    Recipe new_flow();
    Recipe reply();
    Recipe again();
    Recipe icmp_error();
    void address(Recipe& recipe, std::uint16_t interface);
    Ip source_for(const Recipe& recipe, Family family);
    Target target_for(const Recipe& recipe, Family family);
    Ip remote(Family family);
    Ip stranger(Family family);
    bool own(Ip ip, Family family) const;
    std::vector<SentFrame> finish(Recipe recipe);
    Bytes build(const Recipe& recipe) const;

    const policy::Policy& policy_;
    std::vector<std::uint16_t> tenants_;  // without the routers that tunnels end at
    Random random_;
    PacketShape shape_;
    std::uint16_t next_id_ = 1;
    std::uint16_t next_port_;
    std::deque<Recipe> injected_;
    struct Seen {
        std::uint16_t tenant, interface;
        SentFrame frame;
        Decoded decoded;
    };
    std::deque<Seen> seen_;
};

}  // namespace sluice::test
