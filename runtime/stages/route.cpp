// SPDX-License-Identifier: Apache-2.0
//
// Step 8: the longest prefix that covers the (translated) destination, and of several equal ways one. A way
// over a port without a link is none.
#include "runtime/stages/external_address.h"
#include "runtime/stages/next_hop.h"
#include "runtime/stages/stage.h"

namespace sluice {
namespace {

/// One member for all packets of a direction of a session: the hash reads the source as it came to this router
/// and the destination as it leaves, which every packet of that direction has in common. Fragments that pass
/// one by one have only addresses in common.
std::uint32_t choose_member(const StageContext& context, const image::Adjacency& group) {
    const IpView& ip = context.ip();
    Endpoints ends{.source = context.at_entry.source,
                   .destination = context.current.destination,
                   .family = context.destination_family};
    if (context.whole) {
        ends.source_port = context.at_entry.source_port;
        ends.destination_port = context.current.destination_port;
    }
    const std::uint64_t hash =
        hash_of(ends.tuple(context.tenant->index, protocol_in(ends.family, ip.protocol)), context.tables.key);
    return member_for(context.image, context.tables.links, *context.tenant, group, hash);
}

}  // namespace

Exit find_route(StageContext& context) {
    const TenantView& tenant = *context.tenant;
    Hop& hop = *context.hop;
    // RFC 4291 2.5.6: a link-local source does not leave its link either; only now is it known that it would.
    if (context.ip().family == Family::v6 && is_link_local_v6(context.ip().source)) {
        return drop(context, DropReason::MARTIAN_SRC);
    }
    std::uint32_t row = tenant.route(context.current.destination, context.destination_family);
    if (tenant.adjacencies[row].kind() == image::AdjacencyKind::Ecmp) {
        row = choose_member(context, tenant.adjacencies[row]);
    }
    record(context, StageId::route, row);
    const image::Adjacency& adjacency = tenant.adjacencies[row];
    hop.adjacency = row;
    hop.out_interface = adjacency.interface();
    if (is_next_hop(adjacency) && !has_link(context.image, context.tables.links, tenant, adjacency)) {
        return drop(context, DropReason::NO_ROUTE, IcmpError::net_unreachable);
    }
    switch (adjacency.kind()) {
        case image::AdjacencyKind::Connected:
            hop.next_hop = context.current.destination;
            return Exit::next;
        case image::AdjacencyKind::Gateway:
            hop.next_hop = from_image(adjacency.next_hop());
            return Exit::next;
        case image::AdjacencyKind::Peer:
            return Exit::next;
        case image::AdjacencyKind::Blackhole:
            return drop(context, DropReason::BLACKHOLE);
        case image::AdjacencyKind::DirectedBroadcast:
            return drop(context, DropReason::DIRECTED_BCAST);
        case image::AdjacencyKind::Local:
        case image::AdjacencyKind::SubnetRouterAnycast:
            return drop(context, DropReason::FW_INVALID_STATE);  // a session's other end is an address of ours
        case image::AdjacencyKind::NoRoute:
        case image::AdjacencyKind::Ecmp:
            break;
    }
    return drop(context, DropReason::NO_ROUTE, IcmpError::net_unreachable);
}

}  // namespace sluice
