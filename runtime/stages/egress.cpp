// SPDX-License-Identifier: Apache-2.0
//
// Step 11: the way out. The MTU is judged before anything is committed (C4). IPv4 that may be fragmented passes
// and is cut when it is written; what may not is answered with the MTU it must keep to.
#include <algorithm>

#include "runtime/stages/stage.h"

namespace sluice {

namespace {

/// The MTU for who sent the packet in the other family.
void tell_in_terms_of_sender(StageContext& context) {
    if (!context.across) return;
    const IpView& sent = context.packet.ip;
    const std::uint32_t mtu = context.trace.mtu + sent.total_length - context.across->total_length;
    const std::uint32_t least = sent.family == Family::v6 ? 1280 : 68;  // RFC 8200 5, RFC 791 3.2
    context.trace.mtu = static_cast<std::uint16_t>(std::clamp<std::uint32_t>(mtu, least, 0xffff));
}

}  // namespace

Exit choose_egress(StageContext& context) {
    Hop& hop = *context.hop;
    Trace& trace = context.trace;
    const image::Interface& out = context.tenant->interfaces[hop.out_interface];
    trace.mtu = std::min(trace.mtu, out.mtu());
    if (context.longest_packet > out.mtu()) {
        trace.forbid_cache(NoCacheReason::MTU);
        if (context.ip().dont_fragment) {
            tell_in_terms_of_sender(context);
            return drop(context, DropReason::MTU_DF, IcmpError::packet_too_big);
        }
    }
    record(context, StageId::egress, hop.out_interface);
    if (out.kind() == image::InterfaceKind::Peer) return Exit::peer;
    trace.fate = Fate::forward;
    trace.leaving = context.current;
    return Exit::done;
}

}  // namespace sluice
