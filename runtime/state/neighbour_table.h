// SPDX-License-Identifier: Apache-2.0
//
// Neighbours (ARP and ND) of one shard, by the states of RFC 4861 7.3.2 and the numbers of C6. The table knows
// no packet formats: what is to be said is asked of NeighbourActions, what waits for an answer is held here
// with the plan that was made for it.
//
//   none --use--> INCOMPLETE (3 requests 1 s apart) --reply--> REACHABLE --30 s--> STALE --use--> DELAY --5
//   s--> PROBE (3 unicast requests 1 s apart) --reply--> REACHABLE.   INCOMPLETE or PROBE without a reply -->
//   FAILED (5 s hold-down), then forgotten. Static neighbours are PERMANENT.
//
// Owner shard only. Allocates in the constructor only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include "runtime/cache/program.h"
#include "runtime/packet/view.h"
#include "runtime/state/index_table.h"
#include "runtime/state/keyed_hash.h"
#include "runtime/state/observed.h"
#include "runtime/state/reasons.h"
#include "runtime/state/station.h"
#include "runtime/state/timer_wheel.h"

namespace sluice {

enum class NeighbourState : std::uint8_t {
    none,
    incomplete,
    reachable,
    stale,
    delay,
    probe,
    failed,
    permanent
};
std::string_view name_of(NeighbourState state);

constexpr std::uint32_t most_held_packets = 8;              // by one neighbour
constexpr std::uint32_t most_held_packets_of_shard = 1024;  // by all of them together

struct HeldPacket {
    PacketView packet;  // as it came: an ICMP error about it must quote it so
    Plan plan;
};

struct Neighbour {
    Ip ip;
    Family family = Family::v4;
    InterfaceRef interface;
    NeighbourState state = NeighbourState::none;
    Mac mac;
    std::uint32_t tunnel = no_tunnel;  // that it is behind
    std::uint8_t requests = 0;         // sent in INCOMPLETE or PROBE
    Time changed = 0;                  // when the state was entered
    std::uint32_t held_count = 0;      // packets that wait for it
    Station station() const { return {mac, tunnel}; }
    bool usable() const {
        return state == NeighbourState::reachable || state == NeighbourState::stale ||
               state == NeighbourState::delay || state == NeighbourState::probe ||
               state == NeighbourState::permanent;
    }
};

/// What a packet of a known flow needs of its neighbour: sixteen bytes, so that many of them stay in the cache.
struct NeighbourUse {
    Mac mac;
    bool ready = false;  // usable, and using it changes nothing (a STALE one must be touched)
    std::uint32_t tunnel = no_tunnel;
    std::uint32_t life = 0;  // moves when the slot is given to another neighbour (modulo 2^27)

    Station station() const noexcept { return {mac, tunnel}; }
    /// The MAC as the machine reads eight bytes, the upper two zero.
    std::uint64_t mac_bits() const noexcept {
        std::uint64_t bits = 0;
        std::memcpy(&bits, this, sizeof bits);
        return bits & 0xffffffffffff;
    }
};
constexpr std::uint32_t neighbour_life_mask = (1u << 27) - 1;

/// What the table asks the shard to do. Rare events, hence virtual. The table is consistent at each call: a
/// callee may call use, touch and hold (an ICMP error about a dropped packet needs a neighbour itself).
class NeighbourActions {
  public:
    virtual ~NeighbourActions() = default;
    enum class Cast : std::uint8_t { multicast, unicast };  // unicast: to neighbour.mac
    virtual void solicit(const Neighbour& neighbour, Cast cast) = 0;
    virtual void send_held(std::uint32_t neighbour, HeldPacket& packet) = 0;  // resolved: in order of arrival
    virtual void drop_held(HeldPacket& packet, DropReason reason) = 0;  // NEIGH_QUEUE_FULL or NEIGH_FAILED
};

class NeighbourTable {
  public:
    /// `held_capacity`: packets that may wait in all, from one pool (a packet with its plan is too big to
    /// reserve eight places a neighbour).
    NeighbourTable(std::uint32_t capacity, const HashKey& key, NeighbourActions& actions,
                   std::uint32_t held_capacity = most_held_packets_of_shard);

