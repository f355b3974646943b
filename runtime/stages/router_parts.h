// SPDX-License-Identifier: Apache-2.0
//
// The parts of a router that a packet passes (seed-systems 1.3): where it enters, the service part if the
// router keeps sessions, and where it leaves. Pure.
#pragma once

#include <array>
#include <cstdint>

#include "runtime/stages/stage.h"

namespace sluice {

struct RouterParts {
    std::array<image::RouterPart, 3> of{};
    std::uint8_t count = 0;

    void enter(image::RouterPart part) noexcept {
        if (count == 0 || of[count - 1u] != part) of[count++] = part;
    }
};

/// Up to the service part, where it is not known yet how the packet leaves.
inline RouterParts parts_before_route(const TenantView& tenant, const Hop& hop) noexcept {
    RouterParts parts;
    if (!hop.routed_already) parts.enter(tenant.interfaces[hop.in_interface].part());
    if (hop.stateful || hop.routed_already) parts.enter(image::RouterPart::Service);
    return parts;
}

/// Of a hop that has a route.
inline RouterParts parts_of(const TenantView& tenant, const Hop& hop) noexcept {
    RouterParts parts = parts_before_route(tenant, hop);
    parts.enter(tenant.interfaces[hop.out_interface].part());
    return parts;
}

}  // namespace sluice
