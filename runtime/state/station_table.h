// SPDX-License-Identifier: Apache-2.0
//
// Where the stations of switched segments are, of one shard: what their frames told (it ages), and what
// somebody said over the control socket (it stays). A way is a tunnel's number or a port's (station.h). What
// the policy says stands in the image, not here.
//
// Owner shard only. Allocates in the constructor only.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/image/slots.h"
#include "runtime/packet/frame.h"
#include "runtime/state/index_table.h"
#include "runtime/state/keyed_hash.h"
#include "runtime/state/station.h"
#include "runtime/state/tuple.h"

namespace sluice {

/// A station that has been silent for so long is not known any more, as bridges have it (IEEE 802.1Q 8.8.3).
constexpr Time station_age = 300'000'000'000;

class StationTable {
  public:
    StationTable(std::uint32_t capacity, const HashKey& key);

    struct Entry {
        InterfaceRef interface;  // the segment
        Mac mac;
        bool live = false;
        bool set = false;  // by somebody, not by its frames
        std::uint32_t way = no_tunnel;
        Time seen = 0;
    };

    /// The way that somebody set; no_tunnel: nobody did.
    std::uint32_t set_way(InterfaceRef interface, Mac mac) const noexcept;
    /// That, or the way by which its last frame came; no_tunnel where nothing is known.
    std::uint32_t find(InterfaceRef interface, Mac mac, Time now) const noexcept;
    /// A frame of that station came by `way`. No-op where somebody said otherwise. A full table takes the place
    /// of one that has aged, if there is one among the next few; else the station stays unknown.
    void learn(InterfaceRef interface, Mac mac, std::uint32_t way, Time now) noexcept;
    /// It is there until something else is said. False: no room.
    bool set(InterfaceRef interface, Mac mac, std::uint32_t way, Time now) noexcept;
    /// Forgets what was set or learned. False: nothing was set.
    bool unset(InterfaceRef interface, Mac mac) noexcept;

    template <typename Which>
    void forget_if(Which&& which) {
        for (std::uint32_t number = 0; number < entries_.size(); ++number) {
            if (entries_[number].live && which(entries_[number])) forget(number);
        }
    }
    /// What is at a place; null where that is empty or aged.
    const Entry* at(std::uint32_t place, Time now) const noexcept {
        const Entry& entry = entries_[place];
        return entry.live && (entry.set || !aged(entry, now)) ? &entry : nullptr;
    }

    /// What one station costs, index aside.
    static constexpr std::size_t station_bytes() { return sizeof(Entry) + sizeof(std::uint32_t); }

  private:
    static bool aged(const Entry& entry, Time now) noexcept { return now - entry.seen > station_age; }
    std::uint64_t hash_of(InterfaceRef interface, Mac mac) const noexcept;
    std::uint32_t number_of(InterfaceRef interface, Mac mac) const noexcept;
    std::uint32_t room(Time now) noexcept;
    void forget(std::uint32_t number) noexcept;

    HashKey key_;
    std::vector<Entry> entries_;
    std::vector<std::uint32_t> free_;
    std::uint32_t next_to_age_ = 0;
    IndexTable index_;
};

}  // namespace sluice
