// SPDX-License-Identifier: Apache-2.0
//
// The TTL or hop limit, tested only now that the packet is to be forwarded (C2). A tenant's router takes one;
// with `ttl: per-stage` each of its parts does: the distributed router at a segment on either side, the service
// router between.
#include "runtime/stages/stage.h"

namespace sluice {
namespace {

bool is_segment(const TenantView& tenant, std::uint16_t interface) {
    return tenant.interfaces[interface].kind() == image::InterfaceKind::Segment;
}

}  // namespace

Exit check_ttl(StageContext& context) {
    Hop& hop = *context.hop;
    Trace& trace = context.trace;
    const TenantView& tenant = *context.tenant;
    const bool per_stage = context.image.ttl_mode() == image::TtlMode::PerStage && hop.stateful;
    const bool dr_first = per_stage && is_segment(tenant, hop.in_interface);
    const bool dr_last = per_stage && is_segment(tenant, hop.out_interface);
    hop.ttl_cost = static_cast<std::uint8_t>(1 + (dr_first ? 1 : 0) + (dr_last ? 1 : 0));
    record(context, StageId::ttl, hop.ttl_cost);
    const unsigned left = context.ip().ttl > trace.ttl_cost ? context.ip().ttl - unsigned{trace.ttl_cost} : 0u;
    trace.ttl_cost = static_cast<std::uint8_t>(trace.ttl_cost + hop.ttl_cost);
    if (left > hop.ttl_cost) return Exit::next;
    trace.forbid_cache(NoCacheReason::TTL);
    drop(context, DropReason::TTL_EXPIRED, IcmpError::ttl_exceeded);
    const bool in_first_dr = dr_first && left <= 1;
    const bool in_last_dr = dr_last && left == hop.ttl_cost;
    if (in_first_dr || in_last_dr) trace.element = Element::distributed_router;
    return Exit::done;
}

}  // namespace sluice
