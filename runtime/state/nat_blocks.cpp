// SPDX-License-Identifier: Apache-2.0
//
// How the NAT table gives ports in blocks: which block a mapping's port is looked for in, and what is told of
// those that hosts take and give back.
#include <algorithm>

#include "runtime/state/nat_change.h"

namespace sluice {
namespace {

/// Whose blocks an inside endpoint's ports come from.
BlockHolder holder_of(const InsideEndpoint& inside) noexcept {
    return {.ip = inside.ip, .snat_rule = inside.snat_rule, .tenant = inside.tenant, .family = inside.family};
}

}  // namespace

void NatTable::prepare_blocks(Change& change) const {
    Layout& layout = change.layout;
    std::vector<std::uint32_t> without_owners;
    for (const PortPool& pool : layout.pools) {
        if (pool.block_size == 0) continue;
        for (std::uint32_t i = 0; i < pool.count; ++i) {
            const std::uint32_t slot = layout.pool_addresses[pool.first + i].external;
            if (layout.externals[slot].owners == nullptr) without_owners.push_back(slot);
        }
    }
    std::ranges::sort(without_owners);
    without_owners.erase(std::unique(without_owners.begin(), without_owners.end()), without_owners.end());
    if (without_owners.empty()) return;
    BigArray<std::uint32_t> owners(without_owners.size() * PortBlocks::granules, Touch::when_used);
    for (std::size_t i = 0; i < without_owners.size(); ++i) {
        layout.externals[without_owners[i]].owners = &owners[i * PortBlocks::granules];
    }
    change.owner_chunks.push_back(std::move(owners));
    change.owner_chunks.reserve(owner_chunks_.size() + 1);
    if (blocks_ != nullptr) return;
    // Each has a mapping at least.
    change.blocks = std::make_unique<PortBlocks>(first_ipv6_ + ipv6_.size(), key_);
    change.events.reserve(most_block_events);
}

void NatTable::search_block(const InsideEndpoint& inside, const PortPool& pool, std::uint64_t hash,
                            Search& search) const noexcept {
    const Search bounds = search;
    const auto narrow_to = [&](std::uint32_t start, std::uint32_t size) {
        search.low = start;
        search.high = start + size - 1;
        search.start = start + static_cast<std::uint32_t>(hash % size);
        search.block_size = static_cast<std::uint16_t>(size);
    };
    std::uint32_t held = 0;
    for (std::uint32_t at = blocks_->first_of(holder_of(inside)); at != PortBlocks::none;
         at = blocks_->next_of(at)) {
        const PortBlock& block = (*blocks_)[at];
        if (block.external != search.external) continue;  // from before the pool changed
        ++held;
        if (block.start < bounds.low || block.start + block.size - 1U > bounds.high) continue;
        narrow_to(block.start, block.size);
        if (free_port(inside, search) != 0) return;
    }
    // By the host: packets of one burst that are all its first must not take a block each.
    const auto start =
        held < pool.most_blocks ? free_block(bounds, pool.block_size, host_hash(inside)) : std::nullopt;
    if (start) return narrow_to(*start, pool.block_size);
    search.low = 1;
    search.high = 0;
}

std::optional<std::uint32_t> NatTable::free_block(const Search& search, std::uint32_t size,
                                                  std::uint64_t host) const noexcept {
    const PortSpace* spaces = layout_.externals[search.external].spaces;
    const std::uint32_t first = (search.low + size - 1) / size;
    const std::uint32_t end = (search.high + 1) / size;
    if (first >= end) return std::nullopt;
    const auto is_free = [&](std::uint32_t block) {
        if (shard_count_ > 1 && block % shard_count_ != shard_) return false;
        if (!PortBlocks::is_free(search.owners, block * size, size)) return false;
        // A port that DNAT publishes, or that was mapped before there were blocks, is not one host's.
        for (std::uint32_t kind = 0; kind < port_spaces; ++kind) {
            if (spaces[kind].any_used(block * size, block * size + size - 1)) return false;
        }
        return true;
    };
    // Random, so that who has which block tells nothing (RFC 6056 4).
    const std::uint32_t begin = first + static_cast<std::uint32_t>((host >> 32) % (end - first));
    for (std::uint32_t block = begin; block < end; ++block) {
        if (is_free(block)) return block * size;
    }
    for (std::uint32_t block = first; block < begin; ++block) {
        if (is_free(block)) return block * size;
    }
    return std::nullopt;
}

void NatTable::tell(const PortBlock& block, bool taken) noexcept {
    if (block_events_.size() == block_events_.capacity()) {
        ++block_events_lost_;
        return;
    }
    block_events_.push_back({.host = block.holder.ip,
                             .external = layout_.externals[block.external].ip,
                             .tenant = block.holder.tenant,
                             .first_port = block.start,
                             .last_port = static_cast<std::uint16_t>(block.start + block.size - 1),
                             .family = block.holder.family,
                             .external_family = layout_.externals[block.external].family,
                             .taken = taken});
}

bool NatTable::hold_block(const InsideEndpoint& inside, const Choice& choice) noexcept {
    const PortBlock block{.holder = holder_of(inside),
                          .external = choice.external,
                          .start = choice.block_start,
                          .size = choice.block_size};
    if (layout_.externals[choice.external].owners == nullptr) return false;
    const std::uint32_t before = blocks_->size();
    if (!blocks_->hold(layout_.externals[choice.external].owners, block)) return false;
    if (blocks_->size() == before) return true;
    layout_.uses[choice.external].in_blocks += block.size;
    tell(block, true);
    return true;
}

void NatTable::release_block(std::uint32_t external, std::uint16_t port) noexcept {
    const auto block = blocks_->release(layout_.externals[external].owners, port);
    if (!block) return;
    layout_.uses[external].in_blocks -= block->size;
    tell(*block, false);
}

}  // namespace sluice
