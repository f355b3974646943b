// SPDX-License-Identifier: Apache-2.0
//
// What a packet's way through the gateway depends on, and nothing else: two packets with the same key meet the
// same tables' rows, so the same program carries both out (architecture.md 2a). By where a value came from:
//
//   ORIG     the row that looking it up gave, never the value: adjacency, DNAT rule, firewall rule, source rule
//   CONST    nothing: an earlier row says it already (what DNAT to one address made of the destination)
//   DERIVED  the row that looking the derived value up gave (one-to-one, ports that move with their range)
//   CHOSEN   that a choice was made and from what (session and direction, mapping, pool, member of a group),
//   and
//            the rows that later tables gave for what was chosen; what was chosen is the flow's own
//
// Each router on the path adds its words under its own scope, in path order. TTL, length, TCP flags and DSCP
// are guards and no part of it. A plain value; any thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "runtime/stages/stage.h"
#include "runtime/state/keyed_hash.h"

namespace sluice {

struct TraceKey {
    static constexpr std::uint32_t words_of_a_packet = 2, words_of_a_router = 5;
    static constexpr std::uint32_t most_words = words_of_a_packet + words_of_a_router * most_routers;

    std::array<std::uint32_t, most_words> words{};
    std::uint32_t count = 0;

    /// Of a trace that ended in forwarding, or in a denial by the last router's firewall. The pipeline's trace
    /// and the one that look_up_path() made of the same packet have the same key.
    static TraceKey of(const Trace& trace, const IpView& packet) noexcept;

    std::uint64_t hash(const HashKey& key) const noexcept;
    friend bool operator==(const TraceKey& a, const TraceKey& b) noexcept {
        return a.count == b.count && std::equal(a.words.begin(), a.words.begin() + a.count, b.words.begin());
    }
};

}  // namespace sluice
