// SPDX-License-Identifier: Apache-2.0
//
// The sessions of one shard. A session is a pair of flow entries (flow_table.h) and eight bytes beside them;
// the flow table is its index, from either direction's tuple. Owner shard only. Allocates in the constructor
// only. find: one line of tags and one entry in the usual case. When full, create refuses (SESSION_FULL) and
// existing sessions are untouched.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "runtime/state/fetch_line.h"
#include "runtime/state/flow_table.h"
#include "runtime/state/observed.h"
#include "runtime/state/tcp_tracker.h"
#include "runtime/state/timer_wheel.h"
#include "runtime/state/tuple.h"

namespace sluice {

enum class Direction : std::uint8_t { forward, reverse };  // forward: the initiator's
constexpr Direction opposite(Direction direction) {
    return direction == Direction::forward ? Direction::reverse : Direction::forward;
}

/// Routers that one packet may pass; a path through more is a loop (PIPELINE_LOOP: eight stages a router, 32
/// stages).
constexpr std::uint32_t most_routers = 4;

/// Names a session for as long as it lives: a later session in the same slot has another generation (of 256).
struct SessionRef {
    std::uint32_t index = 0xffffffff;
    std::uint32_t generation = 0;
    explicit operator bool() const { return index != 0xffffffff; }
    /// The flow entry of one of its directions.
    std::uint32_t flow(Direction direction) const { return index * 2 + static_cast<std::uint32_t>(direction); }
    friend bool operator==(const SessionRef&, const SessionRef&) = default;
};

constexpr std::uint32_t default_rule = 0xffffffff;  // the firewall's default decided
constexpr std::uint32_t no_mapping = 0xffffffff;

/// A session as people read it (sluicectl sessions).
struct Session {
    /// What a packet of each direction carries when it reaches this router. What it carries when it leaves is
    /// the other direction's tuple reversed: the translation is implied.
    Tuple tuple[2];
    std::uint32_t rule = default_rule;
    TcpTracker tcp;
    Time last_seen = 0;
    Time created = 0;
    std::uint64_t packets[2] = {0, 0};
    std::uint64_t bytes[2] = {0, 0};
};

/// What a wide session may have besides.
struct WideSession {
    std::uint32_t joined_mapping;  // the mapping its first packet arrived through (hairpin)
    Ip joined_remote;              // what that one's filter counts it under
    /// Where this session is the first of a path with several: the entries of the others, which packets of this
    /// direction count in as well. no_flow ends the list.
    std::array<std::array<std::uint32_t, most_routers - 1>, 2> chain;
    std::array<std::uint32_t, 2> head;  // where it is another than the first: the first one's entry, or no_flow
};

class SessionTable {
  public:
    SessionTable(const FlowCapacity& capacity, const HashKey& key);
    SessionTable(std::uint32_t capacity, const HashKey& key)
        : SessionTable(FlowCapacity{capacity, capacity, 8}, key) {}

    struct Found {
        SessionRef session;
        Direction direction;
    };
    std::optional<Found> find(const Tuple& tuple) const noexcept;

