// SPDX-License-Identifier: Apache-2.0
//
// What a call into the shard gave back. Plain data; the caller's.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/packet/frame.h"
#include "runtime/state/tuple.h"
#include "schemas/image_generated.h"

namespace sluice {

/// A rule with `log: true` decided about a first packet: a session it allowed, or a packet it dropped or
/// rejected.
struct RuleEvent {
    Time at = 0;
    Tuple packet;  // as it came; scope is the tenant
    std::uint32_t rule = 0;
    image::FirewallAction action{};
    friend bool operator==(const RuleEvent&, const RuleEvent&) = default;
};

/// The caller sends `transmitted` in this order, frees `released`, tells people of `events`, and clears all.
struct Output {
    /// A call gives back no more events than this: a flood of denied packets must not become a flood of lines.
    static constexpr std::size_t most_events = 256;

    std::vector<Frame> transmitted;
    std::vector<Frame> released;
    std::vector<RuleEvent> events;
    std::uint64_t events_left_out = 0;

    Output() {
        transmitted.reserve(4096);
        released.reserve(4096);
        events.reserve(most_events);
    }
    void add(const RuleEvent& event) {
        if (events.size() < most_events) {
            events.push_back(event);
        } else {
            ++events_left_out;
        }
    }
    void clear() {
        transmitted.clear();
        released.clear();
        events.clear();
        events_left_out = 0;
    }
};

}  // namespace sluice
