// SPDX-License-Identifier: Apache-2.0
//
// Checked policies without text: for tests of what comes after the front end. Functions build a piece each and
// throw std::invalid_argument for an address that does not parse.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/policy/policy.h"

namespace sluice::test {

Ip ip_of(std::string_view text);
Prefix prefix_of(std::string_view text);
/// "10.1.1.1/24": the gateway's address and its subnet.
policy::InterfaceAddress address_of(std::string_view text);

policy::Interface segment(std::string name, std::uint16_t port, std::vector<std::uint16_t> vids,
                          const std::vector<std::string_view>& addresses);
policy::Interface uplink(std::string name, std::uint16_t port, std::vector<std::uint16_t> vids,
                         const std::vector<std::string_view>& addresses);
policy::Interface peer(std::string name, std::uint16_t tenant, std::uint16_t interface);

policy::Route route(std::string_view to, std::uint16_t interface, std::string_view gateway);

/// Two tenants with the same inside addresses, both families, and every kind of row that an image has: QinQ and
/// untagged interfaces, a link between the tenants, ECMP, a blackhole, all three kinds of NAT, address sets
/// that overlap, all three actions, static neighbours and assertions.
///   blue: 0 web (access0 VLAN 110, 10.1.1.1/24), 1 db (access0 QinQ 100.7, 10.1.2.1/24), 2 internet (uplink0
///         VLAN 900, 203.0.113.10/24), 3 to-red
///   red:  0 web (access0 VLAN 210, 10.1.1.1/24), 1 internet (uplink0 untagged, 198.51.100.2/31), 2 to-blue
policy::Policy two_tenants();
/// Moves blue's db behind VXLAN: VNI 5001 on port 2, overlay0, whose tunnel endpoint belongs to tenant 2;
/// remotes 198.51.100.21 and .22, and behind .22 a static neighbour.
void add_tunnels(policy::Policy& policy);
/// Of that policy: that segment's tunnels are over IPv6, beside the endpoint for IPv4.
policy::Interface& put_over_ipv6(policy::Policy& policy);

}  // namespace sluice::test
