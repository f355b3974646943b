// SPDX-License-Identifier: Apache-2.0
#include "runtime/cache/trace_cache.h"
#include "runtime/state/fetch_line.h"

#include <algorithm>
#include <bit>

namespace sluice {

TraceCache::TraceCache(std::uint32_t capacity, const HashKey& key)
    : key_(key),
      set_mask_(std::bit_ceil(std::max(capacity, ways)) / ways - 1),
      tags_(std::size_t{set_mask_} + 1),
      entries_((std::size_t{set_mask_} + 1) * ways),
      shares_(static_cast<std::uint32_t>(entries_.size())) {}

std::uint32_t TraceCache::place_of(Words words, std::uint64_t hash) const noexcept {
    const std::uint32_t set = set_of(hash);
    for (std::uint32_t way = 0; way < ways; ++way) {
        if (tags_[set][way] != tag_of(hash)) continue;
        const std::uint32_t place = set * ways + way;
        if (std::ranges::equal(entries_[place].key.used(), words)) return place;
    }
    return unknown;
}

std::uint32_t TraceCache::prefetch_place(std::uint64_t hash) const noexcept {
    const std::uint32_t set = set_of(hash);
    for (std::uint32_t way = 0; way < ways; ++way) {
        if (tags_[set][way] != tag_of(hash)) continue;
        fetch_line(&entries_[set * ways + way]);
        return set * ways + way;
    }
    return unknown;
}

std::uint32_t TraceCache::find(const TraceKey& key, std::uint32_t epoch, std::uint32_t tick) noexcept {
    const std::uint32_t place = place_of(key.used(), hash(key.used()), epoch);
    if (place == unknown) return unknown;
    entries_[place].last_used = tick;
    return entries_[place].program;
}

std::uint32_t TraceCache::place_for(std::uint16_t tenant, std::uint64_t hash) const noexcept {
    const std::uint32_t set = set_of(hash);
    std::uint32_t best = unknown;
    for (std::uint32_t way = 0; way < ways; ++way) {
        const std::uint32_t place = set * ways + way;
        if (tags_[set][way] == 0) return place;
        const Entry& entry = entries_[place];
        if (!shares_.may_take(tenant, entry.tenant)) continue;
        // Ticks are compared modulo 2^32.
        const bool older =
            best == unknown || static_cast<std::int32_t>(entry.last_used - entries_[best].last_used) < 0;
        if (older) best = place;
    }
    return best;
}

std::uint32_t TraceCache::insert(const TraceKey& key, std::uint16_t tenant, std::uint32_t epoch,
                                 std::uint32_t program, std::uint32_t tick, std::uint8_t ttl_cost) noexcept {
    const std::uint64_t hash = this->hash(key.used());
    std::uint32_t place = place_of(key.used(), hash);
    if (place == unknown) place = place_for(tenant, hash);
    if (place == unknown) return program == denied ? unknown : program;
    std::uint32_t& tag = tags_[place / ways][place % ways];
    Entry& entry = entries_[place];
    const std::uint32_t former = tag == 0 || entry.program == denied ? unknown : entry.program;
    if (tag != 0) shares_.remove(entry.tenant);
    shares_.add(tenant);
    tag = tag_of(hash);
    entry = {program, epoch, tick, tenant, ttl_cost, {}, key};
    ++changes_;
    return former;
}

}  // namespace sluice
