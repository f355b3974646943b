// SPDX-License-Identifier: Apache-2.0
//
// Neighbours (ARP and ND) of one shard, by the states of RFC 4861 7.3.2 and the numbers of C6. The table knows
// no packets formats: what is to be said is asked of NeighbourActions, what waits for an answer is held here
// with the plan that was made for it.
//
//   none --use--> INCOMPLETE (3 requests 1 s apart) --reply--> REACHABLE --30 s--> STALE --use--> DELAY --5
//   s--> PROBE (3 unicast requests 1 s apart) --reply--> REACHABLE.   INCOMPLETE or PROBE without a reply -->
//   FAILED (5 s hold-down), then forgotten. Static neighbours are PERMANENT.
//
// Owner shard only. Allocates in the constructor only.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "runtime/cache/program.h"
#include "runtime/packet/view.h"
#include "runtime/state/keyed_hash.h"
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

constexpr std::uint32_t most_held_packets = 8;

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
    std::uint32_t version = 0;  // moves with every change that a cached flow must notice: state or MAC
    std::uint8_t requests = 0;  // sent in INCOMPLETE or PROBE
    Time changed = 0;           // when the state was entered
    std::uint32_t held_count = 0;
    std::array<HeldPacket, most_held_packets> held;  // oldest first
    bool usable() const {
        return state == NeighbourState::reachable || state == NeighbourState::stale ||
               state == NeighbourState::delay || state == NeighbourState::probe ||
               state == NeighbourState::permanent;
    }
};

/// What the table asks the shard to do. Rare events, hence virtual.
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
    NeighbourTable(std::uint32_t capacity, const HashKey& key, NeighbourActions& actions);

    /// Configured entries; they never age and are not overridden by what is heard.
    void add_permanent(InterfaceRef interface, Ip ip, Family family, Mac mac);

    std::uint32_t find(InterfaceRef interface, Ip ip,
                       Family family) const noexcept;  // no_neighbour where unknown
    /// For a packet about to be sent: finds or makes the entry; STALE goes to DELAY. It does not solicit (hold
    /// does). no_neighbour: the table is full.
    std::uint32_t use(InterfaceRef interface, Ip ip, Family family, Time now);
    /// STALE to DELAY for a neighbour already found, as a cached packet does.
    void touch(std::uint32_t neighbour, Time now);
    /// The neighbour is not usable: keeps the packet until it is (the first one sends the first request).
    /// False: FAILED and in hold-down; the packet is the caller's to drop as NEIGH_FAILED.
    bool hold(std::uint32_t neighbour, const HeldPacket& packet, Time now);

    /// An answer to our request or a solicitation that names its sender: updates an existing entry; creates
    /// none unless `may_create` (a request addressed to us, RFC 826). A different MAC or INCOMPLETE: held
    /// packets go out. `solicited`: confirms reachability; otherwise a changed MAC makes the entry STALE (RFC
    /// 4861 7.2.5).
    void learn(InterfaceRef interface, Ip ip, Family family, Mac mac, bool solicited, bool may_create,
               bool override_mac, Time now);

    void step();  // one tick of timers
    bool timers_empty() const noexcept { return timers_.empty(); }
    void jump_to(std::uint64_t tick) { timers_.jump_to(tick); }

    const Neighbour& operator[](std::uint32_t neighbour) const noexcept { return neighbours_[neighbour]; }
    std::uint32_t held_packets() const noexcept { return held_; }
    template <typename Visit>
    void for_each(Visit&& visit) const {
        for (const Neighbour& neighbour : neighbours_) {
            if (neighbour.state != NeighbourState::none) visit(neighbour);
        }
    }

  private:
    std::vector<Neighbour> neighbours_;
    std::uint32_t held_ = 0;
    TimerWheel timers_;
    // the index and free list are the implementer's
};

}  // namespace sluice
