// SPDX-License-Identifier: Apache-2.0
// Ports in blocks against a list of mappings: whose block a port is in is worked out from that list each time.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "runtime/packet/view.h"
#include "runtime/state/nat_change.h"
#include "tests/runtime/state/nat_policy.h"

namespace sluice {
namespace {

using test::NatPolicy;

struct Made {
    InsideEndpoint inside;
    std::uint32_t external, mapping;
    std::uint16_t port;
};

constexpr unsigned low = 1024, published = 1100;

class Model {
  public:
    Model(unsigned high, unsigned size, unsigned most) : high_(high), size_(size), most_(most) {}

    unsigned block_of(std::uint16_t port) const { return port / size_; }
    /// By address and block: who has it.
    std::map<std::pair<std::uint32_t, unsigned>, Ip> owners() const {
        std::map<std::pair<std::uint32_t, unsigned>, Ip> all;
        for (const Made& one : made) {
            const auto [at, is_new] = all.emplace(std::pair(one.external, block_of(one.port)), one.inside.ip);
            RC_ASSERT(at->second == one.inside.ip);
        }
        return all;
    }
    bool used(const InsideEndpoint& inside, std::uint32_t external, unsigned port) const {
        return std::ranges::any_of(made, [&](const Made& one) {
            return one.inside.protocol == inside.protocol && one.external == external && one.port == port;
        });
    }
    bool has_room(const InsideEndpoint& inside, std::uint32_t external) const {
        const auto taken = owners();
        unsigned held = 0;
        for (const auto& [block, owner] : taken) {
            if (block.first != external || owner != inside.ip) continue;
            ++held;
            for (unsigned port = block.second * size_; port < (block.second + 1) * size_; ++port) {
                if (!used(inside, external, port)) return true;
            }
        }
        if (held >= most_) return false;
        for (unsigned block = (low + size_ - 1) / size_; (block + 1) * size_ <= high_ + 1; ++block) {
            const bool is_published = external == 0 && block_of(published) == block;
            if (!is_published && !taken.contains({external, block})) return true;
        }
        return false;
    }
    unsigned blocks_of(Ip host, std::uint32_t external) const {
        unsigned count = 0;
        for (const auto& [block, owner] : owners()) count += block.first == external && owner == host ? 1 : 0;
        return count;
    }

    std::vector<Made> made;

