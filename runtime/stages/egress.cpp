// SPDX-License-Identifier: Apache-2.0
//
// Step 11: the way out. The MTU is judged before anything is committed (C4). IPv4 that may be fragmented passes
// and is cut when it is written; what may not is answered with the MTU it must keep to.
#include <algorithm>

#include "runtime/stages/stage.h"

namespace sluice {

Exit choose_egress(StageContext& context) {
    Hop& hop = *context.hop;
    Trace& trace = context.trace;
    const image::Interface& out = context.tenant->interfaces[hop.out_interface];
    trace.mtu = std::min(trace.mtu, out.mtu());
    if (context.longest_packet > out.mtu()) {
        trace.forbid_cache(NoCacheReason::MTU);
        if (context.ip().dont_fragment) return drop(context, DropReason::MTU_DF, IcmpError::packet_too_big);
    }
    record(context, StageId::egress, hop.out_interface);
    if (out.kind() == image::InterfaceKind::Peer) return Exit::peer;
    trace.fate = Fate::forward;
    trace.leaving = context.current;
    return Exit::done;
}

}  // namespace sluice
