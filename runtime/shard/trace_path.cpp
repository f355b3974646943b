// SPDX-License-Identifier: Apache-2.0
//
// New flows, replies that lost their entry, and denied packets, by what is known of their like: the path by
// look-ups alone, its key, and the program that the key stands for. What those look-ups cannot serve, the
// pipeline judges and names. A path that is new to the cache is remembered; what it comes to is the same.
#include <algorithm>

#include "runtime/cache/synthesize.h"
#include "runtime/shard/shard_state.h"
#include "runtime/stages/look_up_path.h"

namespace sluice {
namespace {

/// A tenant whose packets keep turning out to be unusual looks its paths up only now and then, so that they
/// cost no more than the pipeline's price.
constexpr std::uint8_t too_unusual = 16, most_unusual = 32;

}  // namespace

bool Shard::State::is_usual(std::uint16_t tenant) const {
    return unusual[place_of_tenant(tenant)] <= too_unusual || counters.cache.pipeline_runs % 16 == 0;
}

bool Shard::State::serve_by_trace(Arrival& arrival) {
    PacketView& packet = arrival.packet;
    const std::uint16_t tenant = arrival.ingress.tenant;
    if (!depends_on_look_ups_alone(packet.ip)) return false;
    if (!is_usual(tenant)) return false;
    std::uint8_t& doubt = unusual[place_of_tenant(tenant)];
    if (!look_up_path(*image, {sessions, nat, key, link_states}, &memo, packet, arrival.ingress, arrival.absent,
                      trace)) {
        // Of NAT64 it is known that it is not served here: it says nothing of the tenant's other packets.
        const bool nat64 = (trace.no_cache >> static_cast<unsigned>(NoCacheReason::NAT64) & 1) != 0;
        if (!nat64) doubt = std::min<std::uint8_t>(doubt + 1, most_unusual);
        return false;
    }
    doubt /= 2;

    const TraceKey trace_key = TraceKey::of(trace, packet.ip);
    const std::uint32_t epoch = image->tenants()[tenant].closure_changed;
    const std::uint32_t known = traces.find(trace_key, epoch, seen_tick());
    auto& count = counters.tenants[tenant].traces;
    arrival.trace_known = known != TraceCache::unknown;
    if (known != TraceCache::unknown) {
        ++counters.cache.trace_hits;
        ++count.hits;
    } else {
        ++counters.cache.pipeline_runs;
        ++count.misses;
    }
    if (trace.fate == Fate::drop) {
        if (known == TraceCache::unknown) {
            remember(trace_key, TraceCache::denied);
            count_uncacheable(trace.no_cache);
        }
        count_denied({&packet, 1});
        drop(packet.frame, component_of_trace(), DropReason::FW_DENY);
        return true;
    }
    if (known != TraceCache::unknown) {
        const std::uint64_t before = counters.sessions.created;
        forward({&packet, 1}, arrival, known);
        count.started += counters.sessions.created - before;
        return true;
    }
    const std::uint32_t program = programs.intern(synthesize(*image, trace, packet.ip));
    forward({&packet, 1}, arrival, program);
    if (program == no_program) return true;
    const std::uint32_t unless_opening = 1u << static_cast<unsigned>(NoCacheReason::TCP_FLAGS);
    if ((trace.no_cache & ~unless_opening) == 0) {
        remember(trace_key, program);
    } else {
        programs.release(program);
    }
    return true;
}

void Shard::State::remember(const TraceKey& trace_key, std::uint32_t program) {
    const std::uint16_t tenant = trace.ingress.tenant;
    const std::uint32_t former = traces.insert(trace_key, tenant, image->tenants()[tenant].closure_changed,
                                               program, seen_tick(), trace.ttl_cost);
    if (former != TraceCache::unknown) programs.release(former);
}

}  // namespace sluice
