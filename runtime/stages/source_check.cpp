// SPDX-License-Identifier: Apache-2.0
//
// Step 3: unicast reverse path forwarding (RFC 3704 2.2, 2.3). Strict: the way back to the source leads out
// where the packet came in. Loose: there is a way back. What comes by the transit has been routed by the
// tenant's distributed router elsewhere, so the segment that it is from is the one that its source is routed
// to: the firewall's zone, and all that is said of an interface, is that segment from here on.
#include "runtime/stages/next_hop.h"
#include "runtime/stages/stage.h"

namespace sluice {
namespace {

/// The next hop for which `holds`: the row, or of a group the first such member; null where there is none.
template <typename Holds>
const image::Adjacency* find_next_hop(const TenantView& tenant, std::uint32_t row, Holds&& holds) {
    const image::Adjacency& adjacency = tenant.adjacencies[row];
    if (is_next_hop(adjacency)) return holds(adjacency) ? &adjacency : nullptr;
    if (adjacency.kind() != image::AdjacencyKind::Ecmp) return nullptr;
    for (const std::uint32_t member :
         tenant.ecmp_members.subspan(adjacency.first_member(), adjacency.member_count())) {
        if (holds(tenant.adjacencies[member])) return &tenant.adjacencies[member];
    }
    return nullptr;
}

bool leads_anywhere(const TenantView& tenant, std::uint32_t row) {
    const image::AdjacencyKind kind = tenant.adjacencies[row].kind();
    return kind == image::AdjacencyKind::Peer || kind == image::AdjacencyKind::Ecmp ||
           is_next_hop(tenant.adjacencies[row]);
}

}  // namespace

Exit check_source(StageContext& context) {
    Hop& hop = *context.hop;
    const TenantView& tenant = *context.tenant;
    const image::Interface& in = tenant.interfaces[hop.in_interface];
    hop.routed_already = in.kind() == image::InterfaceKind::Transit;
    if (in.source_check() == image::SourceCheck::Off && !hop.routed_already) return Exit::next;
    const IpView& ip = context.ip();
    if (ip.family == Family::v6 && is_link_local_v6(ip.source)) return Exit::next;  // of its link alone
    const std::uint32_t row = context.way_back;  // no links check sources: it is the first router
    record(context, StageId::source_check, row);
    const image::Adjacency* back = find_next_hop(tenant, row, [&](const image::Adjacency& next_hop) {
        const std::uint16_t out = next_hop.interface();
        return hop.routed_already ? tenant.interfaces[out].kind() == image::InterfaceKind::Segment
                                  : out == hop.in_interface;
    });
    if (back != nullptr) {
        hop.in_interface = back->interface();
        return Exit::next;
    }
    const bool passes = in.source_check() == image::SourceCheck::Off ||
                        (in.source_check() == image::SourceCheck::Loose && leads_anywhere(tenant, row));
    return passes ? Exit::next : drop(context, DropReason::URPF);
}

}  // namespace sluice
