// SPDX-License-Identifier: Apache-2.0
// The NAT table against a list of sessions: everything else is worked out from that list each time.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>

#include "runtime/packet/view.h"
#include "tests/runtime/state/nat_policy.h"

namespace sluice {
namespace {

using test::NatPolicy;

struct Session {
    InsideEndpoint inside;
    Ip remote;
    std::uint32_t external;
    std::uint16_t port;
    std::uint32_t mapping;
};

struct Range {
    unsigned low, high;
};
constexpr unsigned published_low = 1026, published_high = 1027;
constexpr std::uint8_t published_protocol = protocol_udp;

class Model {
  public:
    Model(Range range, unsigned shard, unsigned shard_count)
        : range_(range), shard_(shard), shard_count_(shard_count) {}

    const Session* of(const InsideEndpoint& inside) const {
        const auto at = std::ranges::find(sessions, inside, &Session::inside);
        return at == sessions.end() ? nullptr : &*at;
    }
    bool used(std::uint8_t protocol, std::uint32_t external, unsigned port) const {
        return std::ranges::any_of(sessions, [&](const Session& session) {
            return session.inside.protocol == protocol && session.external == external && session.port == port;
        });
    }
    /// The ports that a new mapping of this endpoint may get: those of its parity if there are any.
    std::vector<unsigned> allowed(const InsideEndpoint& inside, std::uint32_t external) const {
        const bool low_class = inside.port < 1024;
        const auto in_class = [&](unsigned port) { return (port < 1024) == low_class; };
        bool has_class = false;
        for (unsigned port = std::max(range_.low, 1u); port <= range_.high; ++port) has_class |= in_class(port);
        std::vector<unsigned> same_parity, other_parity;
        for (unsigned port = std::max(range_.low, 1u); port <= range_.high; ++port) {
            if (has_class && !in_class(port)) continue;
            if ((port / 2) % shard_count_ != shard_) continue;
            const bool published = external == 0 && inside.protocol == published_protocol &&
                                   port >= published_low && port <= published_high;
            if (published || used(inside.protocol, external, port)) continue;
            (port % 2 == inside.port % 2 ? same_parity : other_parity).push_back(port);
        }
        return same_parity.empty() ? other_parity : same_parity;
    }
    bool accepts(std::uint32_t mapping, Ip remote) const {
        return std::ranges::any_of(sessions, [&](const Session& session) {
            return session.mapping == mapping && session.remote == remote;
        });
    }

    std::vector<Session> sessions;

  private:
    Range range_;
    unsigned shard_, shard_count_;
};

RC_GTEST_PROP(NatTableProperty, ServesLikeAListOfSessions, ()) {
    const unsigned low = *rc::gen::inRange(1010u, 1030u);
    const Range range{low, low + *rc::gen::inRange(0u, 24u)};
    const auto pool = *rc::gen::inRange(1u, 4u);
    const auto shard_count = *rc::gen::inRange<std::uint16_t>(1, 4);
    const auto shard = *rc::gen::inRange<std::uint16_t>(0, shard_count);
    const NatPolicy policy(0, pool, static_cast<std::uint16_t>(range.low),
                           static_cast<std::uint16_t>(range.high),
                           {NatPolicy::publish(published_protocol, published_low, published_high)});
    const auto key = HashKey::from_seed(*rc::gen::arbitrary<std::uint64_t>());
    NatTable nat(std::span(&policy.view(), 1), 200, key, shard, shard_count);
    Model model(range, shard, shard_count);
    std::map<std::pair<Ip, std::uint32_t>, std::uint32_t> address_of_host;

    const int steps = *rc::gen::inRange(1, 120);
    for (int step = 0; step < steps; ++step) {
        const Ip remote = Ip::from_v4(*rc::gen::inRange(100u, 103u));
        if (!model.sessions.empty() && *rc::gen::inRange(0, 3) == 0) {
            const auto at =
                model.sessions.begin() + *rc::gen::inRange<int>(0, static_cast<int>(model.sessions.size()));
            nat.release(at->mapping, at->remote);
            model.sessions.erase(at);
        } else {
            const InsideEndpoint inside{
                Ip::from_v4(*rc::gen::inRange(1u, 6u)),
                0,
                *rc::gen::inRange<std::uint16_t>(1018, 1030),
                0,
                *rc::gen::elementOf(std::vector<std::uint8_t>{protocol_tcp, protocol_udp}),
                Family::v4};
            const auto choice = nat.choose(inside);
            if (const Session* known = model.of(inside)) {
                RC_ASSERT(choice && choice->mapping == known->mapping);
                RC_ASSERT(choice->external_port == known->port && choice->external == known->external);
            } else if (choice) {
                RC_ASSERT(choice->mapping == no_mapping && choice->external < pool);
                const auto allowed = model.allowed(inside, choice->external);
                RC_ASSERT(std::ranges::find(allowed, choice->external_port) != allowed.end());
            }
            if (choice) {
                const auto [paired, first] = address_of_host.try_emplace({inside.ip, 0}, choice->external);
                RC_ASSERT(paired->second == choice->external);
                const std::uint32_t mapping = nat.commit(inside, *choice, remote);
                RC_ASSERT(mapping != no_mapping);
                model.sessions.push_back({inside, remote, choice->external, choice->external_port, mapping});
            } else if (const auto paired = address_of_host.find({inside.ip, 0});
                       paired != address_of_host.end()) {
                RC_ASSERT(model.allowed(inside, paired->second).empty());
            }
        }
        std::map<std::uint32_t, std::uint32_t> count_of;
        for (const Session& session : model.sessions) ++count_of[session.mapping];
        RC_ASSERT(nat.size() == count_of.size());
        for (const Session& session : model.sessions) {
            RC_ASSERT(nat[session.mapping].sessions == count_of[session.mapping]);
            RC_ASSERT(nat.find_outside(0, session.inside.protocol, Family::v4,
                                       NatPolicy::address(0, session.external),
                                       session.port) == session.mapping);
            RC_ASSERT(nat.accepts(session.mapping, remote) == model.accepts(session.mapping, remote));
        }
    }
}

}  // namespace
}  // namespace sluice
