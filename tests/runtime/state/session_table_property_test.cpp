// SPDX-License-Identifier: Apache-2.0
// The session table against a std::map from tuple to session.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

#include "runtime/state/session_table.h"

namespace sluice {
namespace {

struct Earlier {
    bool operator()(const Tuple& a, const Tuple& b) const {
        const auto key = [](const Tuple& t) {
            return std::tuple(t.source, t.destination, t.source_port, t.destination_port, t.scope);
        };
        return key(a) < key(b);
    }
};

/// Few values, so that tuples collide often.
Tuple random_tuple() {
    return {Ip::from_v4(*rc::gen::inRange(1u, 4u)),
            Ip::from_v4(*rc::gen::inRange(1u, 4u)),
            *rc::gen::inRange<std::uint16_t>(1, 4),
            *rc::gen::inRange<std::uint16_t>(1, 4),
            *rc::gen::inRange<std::uint16_t>(0, 2),
            protocol_udp,
            Family::v4};
}

RC_GTEST_PROP(SessionTableProperty, FindsLikeAMap, ()) {
    const auto capacity = *rc::gen::inRange(1u, 24u);
    SessionTable table(capacity, HashKey::from_seed(*rc::gen::arbitrary<std::uint64_t>()));
    std::map<Tuple, std::pair<SessionRef, Direction>, Earlier> model;
    std::vector<SessionRef> alive;
    const int steps = *rc::gen::inRange(1, 150);
    for (int step = 0; step < steps; ++step) {
        if (*rc::gen::inRange(0, 3) != 0 || alive.empty()) {
            const Tuple forward = random_tuple(), reverse = random_tuple();
            const bool may = alive.size() < capacity && !(forward == reverse) && !model.contains(forward) &&
                             !model.contains(reverse);
            const auto created = table.create(forward, reverse);
            RC_ASSERT(created.has_value() == may);
            if (!created) continue;
            model[forward] = {*created, Direction::forward};
            model[reverse] = {*created, Direction::reverse};
            alive.push_back(*created);
        } else {
            const auto victim = *rc::gen::inRange<std::size_t>(0, alive.size());
            const SessionRef gone = alive[victim];
            table.erase(gone);
            std::erase_if(model, [&](const auto& entry) { return entry.second.first == gone; });
            alive.erase(alive.begin() + static_cast<std::ptrdiff_t>(victim));
            RC_ASSERT(!table.alive(gone));
        }
        RC_ASSERT(table.size() == alive.size());
        for (const auto& [tuple, expected] : model) {
            const auto found = table.find(tuple);
            RC_ASSERT(found && found->session == expected.first && found->direction == expected.second);
        }
        const Tuple any = random_tuple();
        RC_ASSERT(table.find(any).has_value() == model.contains(any));
    }
}

}  // namespace
}  // namespace sluice
