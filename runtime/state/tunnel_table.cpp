// SPDX-License-Identifier: Apache-2.0
#include "runtime/state/tunnel_table.h"

namespace sluice {

static_assert(IndexTable::none == no_tunnel);

TunnelTable::TunnelTable(std::uint32_t capacity, const HashKey& key)
    : key_(key), tunnels_(capacity), index_(capacity) {
    free_.reserve(capacity);
    for (std::uint32_t number = capacity; number-- > 0;) free_.push_back(number);
}

std::uint64_t TunnelTable::hash_of(std::uint16_t underlay, const IpAndFamily& remote,
                                   bool geneve) const noexcept {
    const std::uint64_t kind = static_cast<std::uint64_t>(remote.family) << 1 | (geneve ? 1 : 0);
    return KeyedHash(key_).add(remote.ip.hi, remote.ip.lo).add(underlay, kind).value();
}

std::uint32_t TunnelTable::find(std::uint16_t underlay, const IpAndFamily& remote, bool geneve) const noexcept {
    return index_.find(hash_of(underlay, remote, geneve), [&](std::uint32_t number) {
        return tunnels_[number].remote == remote && tunnels_[number].underlay == underlay &&
               tunnels_[number].geneve == geneve;
    });
}

std::uint32_t TunnelTable::use(std::uint16_t underlay, const IpAndFamily& remote, bool geneve) noexcept {
    const std::uint32_t known = find(underlay, remote, geneve);
    if (known != no_tunnel || free_.empty()) return known;
    const std::uint32_t number = free_.back();
    free_.pop_back();
    tunnels_[number] = {remote, underlay, geneve, true, false, {}};
    index_.insert(hash_of(underlay, remote, geneve), number);
    return number;
}

void TunnelTable::forget_unmarked() noexcept {
    for (std::uint32_t number = 0; number < tunnels_.size(); ++number) {
        Tunnel& tunnel = tunnels_[number];
        if (tunnel.live && !tunnel.marked) {
            index_.erase(hash_of(tunnel.underlay, tunnel.remote, tunnel.geneve), number);
            tunnel.live = false;
            free_.push_back(number);
        }
        tunnel.marked = false;
    }
}

}  // namespace sluice
