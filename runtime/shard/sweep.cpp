// SPDX-License-Identifier: Apache-2.0
//
// After names have vanished: whatever still refers to their slots goes, or refers to nothing. Only then may the
// slots be given to other names.
#include <algorithm>

#include "runtime/shard/shard_state.h"

namespace sluice {
namespace {

// Lines read in order, about as much work as a packet of a known flow or two.
constexpr std::uint32_t places_a_burst = 256;

}  // namespace

void Shard::State::sweep_some() {
    const FlowTable& flows = sessions.flows;
    // As long without a cache as with one: when a session ends must not depend on it.
    const std::uint32_t places = std::max(flows.size(), flows.first_stateless() + settings.flows);
    const std::uint32_t end = std::min(places, sweep_cursor + places_a_burst);
    for (; sweep_cursor < end; ++sweep_cursor) {
        const std::uint32_t at = sweep_cursor;
        if (at >= flows.size() || !flows.live(at)) continue;
        if (flows.is_session(at) && (at & 1) == 0) sweep_session(sessions.ref_of(at >> 1));
        if (flows.live(at)) sweep_entry(at);
    }
    if (end < places) return;
    forgotten = sweep_until;
    sweep_until = image->vanished() > forgotten ? settled : 0;
    sweep_cursor = 0;
    if (sweep_until == 0) forgotten = settled;
}

void Shard::State::sweep_session(SessionRef session) {
    const TenantView& tenant = image->tenants()[sessions.flow(session, Direction::forward).key.scope];
    const auto is_gone = [&](std::uint32_t mapping) {
        return mapping != no_mapping && tenant.snat_position(nat[mapping].inside.snat_rule) == no_position;
    };
    const bool joined_gone = sessions.is_wide(session) && is_gone(sessions.wide(session).joined_mapping);
    if (!image->has({tenant.index, sessions.in_interface(session)}) || is_gone(sessions.mapping(session)) ||
        joined_gone) {
        end_session(session);
        ++counters.sessions.ended;
        return;
    }
    const std::uint32_t rule = sessions.rule(session);
    if (rule == default_rule || tenant.rule_position(rule) != no_position) return;
    // It will be judged again at its next packet; until then nobody has allowed it.
    settle(session);
    for (const Direction direction : {Direction::forward, Direction::reverse}) {
        FlowEntry& entry = sessions.flow(session, direction);
        entry.packets = entry.bytes_low = entry.bytes_high = 0;
    }
    sessions.set_rule(session, default_rule);
    clear_programs(session);
}

void Shard::State::sweep_entry(std::uint32_t at) {
    FlowTable& flows = sessions.flows;
    const FlowEntry& entry = flows[at];
    if (entry.program != no_program && (!image->has_ingress(static_cast<std::uint16_t>(entry.ingress)) ||
                                        refers_to_vanished(programs[entry.program]))) {
        clear_program(at);
    }
    if (flows.is_session(at)) return;
    const bool leads_nowhere = entry.aside != 0 && !image->tenants()[entry.aside - 1].exists();
    if (leads_nowhere || !image->has_ingress(entry.key.scope)) {
        clear_program(at);
        flows.remove(at);
    }
}

bool Shard::State::refers_to_vanished(const Program& program) const {
    if (!image->has(program.ingress) || !image->has(program.egress)) return true;
    for (std::uint32_t i = 0; i < program.router_count; ++i) {
        if (!image->tenants()[program.routers[i]].exists()) return true;
    }
    return false;
}

}  // namespace sluice
