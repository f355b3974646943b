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

std::uint32_t ingress_word(InterfaceRef ingress) {
    return std::uint32_t{ingress.tenant} << 16 | ingress.interface;
}

std::uint32_t packet_word(Family family, std::uint8_t protocol, L4Kind kind, bool forwards, bool new_source,
                          bool new_destination) {
    return static_cast<std::uint32_t>(family) << 24 | std::uint32_t{protocol} << 16 |
           static_cast<std::uint32_t>(kind) << 8 | (forwards ? 4U : 0U) | (new_source ? 2U : 0U) |
           (new_destination ? 1U : 0U);
}

std::uint32_t entrance_word(SessionChoice choice, std::uint16_t in_interface) {
    return static_cast<std::uint32_t>(choice) << 16 | in_interface;
}

}  // namespace

ShortTraceKey TraceKey::of_first_packet(const FirstPacket& packet) noexcept {
    static_assert(std::tuple_size_v<ShortTraceKey> == words_of_a_packet + words_of_a_router);
    return {
        ingress_word(packet.ingress),
        packet_word(packet.family, packet.protocol, packet.l4_kind, packet.forwards, packet.new_source, false),
        entrance_word(SessionChoice::opens, packet.in_interface),
        no_stage_row,
        packet.adjacency,
        packet.source_rule};
}

TraceKey TraceKey::of(const Trace& trace, const IpView& packet) noexcept {
    TraceKey key;
    const auto add = [&](std::uint32_t word) { key.words[key.count++] = word; };
    add(ingress_word(trace.ingress));
    const bool forwards = trace.fate == Fate::forward;
    const Endpoints& to = trace.leaving;
    const bool new_source = forwards && (to.source != packet.source || to.source_port != packet.source_port);
    const bool new_destination =
        forwards && (to.destination != packet.destination || to.destination_port != packet.destination_port);
    add(packet_word(packet.family, packet.protocol, packet.l4_kind, forwards, new_source, new_destination));
    for (std::uint32_t i = 0; i < trace.hop_count; ++i) {
        const Hop& hop = trace.hops[i];
        add(entrance_word(session_choice(hop), hop.in_interface));
        add(hop.destination_rule);
        add(hop.adjacency);
        add(is_exemption(hop.source_rule) ? no_stage_row : hop.source_rule);  // it changes nothing
    }
    return key;
}

}  // namespace sluice
