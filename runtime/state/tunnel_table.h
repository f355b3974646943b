// SPDX-License-Identifier: Apache-2.0
//
// The tunnels of one shard: for each underlay the remote endpoints that segments reach stations through. A
// number stands for one until it is forgotten. Owner shard only. Allocates in the constructor only.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/packet/outer_header.h"
#include "runtime/state/index_table.h"
#include "runtime/state/keyed_hash.h"
#include "runtime/state/station.h"
#include "schemas/layout/address.h"

namespace sluice {

struct Tunnel {
    IpAndFamily remote;
    std::uint16_t underlay = 0;  // the slot of the tenant that the tunnel endpoint belongs to
    bool geneve = false;         // else VXLAN
    bool live = false;
    bool marked = false;

    /// The way there, as it was last looked up: under which generation of the image; the next hop and the life
    /// of its slot; what stands in front of packets, but for next hop and VNI.
    struct Way {
        std::uint32_t generation = 0xffffffff;
        std::uint32_t neighbour = 0, neighbour_life = 0;
        OuterHeader header;
    } way;
};

class TunnelTable {
  public:
    TunnelTable(std::uint32_t capacity, const HashKey& key);

    /// no_tunnel where unknown.
    std::uint32_t find(std::uint16_t underlay, const IpAndFamily& remote, bool geneve = false) const noexcept;
    /// Finds it or makes it; no_tunnel where the table is full.
    std::uint32_t use(std::uint16_t underlay, const IpAndFamily& remote, bool geneve = false) noexcept;
    bool full() const noexcept { return free_.empty(); }
    void set_way(std::uint32_t tunnel, const Tunnel::Way& way) noexcept { tunnels_[tunnel].way = way; }
    const Tunnel* data() const noexcept { return tunnels_.data(); }
    const Tunnel& operator[](std::uint32_t tunnel) const noexcept { return tunnels_[tunnel]; }

    /// To make room: mark what is still wanted, then forget the rest, to which nothing may refer any more.
    void mark(std::uint32_t tunnel) noexcept { tunnels_[tunnel].marked = true; }
    void forget_unmarked() noexcept;

  private:
    std::uint64_t hash_of(std::uint16_t underlay, const IpAndFamily& remote, bool geneve) const noexcept;

    HashKey key_;
    std::vector<Tunnel> tunnels_;
    std::vector<std::uint32_t> free_;
    IndexTable index_;
};

}  // namespace sluice
