// SPDX-License-Identifier: Apache-2.0
#include "runtime/state/station_table.h"

#include <cstring>

namespace sluice {

StationTable::StationTable(std::uint32_t capacity, const HashKey& key)
    : key_(key), entries_(capacity), index_(capacity) {
    free_.reserve(capacity);
    for (std::uint32_t number = capacity; number-- > 0;) free_.push_back(number);
}

std::uint64_t StationTable::hash_of(InterfaceRef interface, Mac mac) const noexcept {
    std::uint64_t bits = 0;
    std::memcpy(&bits, mac.bytes.data(), mac.bytes.size());
    return KeyedHash(key_).add(bits, std::uint64_t{interface.tenant} << 16 | interface.interface).value();
}

std::uint32_t StationTable::number_of(InterfaceRef interface, Mac mac) const noexcept {
    return index_.find(hash_of(interface, mac), [&](std::uint32_t number) {
        return entries_[number].mac == mac && entries_[number].interface == interface;
    });
}

std::uint32_t StationTable::set_way(InterfaceRef interface, Mac mac) const noexcept {
    const std::uint32_t number = number_of(interface, mac);
    return number == IndexTable::none || !entries_[number].set ? no_tunnel : entries_[number].way;
}

std::uint32_t StationTable::find(InterfaceRef interface, Mac mac, Time now) const noexcept {
    const std::uint32_t number = number_of(interface, mac);
    if (number == IndexTable::none) return no_tunnel;
    const Entry& entry = entries_[number];
    return entry.set || !aged(entry, now) ? entry.way : no_tunnel;
}

std::uint32_t StationTable::room(Time now) noexcept {
    constexpr std::uint32_t looked_at = 8;
    for (std::uint32_t i = 0; i < looked_at && free_.empty(); ++i) {
        const std::uint32_t number = next_to_age_;
        next_to_age_ = (number + 1) % static_cast<std::uint32_t>(entries_.size());
        if (!entries_[number].set && aged(entries_[number], now)) forget(number);
    }
    if (free_.empty()) return IndexTable::none;
    const std::uint32_t number = free_.back();
    free_.pop_back();
    return number;
}

void StationTable::learn(InterfaceRef interface, Mac mac, std::uint32_t way, Time now) noexcept {
    std::uint32_t number = number_of(interface, mac);
    if (number == IndexTable::none) {
        number = room(now);
        if (number == IndexTable::none) return;
        entries_[number] = {interface, mac, true, false, way, now};
        index_.insert(hash_of(interface, mac), number);
        return;
    }
    Entry& entry = entries_[number];
    entry.seen = now;
    if (!entry.set) entry.way = way;
}

bool StationTable::set(InterfaceRef interface, Mac mac, std::uint32_t way, Time now) noexcept {
    learn(interface, mac, way, now);
    const std::uint32_t number = number_of(interface, mac);
    if (number == IndexTable::none) return false;
    entries_[number].set = true;
    entries_[number].way = way;
    return true;
}

bool StationTable::unset(InterfaceRef interface, Mac mac) noexcept {
    const std::uint32_t number = number_of(interface, mac);
    if (number == IndexTable::none) return false;
    const bool was_set = entries_[number].set;
    forget(number);
    return was_set;
}

void StationTable::forget(std::uint32_t number) noexcept {
    Entry& entry = entries_[number];
    index_.erase(hash_of(entry.interface, entry.mac), number);
    entry.live = false;
    free_.push_back(number);
}

}  // namespace sluice