    bool full() const noexcept { return live_ == capacity_; }
    /// Both tuples are indexed in one step. nullopt: full, or one of the tuples is already taken, or both are
    /// the same (a packet from an endpoint to itself has no directions). IPv6 is always `wide`, also on one
    /// side alone (NAT64).
    std::optional<SessionRef> create(const Tuple& forward, const Tuple& reverse, bool wide = false) noexcept;
    /// The same where the caller has just seen that both tuples are free and differ.
    std::optional<SessionRef> create_unseen(const Tuple& forward, const Tuple& reverse, bool wide) noexcept {
        return create_unseen(FlowProbe::of(forward, true, flows.hash_key()),
                             FlowProbe::of(reverse, true, flows.hash_key()), wide);
    }
    std::optional<SessionRef> create_unseen(const FlowProbe& there, const FlowProbe& back, bool wide) noexcept;
    /// The same of IPv4 in one line a direction, by where the index is to have the keys.
    struct Place {
        const FlowKey& key;
        const TagIndex::Home& home;
    };
    std::optional<SessionRef> create_unseen(const Place& there, const Place& back) noexcept;
    /// Its timer goes with it; programs and mappings are the caller's. No-op where it is gone already.
    void erase(SessionRef session) noexcept {
        if (alive(session)) erase(session, removal_of(session));
    }
    /// The same of a live one by what removal_of() says: where the index has both tuples.
    struct Removal {
        TagIndex::Home forward, reverse;
    };
    void erase(SessionRef session, const Removal& removal) noexcept {
        flows.remove(session.flow(Direction::forward), removal.forward);
        flows.remove(session.flow(Direction::reverse), removal.reverse);
        timers.cancel(session.index);
        give_back(session.index);
        --live_;
    }
    Removal removal_of(SessionRef session) const noexcept {
        const auto home = [&](Direction direction) {
            return flows.index().home_of(flows.hash(session.flow(direction)));
        };
        return {home(Direction::forward), home(Direction::reverse)};
    }
    /// Fetches what erase() will touch beside the session itself.
    void prefetch(const Removal& removal) const noexcept {
        flows.index().prefetch(removal.forward);
        flows.index().prefetch(removal.reverse);
    }

    /// The places that the next `count` sessions of one line a direction will take, as far as they are known.
    void prefetch_new(std::uint32_t count) const noexcept;

    void prefetch(std::uint32_t index) const noexcept {
        flows.prefetch(index * 2);
        flows.prefetch(index * 2 + 1);
        fetch_line(&records_[index]);
    }

    bool alive(SessionRef ref) const noexcept {
        return ref.index < records_.size() && flows.live(ref.index * 2) &&
               records_[ref.index].generation == ref.generation;
    }
    SessionRef ref_of(std::uint32_t index) const noexcept { return {index, records_[index].generation}; }
    bool live(std::uint32_t index) const noexcept { return flows.live(index * 2); }

    FlowEntry& flow(SessionRef ref, Direction direction) noexcept { return flows[ref.flow(direction)]; }
    const FlowEntry& flow(SessionRef ref, Direction direction) const noexcept {
        return flows[ref.flow(direction)];
    }
    Tuple tuple(SessionRef ref, Direction direction) const noexcept { return flows.tuple(ref.flow(direction)); }
    std::uint32_t rule(SessionRef ref) const noexcept {
        const std::uint32_t rule = records_[ref.index].rule;
        return rule == no_rule ? default_rule : rule;
    }
    void set_rule(SessionRef ref, std::uint32_t rule) noexcept { records_[ref.index].rule = rule & no_rule; }
    /// The interface of its router (a slot) that its first packet entered by.
    std::uint16_t in_interface(SessionRef ref) const noexcept { return records_[ref.index].in_interface; }
    /// Whether that packet was an ICMP timestamp request, not an echo request.
    bool timestamp(SessionRef ref) const noexcept { return records_[ref.index].timestamp != 0; }
    void set_first_packet(SessionRef ref, std::uint16_t in_interface, bool timestamp) noexcept {
        records_[ref.index].in_interface = in_interface;
        records_[ref.index].timestamp = timestamp;
    }
    /// The epoch of the ingress whose packet it was opened or judged by last, or whose program was found right:
    /// the router's section has not changed from when the session was judged up to there.
    std::uint32_t judged(SessionRef ref) const noexcept {
        return std::max(flow(ref, Direction::forward).epoch, flow(ref, Direction::reverse).epoch);
    }
    TcpTracker tcp(SessionRef ref) const noexcept;
    void set_tcp(SessionRef ref, const TcpTracker& tcp) noexcept;

