// SPDX-License-Identifier: Apache-2.0
//
// Step 7: packets to addresses of the gateway itself. Echo requests are answered. Nothing else listens here
// yet: towards the outside that is silence, towards a segment a plain refusal, so that people see quickly what
// is wrong.
#include "runtime/stages/stage.h"

namespace sluice {

Exit deliver_locally(StageContext& context) {
    if (context.hop->session) return Exit::next;
    const IpView& ip = context.ip();
    const std::uint32_t adjacency =
        context.tenant->route(context.current.destination, context.destination_family);
    const auto kind = context.tenant->adjacencies[adjacency].kind();
    if (kind != image::AdjacencyKind::Local && kind != image::AdjacencyKind::SubnetRouterAnycast)
        return Exit::next;
    record(context, StageId::local, adjacency);
    context.trace.forbid_cache(NoCacheReason::LOCAL);
    const bool echo_request = ip.icmp_type == (ip.family == Family::v4 ? 8 : 128);
    if (ip.l4_kind == L4Kind::icmp_query && echo_request) {
        context.trace.fate = Fate::echo;
        return Exit::done;
    }
    const bool answered = ip.l4_kind == L4Kind::tcp || ip.l4_kind == L4Kind::udp;
    if (context.from_outside() || !answered) return drop(context, DropReason::FW_DENY);
    context.trace.fate = Fate::unreachable;
    return Exit::done;
}

}  // namespace sluice