    /// Configured entries; they never age and are not overridden by what is heard.
    void add_permanent(InterfaceRef interface, Ip ip, Family family, Station station);

    /// Forgets the neighbours for which which(neighbour) holds and for which no packet waits.
    template <typename Which>
    void forget_if(Which&& which) {
        for (std::uint32_t index = 0; index < neighbours_.size(); ++index) {
            const Neighbour& neighbour = neighbours_[index];
            if (neighbour.state == NeighbourState::none || neighbour.held_count != 0) continue;
            if (which(neighbour)) forget(index);
        }
    }
    /// Those for which which(neighbour) holds count as others from now on: who knows a way by one asks again.
    template <typename Which>
    void renew_if(Which&& which) {
        for (std::uint32_t index = 0; index < neighbours_.size(); ++index) {
            const Neighbour& neighbour = neighbours_[index];
            if (neighbour.state == NeighbourState::none || !which(neighbour)) continue;
            uses_[index].life = (uses_[index].life + 1) & neighbour_life_mask;
        }
    }
    /// All usable ones of an interface that have this MAC are behind that tunnel from now on, and who knows a
    /// way by one asks again. How many. A look at every neighbour.
    std::uint32_t move(InterfaceRef interface, Mac mac, std::uint32_t tunnel) noexcept;
    /// Gives visit() a copy of each held packet for which which(packet) holds, in order of arrival per
    /// neighbour, and keeps it no longer. Neither may call back into this table.
    template <typename Which, typename Visit>
    void take_held(Which&& which, Visit&& visit) {
        if (held_ == 0) return;
        for (std::uint32_t index = 0; index < neighbours_.size(); ++index) {
            for (std::uint32_t left = neighbours_[index].held_count; left > 0; --left) {
                const HeldPacket held = pop_held(index);
                if (which(held)) {
                    visit(held);
                } else {
                    push_held(index, held);
                }
            }
        }
    }

    std::uint32_t find(InterfaceRef interface, Ip ip,
                       Family family) const noexcept;  // no_neighbour where unknown
    /// For a packet about to be sent: finds or makes the entry; STALE goes to DELAY. It does not solicit (hold
    /// does); an entry it made is forgotten after a second without a hold. A full table gives up the entry that
    /// has been STALE longest; no_neighbour: there is none.
    std::uint32_t use(InterfaceRef interface, Ip ip, Family family, Time now);
    /// STALE to DELAY for a neighbour already found, as a cached packet does.
    void touch(std::uint32_t neighbour, Time now);
    /// The neighbour is not usable: keeps the packet until it is (the first one sends the first request). The
    /// ninth packet drops the neighbour's oldest (NEIGH_QUEUE_FULL), and so does an exhausted pool, or the new
    /// one where the neighbour holds none. False: FAILED and in hold-down; the packet is the caller's to drop
    /// as NEIGH_FAILED. A usable neighbour is sent the packet at once.
    bool hold(std::uint32_t neighbour, const HeldPacket& packet, Time now);

    /// An answer to our request or a solicitation that names its sender (RFC 4861 7.2.3, 7.2.5; RFC 826):
    /// updates an existing entry; creates none unless `may_create` (a request addressed to us). An entry that
    /// becomes usable lets its held packets go. `solicited` confirms reachability where we are asking
    /// (INCOMPLETE, PROBE), and only there: a reply nobody asked for confirms nothing. A changed MAC that is
    /// not confirmed makes the entry STALE; without `override_mac` another MAC than ours is not taken, and
    /// REACHABLE turns STALE. FAILED ends with whatever is heard. Group and all-zero MACs are ignored.
    /// Behind another tunnel than before it counts as having another MAC.
    void learn(InterfaceRef interface, Ip ip, Family family, Station station, bool solicited, bool may_create,
               bool override_mac, Time now);

