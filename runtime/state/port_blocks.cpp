// SPDX-License-Identifier: Apache-2.0
#include "runtime/state/port_blocks.h"

#include <algorithm>
#include <span>

namespace sluice {
namespace {

std::span<std::uint32_t> granules_of(PortBlocks::Owners owners, std::uint32_t start, std::uint32_t size) {
    return {owners + start / PortBlocks::granule, size / PortBlocks::granule};
}

}  // namespace

PortBlocks::PortBlocks(std::uint32_t blocks, const HashKey& key)
    : key_(key), blocks_(blocks, Touch::when_used), index_(blocks) {}

std::uint32_t PortBlocks::first_of(const BlockHolder& holder) const noexcept {
    return index_.find(hash(holder), [&](std::uint32_t number) { return blocks_[number].holder == holder; });
}

bool PortBlocks::is_free(Owners owners, std::uint32_t start, std::uint32_t size) noexcept {
    return std::ranges::all_of(granules_of(owners, start, size),
                               [](std::uint32_t owner) { return owner == 0; });
}

bool PortBlocks::hold(Owners owners, const PortBlock& block) noexcept {
    const std::uint32_t owner = owners[block.start / granule];
    if (owner == 0) return take(owners, block);
    PortBlock& held = blocks_[owner - 1];
    if (held.holder != block.holder || held.start != block.start || held.size != block.size) return false;
    ++held.mappings;
    return true;
}

bool PortBlocks::take(Owners owners, const PortBlock& block) noexcept {
    if (!is_free(owners, block.start, block.size)) return false;
    if (given_back_ == 0 && next_ == blocks_.size()) return false;
    const std::uint32_t number = given_back_ != 0 ? given_back_ - 1 : next_;
    const std::uint32_t after = blocks_[number].next;
    const std::uint32_t first = first_of(block.holder);
    blocks_[number] = block;
    blocks_[number].mappings = 1;
    blocks_[number].next = 0;
    if (first == none) {
        if (!put(number)) {
            blocks_[number].next = after;
            return false;
        }
    } else {  // behind the first, which the index has
        blocks_[number].next = blocks_[first].next;
        blocks_[first].next = number + 1;
    }
    if (given_back_ != 0) {
        given_back_ = after;
    } else {
        ++next_;
    }
    std::ranges::fill(granules_of(owners, block.start, block.size), number + 1);
    ++live_;
    return true;
}

std::optional<PortBlock> PortBlocks::release(Owners owners, std::uint16_t port) noexcept {
    const std::uint32_t owner = owners[port / granule];
    if (owner == 0) return std::nullopt;
    const std::uint32_t number = owner - 1;
    if (--blocks_[number].mappings != 0) return std::nullopt;
    const PortBlock block = blocks_[number];
    std::ranges::fill(granules_of(owners, block.start, block.size), 0U);
    give_back(number);
    return block;
}

bool PortBlocks::put(std::uint32_t number) noexcept {
    return index_.insert(hash(blocks_[number].holder), number,
                         [this](std::uint32_t other) { return hash(blocks_[other].holder); });
}

void PortBlocks::give_back(std::uint32_t number) noexcept {
    const PortBlock& block = blocks_[number];
    const std::uint32_t first = first_of(block.holder);
    if (first == number) {
        // The place in the index that becomes free has room for the next one.
        index_.erase(hash(block.holder), number);
        if (block.next != 0) put(block.next - 1);
    } else {
        std::uint32_t before = first;
        while (blocks_[before].next != number + 1) before = blocks_[before].next - 1;
        blocks_[before].next = block.next;
    }
    blocks_[number].next = given_back_;
    given_back_ = number + 1;
    --live_;
}

}  // namespace sluice
