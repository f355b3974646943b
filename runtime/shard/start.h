// SPDX-License-Identifier: Apache-2.0
//
// What is known of a burst's first packets before their turn comes (foresee.cpp). Owner shard only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "runtime/cache/trace_cache.h"
#include "runtime/cache/trace_key.h"
#include "runtime/shard/start_leaves.h"
#include "runtime/shard/start_row.h"
#include "runtime/stages/deciding_rule.h"
#include "runtime/state/nat_table.h"

namespace sluice {

/// A packet that may begin a flow. The first line says all that a refused packet needs.
struct alignas(64) Start {
    const StartRow* row;
    FirewallQuestion question;  // of one that is not recalled
    std::uint32_t rule;         // the slot of the one that decides
    std::uint32_t place;        // in the trace cache
    std::uint32_t program;      // what is known there: what carries it out, or denied
    std::uint32_t adjacency;
    std::uint32_t snat_position;
    std::uint16_t out_interface;
    L4Kind l4_kind;
    bool translates;
    enum class Judgement : std::uint8_t { allowed, denied, unusual } judgement;
    // The packet of the burst before it that asks the same and goes the same way, or itself.
    std::uint8_t leader;
    // As the last one of its ingress: then it is neither judged nor looked up anew. Tried where the packet
    // before it is of another ingress: else that one may be its leader.
    enum class Recall : std::uint8_t { not_tried, failed, succeeded } recall;
    std::uint8_t at;  // among the burst's leaves
    bool recalled() const { return recall == Recall::succeeded; }
    void reply_to_choice() {
        reply.destination = __builtin_bswap32(choice->external_ip.v4());
        reply.destination_port = __builtin_bswap16(choice->external_port);
    }
    ShortTraceKey trace_key(std::uint8_t protocol) const noexcept;
    /// What the trace cache has in a place of its; unknown: nothing.
    void take_trace(const TraceCache& cache, std::uint32_t its_place) noexcept {
        place = its_place;
        if (place == TraceCache::unknown) return;
        program = cache.program(place);
        neighbour = cache.neighbour(place);
        ttl_cost = cache.ttl_cost(place);
    }
    void take_trace_of(const Start& other) noexcept {
        place = other.place;
        program = other.program;
        neighbour = other.neighbour;
        ttl_cost = other.ttl_cost;
    }
    TagIndex::Home home;  // of its key, in the flow table's index

    alignas(64) ShortTraceKey trace;  // of a leader that is not recalled
    NeighbourHint neighbour;          // from `place`, like the next
    std::uint8_t ttl_cost;
    bool within_limits;  // of a tenant that limits its sessions; else nothing more is foreseen
    std::uint64_t trace_hash, question_hash;
    InsideEndpoint inside;
    NatTable::Search search;
    FlowKey reply;
    TagIndex::Home reply_home;
    std::optional<NatTable::Choice> choice;  // as foreseen; brought up to date when its turn comes
};
static_assert(offsetof(Start, trace) == 64);

/// What the last first packet of an ingress came to, and what tables and trace cache had said of it: the next
/// one most often asks the same, and this line is all it needs then. Holds until a trace is stored.
struct alignas(64) LastStart {
    StartLeaves leaves;
    std::uint32_t rule;
    std::uint32_t place = TraceCache::unknown;  // unknown: nothing is remembered
    std::uint32_t traces_as_of;
    std::uint32_t program;
    NeighbourHint neighbour;
    std::uint16_t snat_position;  // where it translates
    std::uint16_t out_interface;
    std::uint8_t used;  // the lowest byte of the tick at which the trace's use was noted last
    bool translates;
    Start::Judgement judgement;
    std::uint8_t ttl_cost;
};
static_assert(sizeof(LastStart) == 64);

struct Starts {
    std::uint32_t ready = 0;         // bit = packet of the burst
    bool room = true;                // for another session, when the burst began; without it none is foreseen
    std::uint32_t traces_as_of = 0;  // the trace cache's changes when it was asked
    std::array<Start, most_burst_frames> by_packet;
};

}  // namespace sluice