    /// As an earlier process knew it; nothing waits for it. `due_tick`: when its timer fires, where its state
    /// has one. No-op for a permanent one, for one that is known already, and where there is no room.
    void resume(const Neighbour& known, std::uint32_t due_tick);
    /// Calls visit(neighbour, due_tick) for each, in the order in which they give way to others.
    template <typename Visit>
    void for_each_in_order(Visit&& visit) const {
        for (std::uint32_t index = 0; index < neighbours_.size(); ++index) {
            const NeighbourState state = neighbours_[index].state;
            if (state == NeighbourState::none || state == NeighbourState::stale) continue;
            visit(neighbours_[index], timers_.due_tick(index));
        }
        for (std::uint32_t at = oldest_stale_; at != IndexTable::none; at = links_[at].next_stale) {
            visit(neighbours_[at], 0u);
        }
    }

    void step();  // one tick of timers
    bool timers_empty() const noexcept { return timers_.empty(); }
    void jump_to(std::uint64_t tick) { timers_.jump_to(tick); }

    const Neighbour& operator[](std::uint32_t neighbour) const noexcept { return neighbours_[neighbour]; }
    std::uint32_t capacity() const noexcept { return static_cast<std::uint32_t>(neighbours_.size()); }
    const NeighbourUse& use_of(std::uint32_t neighbour) const noexcept { return uses_[neighbour]; }
    const NeighbourUse* uses() const noexcept { return uses_.data(); }  // by neighbour
    SLUICE_READ_BY_OTHERS std::uint32_t held_packets() const noexcept { return held_; }
    template <typename Visit>
    void for_each(Visit&& visit) const {
        for (const Neighbour& neighbour : neighbours_) {
            if (neighbour.state != NeighbourState::none) visit(neighbour);
        }
    }

    /// Gives every held packet to visit(const HeldPacket&), in order of arrival per neighbour: for shut-down.
    template <typename Visit>
    void release_all(Visit&& visit) {
        for (std::uint32_t index = 0; index < neighbours_.size(); ++index) {
            while (neighbours_[index].held_count != 0) visit(pop_held(index));
        }
    }

    /// What one neighbour costs, index and timer aside, and one place in the pool.
    static constexpr std::size_t neighbour_bytes() {
        return sizeof(Neighbour) + sizeof(NeighbourUse) + sizeof(Links) + sizeof(std::uint32_t);
    }
    static constexpr std::size_t held_packet_bytes() { return sizeof(PoolEntry); }

  private:
    /// What a neighbour needs beside what others may see of it: its place in the queue of the STALE, and its
    /// held packets as a list through the pool.
    struct Links {
        std::uint32_t next_stale = IndexTable::none, previous_stale = IndexTable::none;
        std::uint32_t first_held = IndexTable::none, last_held = IndexTable::none;
    };
    struct PoolEntry {
        HeldPacket packet;
        std::uint32_t next = IndexTable::none;  // held behind it, or free behind it
    };

    std::uint64_t hash_of(InterfaceRef interface, Ip ip, Family family) const noexcept;
    std::uint32_t create(InterfaceRef interface, Ip ip, Family family, NeighbourState state, Time now);
    void forget(std::uint32_t index);
    void enter(std::uint32_t index, NeighbourState state, Time now);
    void solicit(std::uint32_t index, NeighbourActions::Cast cast, Time next);
    void become_usable(std::uint32_t index, NeighbourState state, Time now);
    void fail(std::uint32_t index, Time now);
    void expire(std::uint32_t index, Time now);
    bool push_held(std::uint32_t index, const HeldPacket& packet);
    HeldPacket pop_held(std::uint32_t index);
    void publish(std::uint32_t index);
    void link_stale(std::uint32_t index);
    void unlink_stale(std::uint32_t index);

    HashKey key_;
    NeighbourActions& actions_;
    std::vector<Neighbour> neighbours_;
    std::vector<NeighbourUse> uses_;
    std::vector<Links> links_;
    std::vector<std::uint32_t> free_;
    IndexTable index_;
    std::uint32_t oldest_stale_ = IndexTable::none, newest_stale_ = IndexTable::none;
    std::vector<PoolEntry> pool_;
    std::uint32_t first_free_ = IndexTable::none;
    std::uint32_t held_ = 0;
    TimerWheel timers_;
};

}  // namespace sluice
