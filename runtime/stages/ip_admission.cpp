// SPDX-License-Identifier: Apache-2.0
//
// What must not be routed at all, whatever the tables say: source-routed packets (C7), packets from the
// unspecified address (which C1 lets pass for DHCP and ICMPv6), group destinations behind a unicast MAC, and
// IPv6 link-local destinations, which never leave their link (RFC 4291 2.5.6).
#include "runtime/stages/stage.h"

namespace sluice {
Exit admit_ip(StageContext& context) {
    record(context, StageId::ip_admission);
    const IpView& ip = context.ip();
    Trace& trace = context.trace;
    if (ip.source == Ip{}) return drop(context, DropReason::MARTIAN_SRC);  // who has none yet asks its own link
    // Nobody else has an address of ours: a packet that says so is forged, or our own come back.
    if (trace.hop_count == 1) {
        context.way_back = context.tenant->route(ip.source, ip.family);
        const auto kind = context.tenant->adjacencies[context.way_back].kind();
        if (kind == image::AdjacencyKind::Local) return drop(context, DropReason::MARTIAN_SRC);
    }
    if (ip.source_route) return drop(context, DropReason::IP_OPT_SRR);
    if (is_group(ip.destination, ip.family)) return drop(context, DropReason::MARTIAN_DST);
    if (ip.family == Family::v6 && is_link_local_v6(ip.destination)) return drop(context, DropReason::NO_ROUTE);
    if (ip.has_options) trace.forbid_cache(NoCacheReason::OPTIONS);
    if (ip.fragment) trace.forbid_cache(NoCacheReason::FRAGMENT);
    if (ip.l4_kind == L4Kind::icmp_error) trace.forbid_cache(NoCacheReason::ICMP_ERROR);
    if (ip.l4_kind == L4Kind::tcp && (ip.tcp_flags & (tcp_syn | tcp_fin | tcp_rst)) != 0) {
        trace.forbid_cache(NoCacheReason::TCP_FLAGS);
    }
    return Exit::next;
}

}  // namespace sluice
