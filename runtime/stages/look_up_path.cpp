// SPDX-License-Identifier: Apache-2.0
#include "runtime/stages/look_up_path.h"

#include <algorithm>

namespace sluice {
namespace {

enum class Step : std::uint8_t { next, peer, finished, unusual };

bool is_admitted(StageContext& context) {
    const IpView& ip = context.ip();
    if (ip.l4_kind == L4Kind::tcp && (ip.tcp_flags & (tcp_syn | tcp_fin | tcp_rst)) != 0) {
        context.trace.forbid_cache(NoCacheReason::TCP_FLAGS);
    }
    if (ip.source == Ip{} || is_group(ip.destination, ip.family)) return false;
    if (ip.family == Family::v6 && (is_link_local_v6(ip.source) || is_link_local_v6(ip.destination)))
        return false;
    context.way_back = context.tenant->route(ip.source, ip.family);
    return context.tenant->adjacencies[context.way_back].kind() != image::AdjacencyKind::Local;
}

Step judge_by_firewall(StageContext& context) {
    if (apply_firewall(context) == Exit::next) return Step::next;
    const TenantView& tenant = *context.tenant;
    const std::uint32_t rule = context.hop->rule;
    const bool logs = rule != default_rule && tenant.rules[tenant.rule_position(rule)].log() != 0;
    return context.trace.fate == Fate::drop && !logs ? Step::finished : Step::unusual;
}

Step look_up_router(StageContext& context) {
    Trace& trace = context.trace;
    Hop& hop = *context.hop;
    if (find_session(context) != Exit::next) return Step::unusual;
    if (translate_destination(context) != Exit::next) return Step::unusual;
    if (context.across || context.nat64 != 0) {
        trace.forbid_cache(NoCacheReason::NAT64);
        return Step::unusual;
    }
    if (find_route(context) != Exit::next) return Step::unusual;
    if (check_ttl(context) != Exit::next) return Step::unusual;
    if (context.decides()) {
        if (const Step step = judge_by_firewall(context); step != Step::next) return step;
        if (translate_source(context) != Exit::next) return Step::unusual;
    }
    const image::Interface& out = context.tenant->interfaces[hop.out_interface];
    trace.mtu = std::min(trace.mtu, out.mtu());
    if (context.longest_packet > out.mtu()) return Step::unusual;
    if (out.kind() == image::InterfaceKind::Peer) return Step::peer;
    trace.fate = Fate::forward;
    trace.leaving = context.current;
    return Step::finished;
}

}  // namespace

bool look_up_path(const Image& image, const StageTables& tables, RuleMemo* memo, const PacketView& packet,
                  InterfaceRef ingress, bool session_absent, Trace& trace) {
    trace.restart(ingress);
    StageContext context{.image = image,
                         .tables = tables,
                         .packet = packet,
                         .longest_packet = packet.ip.total_length,
                         .whole = true,
                         .trace = trace,
                         .memo = memo,
                         .session_absent = session_absent,
                         .at_entry = {},
                         .current = Endpoints::of(packet.ip)};
    enter_router(context, ingress.tenant,
                 image.tenants()[ingress.tenant].interface_position(ingress.interface));
    if (!is_admitted(context) || check_source(context) != Exit::next) return false;
    for (;;) {
        const Step step = look_up_router(context);
        if (step != Step::peer) return step == Step::finished;
        context.session_absent = false;
        const PeerEnd& peer = context.tenant->peers[context.hop->out_interface];
        if (!enter_router(context, peer.tenant, peer.interface)) return false;
    }
}

}  // namespace sluice
