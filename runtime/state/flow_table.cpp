// SPDX-License-Identifier: Apache-2.0
#include "runtime/state/flow_table.h"

#include <algorithm>

#include "runtime/packet/view.h"

namespace sluice {
namespace {

constexpr std::uint32_t candidates_to_give_way = 8;

std::uint32_t entries_of(const FlowCapacity& capacity) {
    return 2 * capacity.sessions + 2 * capacity.wide_sessions + capacity.stateless_flows;
}

}  // namespace

FlowProbe FlowProbe::of(const Tuple& tuple, bool session, const HashKey& key) noexcept {
    FlowProbe probe;
    FlowKey& flow = probe.key;
    flow.scope = tuple.scope;
    flow.protocol = tuple.protocol;
    flow.source_port = __builtin_bswap16(tuple.source_port);
    flow.destination_port = __builtin_bswap16(tuple.destination_port);
    if (tuple.family == Family::v4) {
        flow.kind = session ? FlowKind::session4 : FlowKind::stateless4;
        flow.source = __builtin_bswap32(tuple.source.v4());
        flow.destination = __builtin_bswap32(tuple.destination.v4());
    } else {
        flow.kind = session ? FlowKind::session6 : FlowKind::stateless6;
        probe.source = tuple.source;
        probe.destination = tuple.destination;
        const std::uint64_t digest = KeyedHash(key)
                                         .add(tuple.source.hi, tuple.source.lo)
                                         .add(tuple.destination.hi, tuple.destination.lo)
                                         .value();
        flow.source = static_cast<std::uint32_t>(digest >> 32);
        flow.destination = static_cast<std::uint32_t>(digest);
    }
    probe.hash = hash_of(flow, key);
    return probe;
}

FlowTable::FlowTable(const FlowCapacity& capacity, const HashKey& key)
    : key_(key),
      first_wide_(2 * capacity.sessions),
      first_stateless_(first_wide_ + 2 * capacity.wide_sessions),
      hand_(first_stateless_),
      index_(entries_of(capacity)),
      entries_(entries_of(capacity)),
      wide_(entries_of(capacity) - first_wide_) {}

std::uint32_t FlowTable::find(const FlowProbe& probe) const noexcept {
    return index_.find(probe.hash, [&](std::uint32_t at) {
        if (!(entries_[at].key == probe.key)) return false;
        if (probe.key.kind == FlowKind::session4 || probe.key.kind == FlowKind::stateless4) return true;
        return wide(at).source == probe.source && wide(at).destination == probe.destination;
    });
}

bool FlowTable::put(std::uint32_t at, const FlowProbe& probe) noexcept {
    if (!put(at, probe.key, index_.home_of(probe.hash))) return false;
    if (is_wide(at) && probe.key.kind != FlowKind::stateless4)
        wide(at) = WideLine{probe.source, probe.destination, {}, {}};
    return true;
}

std::uint32_t FlowTable::place_for_stateless(std::uint32_t tick) noexcept {
    const std::uint32_t places = size() - first_stateless_;
    std::uint32_t best = no_flow, longest_idle = 0;
    for (std::uint32_t i = 0; i < std::min(candidates_to_give_way, places); ++i) {
        const std::uint32_t at = hand_;
        hand_ = hand_ + 1 == size() ? first_stateless_ : hand_ + 1;
        if (!live(at)) return at;
        const std::uint32_t idle = tick - entries_[at].last_seen;
        if (best == no_flow || idle > longest_idle) {
            best = at;
            longest_idle = idle;
        }
    }
    return best;
}

Tuple FlowTable::tuple(std::uint32_t at) const noexcept {
    const FlowKey& key = entries_[at].key;
    const bool v4 = key.kind == FlowKind::session4 || key.kind == FlowKind::stateless4;
    return {v4 ? Ip::from_v4(__builtin_bswap32(key.source)) : wide(at).source,
            v4 ? Ip::from_v4(__builtin_bswap32(key.destination)) : wide(at).destination,
            __builtin_bswap16(key.source_port),
            __builtin_bswap16(key.destination_port),
            key.scope,
            key.protocol,
            v4 ? Family::v4 : Family::v6};
}

}  // namespace sluice
