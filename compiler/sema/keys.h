// SPDX-License-Identifier: Apache-2.0
//
// Every key of the language, in one place. The JSON Schemas in schemas/ say the same; a test holds them
// together.
#pragma once

#include <span>

#include "compiler/sema/object.h"

namespace sluice::sema::keys {

extern const ObjectTable gateway, provider, router, transit, port, tenant, segment, uplink, vlan, qinq,
    untagged, vxlan, geneve, bridge, route, snat, nat64, dnat, one_to_one, exempt, timeouts, limits, firewall,
    rule, test;

std::span<const ObjectTable* const> all();

}  // namespace sluice::sema::keys
