// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "runtime/stages/stage.h"

namespace sluice {
namespace {

/// Adding a stage is adding a file and a line here. The order is that of seed-systems 1.4; a packet of a known
/// session passes destination NAT, firewall and source NAT untouched, because the session's first packet
/// decided them.
constexpr Exit (*stages[])(StageContext&) = {
    admit_ip,   check_source, await_fragments, find_session,     translate_destination, deliver_locally,
    find_route, check_ttl,    apply_firewall,  translate_source, choose_egress,
};

Exit run_router(StageContext& context) {
    for (const auto stage : stages) {
        if (const Exit exit = stage(context); exit != Exit::next) return exit;
    }
    return Exit::done;
}

}  // namespace

bool enter_router(StageContext& context, std::uint16_t tenant, std::uint16_t interface) {
    Trace& trace = context.trace;
    if (trace.hop_count == most_routers) return false;
    context.tenant = &context.image.tenants()[tenant];
    context.hop = &trace.hops[trace.hop_count++];
    *context.hop = Hop{};
    context.hop->tenant = tenant;
    context.hop->in_interface = interface;
    context.hop->entering = context.current;
    context.hop->stateful = context.tenant->has_service_router;
    const bool service =
        context.hop->stateful || context.tenant->interfaces[interface].part() == image::RouterPart::Service;
    trace.element = service ? Element::service_router : Element::distributed_router;
    trace.speaks_on = interface;
    context.at_entry = context.current;
    context.nat64 = context.source_nat64 = 0;
    context.destination_family = context.current.family;
    return true;
}

std::string_view name_of(StageId stage) {
    constexpr std::string_view names[] = {"ip_admission",    "source_check", "fragments", "session",
                                          "destination_nat", "local",        "route",     "ttl",
                                          "firewall",        "source_nat",   "egress"};
    return names[static_cast<std::size_t>(stage)];
}

void record(StageContext& context, StageId stage, std::uint32_t row) {
    Trace& trace = context.trace;
    if (trace.record_count < trace.records.size()) {
        trace.records[trace.record_count++] = {stage, context.hop->tenant, row};
    }
}

Exit drop(StageContext& context, DropReason reason, std::optional<IcmpError> error) {
    Trace& trace = context.trace;
    trace.fate = Fate::drop;
    trace.reason = reason;
    trace.error = error;
    trace.forbid_cache(NoCacheReason::DROP);
    return Exit::done;
}

bool comes_from_inside(const Image& image, const Trace& trace) {
    const Hop& first = trace.hops.front();
    return is_inside(image.tenants()[first.tenant].interfaces[first.in_interface].kind());
}

Exit refuse_session(StageContext& context, DropReason reason) {
    if (!comes_from_inside(context.image, context.trace)) return drop(context, reason);
    return drop(context, reason, IcmpError::admin_prohibited);
}

void run_pipeline(const Image& image, const StageTables& tables, std::span<const PacketView> packets,
                  bool whole, InterfaceRef ingress, Trace& trace) {
    const PacketView& packet = packets.front();
    trace.restart(ingress);
    std::uint32_t longest = 0;
    for (const PacketView& one : packets) longest = std::max(longest, one.ip.total_length);
    StageContext context{.image = image,
                         .tables = tables,
                         .packet = packet,
                         .longest_packet = longest,
                         .whole = whole,
                         .trace = trace,
                         .at_entry = {},
                         .current = Endpoints::of(packet.ip)};
    enter_router(context, ingress.tenant,
                 image.tenants()[ingress.tenant].interface_position(ingress.interface));
    while (run_router(context) == Exit::peer) {
        const PeerEnd& peer = context.tenant->peers[context.hop->out_interface];
        if (!enter_router(context, peer.tenant, peer.interface)) {
            drop(context, DropReason::PIPELINE_LOOP);
            return;
        }
    }
}

}  // namespace sluice
