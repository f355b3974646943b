// SPDX-License-Identifier: Apache-2.0
#include "runtime/cache/flow_table.h"

#include <algorithm>
#include <bit>

namespace sluice {

FlowTable::FlowTable(std::uint32_t capacity, const HashKey& key)
    : key_(key),
      set_mask_(std::bit_ceil(std::max(capacity, ways)) / ways - 1),
      tags_(set_mask_ + 1),
      flows_((set_mask_ + 1) * ways) {}

std::uint64_t FlowTable::hash(const FlowKey& key) const noexcept {
    return mix(hash_of(key.tuple, key_) ^ key.interface, key_.words[1] | 1);
}

void FlowTable::prefetch_entry(std::uint64_t hash) const noexcept {
    const std::uint64_t set = set_of(hash);
    for (std::uint32_t way = 0; way < ways; ++way) {
        if (tags_[set][way] != tag_of(hash)) continue;
        const char* entry = reinterpret_cast<const char*>(&flows_[set * ways + way]);
        for (std::size_t line = 0; line < sizeof(Flow); line += 64) __builtin_prefetch(entry + line);
        return;
    }
}

std::uint32_t FlowTable::find(const FlowKey& key, std::uint64_t hash) const noexcept {
    const std::uint64_t set = set_of(hash);
    for (std::uint32_t way = 0; way < ways; ++way) {
        if (tags_[set][way] != tag_of(hash)) continue;
        const auto index = static_cast<std::uint32_t>(set * ways + way);
        if (flows_[index].key == key) return index;
    }
    return no_flow;
}

std::uint32_t FlowTable::place_for(std::uint64_t hash) const noexcept {
    const std::uint64_t set = set_of(hash);
    std::uint32_t oldest = 0;
    for (std::uint32_t way = 0; way < ways; ++way) {
        if (tags_[set][way] == 0) return static_cast<std::uint32_t>(set * ways + way);
        if (flows_[set * ways + way].last_seen < flows_[set * ways + oldest].last_seen) oldest = way;
    }
    return static_cast<std::uint32_t>(set * ways + oldest);
}

Flow& FlowTable::occupy(std::uint32_t index, const FlowKey& key, std::uint64_t hash) noexcept {
    tags_[index / ways][index % ways] = tag_of(hash);
    flows_[index] = Flow{};
    flows_[index].key = key;
    flows_[index].live = true;
    return flows_[index];
}

void FlowTable::clear(std::uint32_t index) noexcept {
    tags_[index / ways][index % ways] = 0;
    flows_[index].live = false;
}

}  // namespace sluice
