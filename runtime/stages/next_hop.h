// SPDX-License-Identifier: Apache-2.0
//
// What an adjacency is to a packet. Any thread.
#pragma once

#include "schemas/image_generated.h"

namespace sluice {

/// A neighbour on an interface of the router: the destination itself, or a gateway.
inline bool is_next_hop(const image::Adjacency& adjacency) noexcept {
    return adjacency.kind() == image::AdjacencyKind::Connected ||
           adjacency.kind() == image::AdjacencyKind::Gateway;
}

}  // namespace sluice