    /// The dynamic NAT mapping it uses; whether it arrived through it from outside, or made use of it to leave.
    std::uint32_t mapping(SessionRef ref) const noexcept { return flow(ref, Direction::forward).aside; }
    bool arrived_by_mapping(SessionRef ref) const noexcept { return records_[ref.index].arrived != 0; }
    void set_mapping(SessionRef ref, std::uint32_t mapping, bool arrived) noexcept {
        flow(ref, Direction::forward).aside = mapping;
        records_[ref.index].arrived = arrived;
    }

    /// What of it counts in the table of hosts.
    struct Counted {
        bool of_host = false;    // that opened it
        bool half_open = false;  // of the one it is opened to
    };
    Counted counted(SessionRef ref) const noexcept {
        return {records_[ref.index].of_host != 0, records_[ref.index].half_open != 0};
    }
    void set_counted(SessionRef ref, Counted counted) noexcept {
        records_[ref.index].of_host = counted.of_host;
        records_[ref.index].half_open = counted.half_open;
    }

    bool is_wide(SessionRef ref) const noexcept { return ref.index >= first_wide_; }
    WideSession& wide(SessionRef ref) noexcept { return wide_[ref.index - first_wide_]; }
    const WideSession& wide(SessionRef ref) const noexcept { return wide_[ref.index - first_wide_]; }

    /// Ticks are counted modulo 2^32 (thirteen years): this is the latest the session was seen.
    std::uint32_t last_seen_tick(SessionRef ref) const noexcept {
        const std::uint32_t forward = flow(ref, Direction::forward).last_seen;
        const std::uint32_t reverse = flow(ref, Direction::reverse).last_seen;
        return static_cast<std::int32_t>(reverse - forward) > 0 ? reverse : forward;
    }
    Session snapshot(SessionRef ref) const noexcept;

    SLUICE_READ_BY_OTHERS std::uint32_t size() const noexcept { return live_; }
    std::uint32_t capacity() const noexcept { return static_cast<std::uint32_t>(records_.size()); }

    /// Off the packet path: calls visit(ref, session) for each live session, by index.
    template <typename Visit>
    void for_each(Visit&& visit) const {
        for (std::uint32_t index = 0; index < capacity(); ++index) {
            if (live(index)) visit(ref_of(index), snapshot(ref_of(index)));
        }
    }

    /// What one costs beside its flow entries and its timer.
    static constexpr std::size_t record_bytes() { return sizeof(Record); }

    FlowTable flows;
    TimerWheel timers;  // numbered by session index; the shard schedules, steps and decides

  private:
    static constexpr std::uint32_t no_rule = 0xffffff;
    /// What is needed of a session when a packet runs the pipeline or a timer fires, and fits no entry.
    struct Record {
        std::uint32_t rule : 24, generation : 8;
        std::uint16_t in_interface;
        std::uint16_t tcp_state : 3, window_scale_forward : 4, window_scale_reverse : 4, arrived : 1,
            timestamp : 1, of_host : 1, half_open : 1;
    };
    static_assert(sizeof(Record) == 8);

    /// Slots of one region: those never used yet from the front, those given back through their records.
    struct FreeSlots {
        std::uint32_t next = 0, end = 0;
        std::uint32_t given_back = no_flow;
    };
    std::optional<std::uint32_t> take(FreeSlots& slots) noexcept;
    template <typename PutForward, typename PutReverse>
    std::optional<SessionRef> create_at(FreeSlots& slots, PutForward&& put_forward,
                                        PutReverse&& put_reverse) noexcept;
    void give_back(std::uint32_t index) noexcept {
        FreeSlots& slots = index >= first_wide_ ? wide_free_ : narrow_free_;
        flows[index * 2].aside = slots.given_back;
        slots.given_back = index;
    }

    std::uint32_t capacity_;
    std::uint32_t live_ = 0;
    std::uint32_t first_wide_;
    FreeSlots narrow_free_, wide_free_;
    BigArray<Record> records_;
    BigArray<WideSession> wide_;
};

}  // namespace sluice
