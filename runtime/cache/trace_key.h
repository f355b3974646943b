// SPDX-License-Identifier: Apache-2.0
//
// What a packet's way through the gateway depends on, and nothing else: two packets with the same key meet the
// same tables' rows, so the same program carries both out (architecture.md 2a). By where a value came from:
//
//   ORIG     the row that looking it up gave, never the value: adjacency, DNAT rule, source rule
//   CONST    nothing: an earlier row says it already (what DNAT to one address made of the destination)
//   DERIVED  the row that looking the derived value up gave (one-to-one, ports that move with their range)
//   CHOSEN   that a choice was made and from what (session and direction, mapping, pool, member of a group),
//   and
//            the rows that later tables gave for what was chosen; what was chosen is the flow's own
//
// Each router on the path adds its words under its own scope, in path order. Of the firewall's rule only
// whether it lets the packet pass: the program is the same whichever did, the session counts for the one that
// was asked about it (rule_memo.h), and 100,000 rules would need as many traces. TTL, length, TCP flags and
// DSCP are guards and no part of it. A plain value; any thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "runtime/stages/stage.h"
#include "runtime/state/keyed_hash.h"

namespace sluice {

/// What is in the key of a first packet that passes one stateful router and keeps its destination.
struct FirstPacket {
    InterfaceRef ingress;
    std::uint16_t in_interface = 0;  // its position
    Family family{};
    std::uint8_t protocol = 0;
    L4Kind l4_kind{};
    bool forwards = false;  // else the firewall denies it
    bool new_source = false;
    std::uint32_t adjacency = 0;
    std::uint32_t source_rule = no_stage_row;
};
using ShortTraceKey = std::array<std::uint32_t, 6>;

struct TraceKey {
    static constexpr std::uint32_t words_of_a_packet = 2, words_of_a_router = 4;
    static constexpr std::uint32_t most_words = words_of_a_packet + words_of_a_router * most_routers;

    std::uint32_t count = 0;
    std::array<std::uint32_t, most_words> words{};

    /// Of a trace that ended in forwarding, or in a denial by the last router's firewall. The pipeline's trace
    /// and the one that look_up_path() made of the same packet have the same key.
    static TraceKey of(const Trace& trace, const IpView& packet) noexcept;

    /// Of a first packet that passes one stateful router and keeps its destination.
    static ShortTraceKey of_first_packet(const FirstPacket& packet) noexcept;

    std::span<const std::uint32_t> used() const noexcept { return {words.data(), count}; }
    friend bool operator==(const TraceKey& a, const TraceKey& b) noexcept {
        return std::ranges::equal(a.used(), b.used());
    }
};

inline std::uint64_t hash_of(std::span<const std::uint32_t> words, const HashKey& secret) noexcept {
    KeyedHash hash(secret);
    const auto pair = [&](std::size_t at) {
        const std::uint64_t low = at < words.size() ? words[at] : 0;
        const std::uint64_t high = at + 1 < words.size() ? words[at + 1] : 0;
        return high << 32 | low;
    };
    for (std::size_t at = 0; at < words.size(); at += 4) hash.add(pair(at), pair(at + 2));
    return hash.value();
}

}  // namespace sluice
