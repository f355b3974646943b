// SPDX-License-Identifier: Apache-2.0
//
// The policy of tests that are about programs, not policies: one tenant, one segment on port access0, one
// uplink on port uplink0, SNAT to 203.0.113.10 and a firewall that keeps mail in.
#pragma once

#include <map>
#include <string>

namespace sluice::test {

/// Texts by file name. `uplink_neighbours`: the router's MAC where no test answers for it ("IP: 'MAC'").
inline std::map<std::string, std::string> small_policy(const std::string& uplink_neighbours = "") {
    return {{"gateway.yaml",
             "gateway: edge\nmac: 02:00:5e:00:01:01\nports: {access0: {mtu: 1500}, uplink0: {mtu: 1500}}\n"
             "tenants: [blue.yaml]\n"},
            {"blue.yaml",
             "tenant: blue\n"
             "segments:\n"
             "  lan: {untagged: {port: access0}, gateway: 10.1.1.1/24, neighbours: {10.1.1.5: "
             "'02:00:00:00:00:05'}}\n"
             "uplinks:\n"
             "  internet: {untagged: {port: uplink0}, address: 203.0.113.10/24, neighbours: {" +
                 uplink_neighbours +
                 "}}\n"
                 "routes:\n"
                 "  - {to: 0.0.0.0/0, via: 203.0.113.1}\n"
                 "nat:\n"
                 "  - {snat: 10.1.1.0/24, out: internet, to: 203.0.113.10}\n"
                 "firewall:\n"
                 "  rules:\n"
                 "    - {name: no-mail, from: lan, to: internet, service: tcp/25, action: drop}\n"
                 "    - {name: outbound, from: lan, to: internet, action: allow}\n"}};
}

}  // namespace sluice::test
