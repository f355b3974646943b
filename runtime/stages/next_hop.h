// SPDX-License-Identifier: Apache-2.0
//
// What an adjacency is to a packet, and whether it leads anywhere just now. Owner shard only.
#pragma once

#include <cstdint>

#include "runtime/image/image.h"
#include "runtime/state/link_states.h"
#include "schemas/layout/image_types.h"

namespace sluice {

/// A neighbour on an interface of the router: the destination itself, or a gateway.
inline bool is_next_hop(const image::Adjacency& adjacency) noexcept {
    return adjacency.kind() == image::AdjacencyKind::Connected ||
           adjacency.kind() == image::AdjacencyKind::Gateway;
}

/// Of one: whether its port has a link.
inline bool has_link(const Image& image, const LinkStates& links, const TenantView& tenant,
                     const image::Adjacency& next_hop) noexcept {
    if (links.all_up()) return true;
    return links.up(image.port_slot(tenant.interfaces[next_hop.interface()].port()));
}

/// Of a group, the member for that hash: a row of adjacencies. Where that one has no link another one that has,
/// so that a lost link moves its own flows alone (and none where all are lost).
inline std::uint32_t member_for(const Image& image, const LinkStates& links, const TenantView& tenant,
                                const image::Adjacency& group, std::uint64_t hash) noexcept {
    const auto members = tenant.ecmp_members.subspan(group.first_member(), group.member_count());
    const auto live = [&](std::uint32_t row) {
        return has_link(image, links, tenant, tenant.adjacencies[row]);
    };
    const std::uint32_t chosen = members[(hash >> 32) * members.size() >> 32];
    if (live(chosen)) return chosen;
    std::uint32_t count = 0;
    for (const std::uint32_t row : members) count += live(row) ? 1 : 0;
    std::uint32_t left = static_cast<std::uint32_t>((hash & 0xffffffff) * count >> 32);
    for (const std::uint32_t row : members) {
        if (live(row) && left-- == 0) return row;
    }
    return chosen;
}

}  // namespace sluice
