// SPDX-License-Identifier: Apache-2.0
//
// The sessions of one shard and the index that finds them from either direction's tuple.
// Owner shard only. Allocates in the constructor only. find: one bucket probe and one session line in the usual
// case; open addressing at no more than 50 % load, so a miss ends at the first empty slot. When full, create
// refuses (SESSION_FULL) and existing sessions are untouched.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "runtime/state/index_table.h"
#include "runtime/state/tcp_tracker.h"
#include "runtime/state/timer_wheel.h"
#include "runtime/state/tuple.h"

namespace sluice {

enum class Direction : std::uint8_t { forward, reverse };  // forward: the initiator's

/// Names a session for as long as it lives: a later session in the same slot has another generation.
struct SessionRef {
    std::uint32_t index = 0xffffffff;
    std::uint32_t generation = 0;
    explicit operator bool() const { return index != 0xffffffff; }
    friend bool operator==(const SessionRef&, const SessionRef&) = default;
};

constexpr std::uint32_t default_rule = 0xffffffff;  // the firewall's default decided
constexpr std::uint32_t no_mapping = 0xffffffff;
constexpr std::uint32_t no_flow = 0xffffffff;

struct Session {
    /// What a packet of each direction carries when it reaches this router. What it carries when it leaves is
    /// the other direction's tuple reversed: the translation is implied.
    Tuple tuple[2];
    std::uint32_t rule = default_rule;
    std::uint32_t mapping = no_mapping;  // dynamic NAT mapping of this session's source (NatTable)
    Ip filter_remote;                    // what was admitted to the mapping's filter for this session
    std::uint32_t joined_mapping =
        no_mapping;    // the mapping its first packet arrived through (inbound, hairpin)
    Ip joined_remote;  // what that one's filter counts it under
    Time timer = 0;    // when the shard looks at it next
    std::uint32_t flow[2] = {
        no_flow, no_flow};  // this direction's entry in the flow cache, to be cleared with the session
    std::uint16_t ingress_interface = 0;  // the initiator's
    std::uint16_t egress_interface = 0;
    TcpTracker tcp;
    Time last_seen = 0;  // by packets that ran the pipeline; the flow entries know of later ones
    Time created = 0;
    std::uint64_t packets[2] = {0, 0};
    std::uint64_t bytes[2] = {0, 0};
    std::uint32_t generation = 0;
    bool live = false;
};

class SessionTable {
  public:
    SessionTable(std::uint32_t capacity, const HashKey& key);

    struct Found {
        SessionRef session;
        Direction direction;
    };
    std::optional<Found> find(const Tuple& tuple) const noexcept;

    bool full() const noexcept { return live_ == capacity_; }
    /// Both tuples are indexed in one step. nullopt: full, or one of the tuples is already taken, or both are
    /// the same (a packet from an endpoint to itself has no directions).
    std::optional<SessionRef> create(const Tuple& forward, const Tuple& reverse) noexcept;
    /// Its timer goes with it. No-op where it is gone already.
    void erase(SessionRef session) noexcept;

    bool alive(SessionRef ref) const noexcept {
        return ref.index < capacity_ && sessions_[ref.index].live &&
               sessions_[ref.index].generation == ref.generation;
    }
    Session& operator[](SessionRef ref) noexcept { return sessions_[ref.index]; }
    const Session& operator[](SessionRef ref) const noexcept { return sessions_[ref.index]; }
    SessionRef ref_of(std::uint32_t index) const noexcept { return {index, sessions_[index].generation}; }

    std::uint32_t size() const noexcept { return live_; }
    std::uint32_t capacity() const noexcept { return capacity_; }

    /// Off the packet path: calls visit(ref, session) for each live session, by index.
    template <typename Visit>
    void for_each(Visit&& visit) const {
        for (std::uint32_t index = 0; index < capacity_; ++index) {
            if (sessions_[index].live) visit(ref_of(index), sessions_[index]);
        }
    }

    TimerWheel timers;  // numbered by session index; the shard schedules, steps and decides

  private:
    HashKey key_;
    std::uint32_t capacity_;
    std::uint32_t live_ = 0;
    IndexTable index_;  // of session index << 1 | direction
    std::vector<Session> sessions_;
    std::vector<std::uint32_t> free_;
};

}  // namespace sluice
