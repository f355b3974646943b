// SPDX-License-Identifier: Apache-2.0
//
// One tenant of a policy in the words of Linux: `ip -batch` for interfaces, neighbours and routes, nftables for
// NAT and firewall. Interface n is called "in".
#pragma once

#include <string>

#include "compiler/policy/policy.h"

namespace sluice::test {

/// A segment behind VXLAN is "in" over the device "un".
std::string render_ip(const policy::Policy& policy, const policy::Tenant& tenant);
std::string render_nft(const policy::Tenant& tenant);

}  // namespace sluice::test