  private:
    unsigned high_, size_, most_;
};

RC_GTEST_PROP(NatBlocks, AreTheirHostsAlone, ()) {
    const unsigned size = *rc::gen::element(8u, 16u, 64u);
    const unsigned most = *rc::gen::inRange(1u, 4u);
    const unsigned high = low + *rc::gen::inRange(size - 1, 8 * size);
    const auto pool = *rc::gen::inRange(1u, 3u);
    const NatPolicy policy(0, pool, low, static_cast<std::uint16_t>(high),
                           {NatPolicy::publish(protocol_udp, published, published)},
                           static_cast<std::uint16_t>(size), static_cast<std::uint16_t>(most));
    const auto key = HashKey::from_seed(*rc::gen::arbitrary<std::uint64_t>());
    NatTable nat(std::span(&policy.view(), 1), 300, key);
    Model model(high, size, most);
    std::map<Ip, std::uint32_t> address_of_host;
    std::set<std::tuple<Ip, Ip, unsigned>> told;  // host, external, first port

    const int steps = *rc::gen::inRange(1, 200);
    for (int step = 0; step < steps; ++step) {
        if (!model.made.empty() && *rc::gen::inRange(0, 5) < 2) {
            const auto at = model.made.begin() + *rc::gen::inRange<int>(0, static_cast<int>(model.made.size()));
            nat.release(at->mapping, Ip::from_v4(9));
            model.made.erase(at);
        } else {
            const InsideEndpoint inside{Ip::from_v4(*rc::gen::inRange(1u, 6u)),
                                        0,
                                        *rc::gen::inRange<std::uint16_t>(2000, 2040),
                                        0,
                                        *rc::gen::element(protocol_tcp, protocol_udp, protocol_icmp),
                                        Family::v4};
            const auto choice = nat.choose(inside);
            if (!choice) {
                const auto paired = address_of_host.find(inside.ip);
                if (paired != address_of_host.end()) RC_ASSERT(!model.has_room(inside, paired->second));
                continue;
            }
            const auto [paired, first] = address_of_host.try_emplace(inside.ip, choice->external);
            RC_ASSERT(paired->second == choice->external);
            if (choice->mapping == no_mapping) {
                RC_ASSERT(model.has_room(inside, choice->external));
                RC_ASSERT(choice->external_port >= low && choice->external_port <= high);
            }
            const std::uint32_t mapping = nat.commit(inside, *choice, Ip::from_v4(9));
            RC_ASSERT(mapping != no_mapping);
            if (choice->mapping == no_mapping) {
                model.made.push_back({inside, choice->external, mapping, choice->external_port});
            } else {
                nat.release(mapping, Ip::from_v4(9));
            }
        }
        const auto owners = model.owners();
        RC_ASSERT(nat.blocks() == owners.size());
        for (const Made& one : model.made) {
            RC_ASSERT(model.blocks_of(one.inside.ip, one.external) <= most);
            RC_ASSERT(nat[one.mapping].external_port == one.port);
        }
        // What was told is what there is.
        for (const BlockEvent& event : nat.block_events()) {
            const auto block = std::tuple(event.host, event.external, unsigned{event.first_port});
            RC_ASSERT(event.last_port - event.first_port + 1u == size);
            const bool changed = event.taken ? told.insert(block).second : told.erase(block) == 1;
            RC_ASSERT(changed);
        }
        nat.forget_block_events();
        RC_ASSERT(told.size() == owners.size());
        for (const auto& [block, owner] : owners) {
            RC_ASSERT(told.contains({owner, NatPolicy::address(0, block.first), block.second * size}));
        }
        std::uint32_t fullest = 0;
        for (std::uint32_t external = 0; external < pool; ++external) {
            const auto of_address =
                std::ranges::count_if(owners, [&](const auto& block) { return block.first.first == external; });
            fullest =
                std::max(fullest, static_cast<std::uint32_t>(of_address) * size * 1000 / (high - low + 1));
        }
        RC_ASSERT(nat.use_of_pool(0, 0).fullest_permille == fullest);
        RC_ASSERT(nat.use_of_pool(0, 0).mappings == model.made.size());
    }
}

TEST(NatBlocks, OfAnEarlierPolicyStayTheirHosts) {
    const NatPolicy with(0, 1, 1024, 1024 + 63, {}, 32, 2);
    NatTable nat(std::span(&with.view(), 1), 300, {});
    const auto endpoint = [](std::uint32_t host, std::uint16_t port) {
        return InsideEndpoint{Ip::from_v4(host), 0, port, 0, protocol_udp, Family::v4};
    };
    const auto held = nat.choose(endpoint(1, 2000));
    ASSERT_TRUE(held);
    ASSERT_NE(nat.commit(endpoint(1, 2000), *held, Ip::from_v4(9)), no_mapping);
    const NatPolicy without(0, 1, 1024, 1024 + 63);
    const auto change = nat.prepare(std::span(&without.view(), 1));
    nat.activate(*change);
    std::set<std::uint16_t> ports;
    for (std::uint16_t port = 3000; port < 3100; ++port) {
        const auto choice = nat.choose(endpoint(2, port));
        if (!choice) continue;
        ASSERT_NE(nat.commit(endpoint(2, port), *choice, Ip::from_v4(9)), no_mapping);
        ports.insert(choice->external_port);
    }
    EXPECT_EQ(ports.size(), 32u);
    for (const std::uint16_t port : ports) EXPECT_NE(port / 32, held->external_port / 32);
}

}  // namespace
}  // namespace sluice
