// SPDX-License-Identifier: Apache-2.0
//
// Random valid policies as the text an operator would write, so that the whole compiler is under test. The same
// seed and shape give the same text everywhere.
//
// Every host that can be a destination has a static neighbour, so that a verdict never waits for ARP.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace sluice::test {

/// What a policy may contain. The default is everything; the differential test leaves out what Linux does
/// otherwise.
struct PolicyShape {
    unsigned most_tenants = 3;
    bool tags = true;  // 802.1Q and QinQ; otherwise a port for each interface, untagged
    bool ipv6 = true;
    bool ecmp = true;
    bool peers = true;         // the first two tenants reach one segment of each other
    bool provider = true;      // a router between the tenants and an uplink that they share
    bool source_check = true;  // otherwise off
    bool per_stage_ttl = true;
    bool small_ports = true;       // SNAT port ranges that run out
    bool small_mtu = true;         // a port of 1400 bytes
    bool all_services = true;      // ICMP and bare IP protocols too, not only TCP and UDP
    bool always_firewall = false;  // Linux has no "no service router"
    bool tunnels = false;          // segments behind VXLAN, each on a port of its own
};

/// File name to text; "gateway.yaml" is the one to compile.
using PolicyText = std::map<std::string, std::string>;

PolicyText random_policy(std::uint64_t seed, const PolicyShape& shape = {});

}  // namespace sluice::test
