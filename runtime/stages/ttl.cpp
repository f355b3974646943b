// SPDX-License-Identifier: Apache-2.0
//
// The TTL or hop limit, tested only now that the packet is to be forwarded (C2). A router takes one; with
// `ttl: per-stage` each of its parts that the packet passes does. What expires is told of by the part that
// found it so, with the address of the interface by which it got the packet (RFC 1812 4.3.2.4): between two
// parts that is the transit.
#include <algorithm>

#include "runtime/stages/router_parts.h"

namespace sluice {
Exit check_ttl(StageContext& context) {
    Hop& hop = *context.hop;
    Trace& trace = context.trace;
    const TenantView& tenant = *context.tenant;
    hop.ttl_cost = tenant.ttl_per_stage ? parts_of(tenant, hop).count : std::uint8_t{1};
    record(context, StageId::ttl, hop.ttl_cost);
    const unsigned left = context.ip().ttl > trace.ttl_cost ? context.ip().ttl - unsigned{trace.ttl_cost} : 0u;
    trace.ttl_cost = static_cast<std::uint8_t>(trace.ttl_cost + hop.ttl_cost);
    if (left > hop.ttl_cost) return Exit::next;
    trace.forbid_cache(NoCacheReason::TTL);
    drop(context, DropReason::TTL_EXPIRED, IcmpError::ttl_exceeded);
    if (!tenant.ttl_per_stage) return Exit::done;
    const RouterParts parts = parts_of(tenant, hop);
    const unsigned part = std::max(left, 1u) - 1;
    const bool service = parts.of[part] == image::RouterPart::Service;
    trace.element = service ? Element::service_router : Element::distributed_router;
    if (part != 0 && tenant.transit != no_interface) trace.speaks_on = tenant.transit;
    return Exit::done;
}

}  // namespace sluice
