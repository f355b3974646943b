// SPDX-License-Identifier: Apache-2.0
//
// The TTL or hop limit, tested only now that the packet is to be forwarded (C2). A router takes one; with
// `ttl: per-stage` each of its parts that the packet passes does. What expires is told of by the part that
// found it so, with the address of the interface by which it got the packet (RFC 1812 4.3.2.4): between two
// parts that is the transit.
#include <algorithm>
#include <array>

#include "runtime/stages/stage.h"

namespace sluice {
namespace {

using image::RouterPart;

/// The parts that a packet passes, in order: a router that keeps sessions has them on its service part.
struct Parts {
    std::array<RouterPart, 3> of{};
    std::uint8_t count = 0;
    void enter(RouterPart part) {
        if (count == 0 || of[count - 1u] != part) of[count++] = part;
    }
};

Parts parts_of(const TenantView& tenant, const Hop& hop) {
    Parts parts;
    if (!hop.routed_already) parts.enter(tenant.interfaces[hop.in_interface].part());
    if (hop.stateful || hop.routed_already) parts.enter(RouterPart::Service);
    parts.enter(tenant.interfaces[hop.out_interface].part());
    return parts;
}

}  // namespace

Exit check_ttl(StageContext& context) {
    Hop& hop = *context.hop;
    Trace& trace = context.trace;
    const TenantView& tenant = *context.tenant;
    const Parts parts = parts_of(tenant, hop);
    hop.ttl_cost = tenant.ttl_per_stage ? parts.count : std::uint8_t{1};
    record(context, StageId::ttl, hop.ttl_cost);
    const unsigned left = context.ip().ttl > trace.ttl_cost ? context.ip().ttl - unsigned{trace.ttl_cost} : 0u;
    trace.ttl_cost = static_cast<std::uint8_t>(trace.ttl_cost + hop.ttl_cost);
    if (left > hop.ttl_cost) return Exit::next;
    trace.forbid_cache(NoCacheReason::TTL);
    drop(context, DropReason::TTL_EXPIRED, IcmpError::ttl_exceeded);
    if (!tenant.ttl_per_stage) return Exit::done;
    const unsigned part = std::max(left, 1u) - 1;
    const bool service = parts.of[part] == RouterPart::Service;
    trace.element = service ? Element::service_router : Element::distributed_router;
    if (part != 0 && tenant.transit != no_interface) trace.speaks_on = tenant.transit;
    return Exit::done;
}

}  // namespace sluice
