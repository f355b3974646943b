// SPDX-License-Identifier: Apache-2.0
#include "runtime/cache/trace_key.h"

namespace sluice {
namespace {

enum class SessionChoice : std::uint32_t { stateless, opens, forward, reverse };

SessionChoice session_choice(const Hop& hop) {
    if (!hop.stateful) return SessionChoice::stateless;
    if (hop.opens_session || !hop.session) return SessionChoice::opens;
    return hop.direction == Direction::forward ? SessionChoice::forward : SessionChoice::reverse;
}

}  // namespace

TraceKey TraceKey::of(const Trace& trace, const IpView& packet) noexcept {
    TraceKey key;
    const auto add = [&](std::uint32_t word) { key.words[key.count++] = word; };
    add(std::uint32_t{trace.ingress.tenant} << 16 | trace.ingress.interface);
    const bool forwards = trace.fate == Fate::forward;
    const Endpoints& to = trace.leaving;
    const bool new_source = forwards && (to.source != packet.source || to.source_port != packet.source_port);
    const bool new_destination =
        forwards && (to.destination != packet.destination || to.destination_port != packet.destination_port);
    add(static_cast<std::uint32_t>(packet.family) << 24 | std::uint32_t{packet.protocol} << 16 |
        static_cast<std::uint32_t>(packet.l4_kind) << 8 | (forwards ? 4U : 0U) | (new_source ? 2U : 0U) |
        (new_destination ? 1U : 0U));
    for (std::uint32_t i = 0; i < trace.hop_count; ++i) {
        const Hop& hop = trace.hops[i];
        add(static_cast<std::uint32_t>(session_choice(hop)) << 16 | hop.in_interface);
        add(hop.destination_rule);
        add(hop.adjacency);
        add(hop.rule);
        add(hop.source_rule);
    }
    return key;
}

std::uint64_t TraceKey::hash(const HashKey& secret) const noexcept {
    KeyedHash hash(secret);
    const auto pair = [&](std::uint32_t at) {
        const std::uint64_t low = at < count ? words[at] : 0;
        const std::uint64_t high = at + 1 < count ? words[at + 1] : 0;
        return high << 32 | low;
    };
    for (std::uint32_t at = 0; at < count; at += 4) hash.add(pair(at), pair(at + 2));
    return hash.value();
}

}  // namespace sluice
