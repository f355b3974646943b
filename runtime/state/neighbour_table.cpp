// SPDX-License-Identifier: Apache-2.0
#include "runtime/state/neighbour_table.h"

#include <algorithm>

namespace sluice {
namespace {

constexpr std::uint32_t none = IndexTable::none;
static_assert(IndexTable::none == no_neighbour);

constexpr std::uint8_t most_requests = 3;
constexpr Time request_interval = seconds(1);
constexpr Time reachable_time = seconds(30);  // RFC 4861 10: REACHABLE_TIME
constexpr Time delay_time = seconds(5);       // DELAY_FIRST_PROBE_TIME
constexpr Time hold_down = seconds(5);

using Cast = NeighbourActions::Cast;

}  // namespace

std::string_view name_of(NeighbourState state) {
    constexpr std::string_view names[] = {"NONE",  "INCOMPLETE", "REACHABLE", "STALE",
                                          "DELAY", "PROBE",      "FAILED",    "PERMANENT"};
    return names[static_cast<std::uint8_t>(state)];
}

NeighbourTable::NeighbourTable(std::uint32_t capacity, const HashKey& key, NeighbourActions& actions,
                               std::uint32_t held_capacity)
    : key_(key),
      actions_(actions),
      neighbours_(capacity),
      uses_(capacity),
      links_(capacity),
      index_(capacity),
      pool_(held_capacity),
      timers_(capacity) {
    free_.reserve(capacity);
    for (std::uint32_t index = capacity; index-- > 0;) free_.push_back(index);
    for (std::uint32_t entry = held_capacity; entry-- > 0;) {
        pool_[entry].next = first_free_;
        first_free_ = entry;
    }
}

std::uint64_t NeighbourTable::hash_of(InterfaceRef interface, Ip ip, Family family) const noexcept {
    return KeyedHash(key_)
        .add(ip.hi, ip.lo)
        .add(std::uint64_t{interface.tenant} << 16 | interface.interface, static_cast<std::uint64_t>(family))
        .value();
}

std::uint32_t NeighbourTable::find(InterfaceRef interface, Ip ip, Family family) const noexcept {
    return index_.find(hash_of(interface, ip, family), [&](std::uint32_t candidate) {
        const Neighbour& neighbour = neighbours_[candidate];
        return neighbour.ip == ip && neighbour.interface == interface && neighbour.family == family;
    });
}

void NeighbourTable::add_permanent(InterfaceRef interface, Ip ip, Family family, Station station) {
    std::uint32_t index = find(interface, ip, family);
    const bool is_new = index == none;
    if (is_new) index = create(interface, ip, family, NeighbourState::permanent, 0);
    if (index == none) return;
    const Neighbour& known = neighbours_[index];
    if (!is_new && known.state == NeighbourState::permanent && known.mac == station.mac &&
        known.tunnel == station.tunnel) {
        return;
    }
    neighbours_[index].mac = station.mac;
    neighbours_[index].tunnel = station.tunnel;
    timers_.cancel(index);
    become_usable(index, NeighbourState::permanent, 0);
}

std::uint32_t NeighbourTable::use(InterfaceRef interface, Ip ip, Family family, Time now) {
    std::uint32_t index = find(interface, ip, family);
    if (index != none) {
        touch(index, now);
        return index;
    }
    index = create(interface, ip, family, NeighbourState::incomplete, now);
    if (index != none) timers_.schedule(index, now + request_interval);
    return index;
}

void NeighbourTable::touch(std::uint32_t index, Time now) {
    if (neighbours_[index].state != NeighbourState::stale) return;
    enter(index, NeighbourState::delay, now);
    timers_.schedule(index, now + delay_time);
}

bool NeighbourTable::hold(std::uint32_t index, const HeldPacket& packet, Time now) {
    Neighbour& neighbour = neighbours_[index];
    if (neighbour.usable()) {
        HeldPacket copy = packet;
        actions_.send_held(index, copy);
        return true;
    }
    if (neighbour.state != NeighbourState::incomplete) return false;
    const bool first = neighbour.requests == 0;
    if (first) neighbour.changed = now;

    const bool no_room = neighbour.held_count == most_held_packets || first_free_ == none;
    HeldPacket dropped = packet;
    if (no_room && neighbour.held_count != 0) dropped = pop_held(index);
    const bool kept = push_held(index, packet);
    if (first) solicit(index, Cast::multicast, now + request_interval);
    if (no_room || !kept) actions_.drop_held(dropped, DropReason::NEIGH_QUEUE_FULL);
    return true;
}

void NeighbourTable::learn(InterfaceRef interface, Ip ip, Family family, Station station, bool solicited,
                           bool may_create, bool override_mac, Time now) {
    const Mac mac = station.mac;
    if (mac.is_group() || mac == Mac{}) return;
    const std::uint32_t index = find(interface, ip, family);
    if (index == none) {
        if (!may_create) return;
        const std::uint32_t created = create(interface, ip, family, NeighbourState::stale, now);
        if (created == none) return;
        neighbours_[created].mac = mac;
        neighbours_[created].tunnel = station.tunnel;
        return;  // STALE: whoever uses it publishes the MAC
    }
    Neighbour& neighbour = neighbours_[index];
    if (neighbour.state == NeighbourState::permanent) return;
    const bool asking = neighbour.requests != 0;
    const NeighbourState heard = solicited && asking ? NeighbourState::reachable : NeighbourState::stale;
    if (neighbour.state == NeighbourState::incomplete || neighbour.state == NeighbourState::failed) {
        neighbour.mac = mac;
        neighbour.tunnel = station.tunnel;
        become_usable(index, heard, now);
        return;
    }
    const bool other_mac = neighbour.mac != mac || neighbour.tunnel != station.tunnel;
    if (other_mac && !override_mac) {
        if (neighbour.state == NeighbourState::reachable) become_usable(index, NeighbourState::stale, now);
        return;
    }
    neighbour.mac = mac;
    neighbour.tunnel = station.tunnel;
    if (other_mac || heard == NeighbourState::reachable) become_usable(index, heard, now);
}

std::uint32_t NeighbourTable::move(InterfaceRef interface, Mac mac, std::uint32_t tunnel) noexcept {
    std::uint32_t moved = 0;
    for (std::uint32_t index = 0; index < neighbours_.size(); ++index) {
        Neighbour& neighbour = neighbours_[index];
        if (!neighbour.usable() || neighbour.interface != interface || neighbour.mac != mac) continue;
        neighbour.tunnel = tunnel;
        uses_[index].life = (uses_[index].life + 1) & neighbour_life_mask;
        publish(index);
        ++moved;
    }
    return moved;
}

void NeighbourTable::resume(const Neighbour& known, std::uint32_t due_tick) {
    if (known.state == NeighbourState::permanent || known.state == NeighbourState::none) return;
    if (find(known.interface, known.ip, known.family) != none || free_.empty()) return;
    const std::uint32_t index =
        create(known.interface, known.ip, known.family, NeighbourState::incomplete, known.changed);
    if (index == none) return;
    neighbours_[index].mac = known.mac;
    enter(index, known.state, known.changed);
    neighbours_[index].requests = std::min(known.requests, most_requests);
    if (known.state != NeighbourState::stale) timers_.schedule_tick(index, due_tick);
}

void NeighbourTable::step() {
    timers_.step([this](std::uint32_t index) { expire(index, timers_.tick() * tick_nanoseconds); });
}

void NeighbourTable::expire(std::uint32_t index, Time now) {
    Neighbour& neighbour = neighbours_[index];
    switch (neighbour.state) {
        case NeighbourState::incomplete:
            if (neighbour.requests == 0) {  // used, but no packet came to wait for it
                forget(index);
            } else if (neighbour.requests == most_requests) {
                fail(index, now);
            } else {  // counted from the first request, so that the ticks do not add up to a drift
                solicit(index, Cast::multicast,
                        neighbour.changed + (neighbour.requests + 1) * request_interval);
            }
            break;
        case NeighbourState::reachable:
            enter(index, NeighbourState::stale, now);
            break;
        case NeighbourState::delay:
            enter(index, NeighbourState::probe, now);
            solicit(index, Cast::unicast, now + request_interval);
            break;
        case NeighbourState::probe:
            if (neighbour.requests == most_requests) {
                fail(index, now);
            } else {
                solicit(index, Cast::unicast, now + request_interval);
            }
            break;
        case NeighbourState::failed:
            forget(index);
            break;
        case NeighbourState::none:
        case NeighbourState::stale:
        case NeighbourState::permanent:
            break;
    }
}

std::uint32_t NeighbourTable::create(InterfaceRef interface, Ip ip, Family family, NeighbourState state,
                                     Time now) {
    if (free_.empty() && oldest_stale_ != none) forget(oldest_stale_);
    if (free_.empty()) return none;
    const std::uint32_t index = free_.back();
    free_.pop_back();
    Neighbour& neighbour = neighbours_[index];
    neighbour.ip = ip;
    neighbour.family = family;
    neighbour.interface = interface;
    index_.insert(hash_of(interface, ip, family), index);
    enter(index, state, now);
    return index;
}

void NeighbourTable::forget(std::uint32_t index) {
    const Neighbour& neighbour = neighbours_[index];
    index_.erase(hash_of(neighbour.interface, neighbour.ip, neighbour.family), index);
    timers_.cancel(index);
    enter(index, NeighbourState::none, 0);
    // A flow that still names this slot must notice.
    uses_[index].life = (uses_[index].life + 1) & neighbour_life_mask;
    neighbours_[index] = Neighbour{};
    free_.push_back(index);
}

void NeighbourTable::enter(std::uint32_t index, NeighbourState state, Time now) {
    Neighbour& neighbour = neighbours_[index];
    if (neighbour.state == NeighbourState::stale) unlink_stale(index);
    neighbour.state = state;
    neighbour.changed = now;
    neighbour.requests = 0;
    if (state == NeighbourState::stale) link_stale(index);
    publish(index);
}

void NeighbourTable::publish(std::uint32_t index) {
    const Neighbour& neighbour = neighbours_[index];
    uses_[index].mac = neighbour.mac;
    uses_[index].tunnel = neighbour.tunnel;
    uses_[index].ready = neighbour.usable() && neighbour.state != NeighbourState::stale;
}

void NeighbourTable::solicit(std::uint32_t index, Cast cast, Time next) {
    ++neighbours_[index].requests;
    timers_.schedule(index, next);
    actions_.solicit(neighbours_[index], cast);
}

void NeighbourTable::become_usable(std::uint32_t index, NeighbourState state, Time now) {
    timers_.cancel(index);
    enter(index, state, now);
    if (state == NeighbourState::reachable) timers_.schedule(index, now + reachable_time);
    // Sending to a STALE neighbour is what puts it to the test (RFC 4861 7.3.3).
    if (neighbours_[index].held_count != 0) touch(index, now);
    while (neighbours_[index].held_count != 0) {
        HeldPacket packet = pop_held(index);
        actions_.send_held(index, packet);
    }
}

void NeighbourTable::fail(std::uint32_t index, Time now) {
    enter(index, NeighbourState::failed, now);
    timers_.schedule(index, now + hold_down);
    while (neighbours_[index].held_count != 0) {
        HeldPacket packet = pop_held(index);
        actions_.drop_held(packet, DropReason::NEIGH_FAILED);
    }
}

bool NeighbourTable::push_held(std::uint32_t index, const HeldPacket& packet) {
    if (first_free_ == none) return false;
    const std::uint32_t entry = first_free_;
    first_free_ = pool_[entry].next;
    pool_[entry] = {packet, none};
    Links& links = links_[index];
    (links.last_held == none ? links.first_held : pool_[links.last_held].next) = entry;
    links.last_held = entry;
    ++neighbours_[index].held_count;
    ++held_;
    return true;
}

HeldPacket NeighbourTable::pop_held(std::uint32_t index) {
    Links& links = links_[index];
    const std::uint32_t entry = links.first_held;
    links.first_held = pool_[entry].next;
    if (links.first_held == none) links.last_held = none;
    pool_[entry].next = first_free_;
    first_free_ = entry;
    --neighbours_[index].held_count;
    --held_;
    return pool_[entry].packet;
}

void NeighbourTable::link_stale(std::uint32_t index) {
    links_[index].next_stale = none;
    links_[index].previous_stale = newest_stale_;
    (newest_stale_ == none ? oldest_stale_ : links_[newest_stale_].next_stale) = index;
    newest_stale_ = index;
}

void NeighbourTable::unlink_stale(std::uint32_t index) {
    const Links& links = links_[index];
    (links.previous_stale == none ? oldest_stale_ : links_[links.previous_stale].next_stale) = links.next_stale;
    (links.next_stale == none ? newest_stale_ : links_[links.next_stale].previous_stale) = links.previous_stale;
}

}  // namespace sluice
