// SPDX-License-Identifier: Apache-2.0
#include "runtime/state/nat_table.h"

#include <gtest/gtest.h>

#include <set>

#include "runtime/packet/view.h"
#include "tests/runtime/state/nat_policy.h"

namespace sluice {
namespace {

using test::NatPolicy;

const Ip server = Ip::from_v4(0x08080808), other_server = Ip::from_v4(0x08080404);

InsideEndpoint inside(std::uint32_t ip, std::uint16_t port, std::uint8_t protocol = protocol_udp,
                      std::uint16_t tenant = 0, std::uint32_t rule = 0) {
    return {Ip::from_v4(ip), rule, port, tenant, protocol, Family::v4};
}

std::uint32_t open(NatTable& nat, const InsideEndpoint& endpoint, Ip remote = server) {
    const auto choice = nat.choose(endpoint);
    return choice ? nat.commit(endpoint, *choice, remote) : no_mapping;
}

NatTable table_of(const NatPolicy& policy, std::uint32_t capacity = 64) {
    return NatTable(std::span(&policy.view(), 1), capacity, {});
}

TEST(NatTable, MapsIndependentlyOfTheEndpoint) {
    const NatPolicy policy(0, 1, 1024, 65535);
    NatTable nat = table_of(policy);
    const auto first = open(nat, inside(1, 5000), server);
    ASSERT_NE(first, no_mapping);
    EXPECT_EQ(open(nat, inside(1, 5000), other_server), first);
    EXPECT_EQ(nat[first].sessions, 2u);
    EXPECT_EQ(nat[first].external_ip, NatPolicy::address(0, 0));
    EXPECT_EQ(nat.find_outside(0, protocol_udp, Family::v4, nat[first].external_ip, nat[first].external_port),
              first);
    EXPECT_EQ(nat.size(), 1u);
}

TEST(NatTable, ChoosingChangesNothing) {
    const NatPolicy policy(0, 4, 1024, 65535);
    NatTable nat = table_of(policy);
    const auto first = nat.choose(inside(1, 5000));
    const auto second = nat.choose(inside(1, 5000));
    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->external_port, second->external_port);
    EXPECT_EQ(first->mapping, no_mapping);
    EXPECT_EQ(nat.size(), 0u);
}

TEST(NatTable, ProtocolsHavePortSpacesOfTheirOwn) {
    const NatPolicy policy(0, 1, 2000, 2000);
    NatTable nat = table_of(policy);
    for (const std::uint8_t protocol : {protocol_tcp, protocol_udp, protocol_icmp}) {
        EXPECT_NE(open(nat, inside(1, 5000, protocol)), no_mapping);
        EXPECT_FALSE(nat.choose(inside(2, 5000, protocol))) << "its one port is taken";
    }
    EXPECT_FALSE(nat.choose(inside(1, 0, 47))) << "GRE has no ports";
}

TEST(NatTable, FiltersByRemoteAddress) {
    const NatPolicy policy(0, 1, 1024, 65535);
    NatTable nat = table_of(policy);
    const auto mapping = open(nat, inside(1, 5000), server);
    open(nat, inside(1, 5000), server);
    nat.join(mapping, server);
    EXPECT_TRUE(nat.accepts(mapping, server));
    EXPECT_FALSE(nat.accepts(mapping, other_server));
    nat.release(mapping, server);
    nat.release(mapping, server);
    EXPECT_TRUE(nat.accepts(mapping, server)) << "one session is left";
    open(nat, inside(1, 5000), other_server);
    nat.release(mapping, server);
    EXPECT_FALSE(nat.accepts(mapping, server));
    EXPECT_TRUE(nat.accepts(mapping, other_server));
}

TEST(NatTable, APortIsFreeAgainWithTheLastSession) {
    const NatPolicy policy(0, 1, 2000, 2000);
    NatTable nat = table_of(policy);
    const auto mapping = open(nat, inside(1, 5000));
    nat.release(mapping, server);
    EXPECT_EQ(nat.size(), 0u);
    EXPECT_EQ(nat.find_outside(0, protocol_udp, Family::v4, NatPolicy::address(0, 0), 2000), no_mapping);
    EXPECT_NE(open(nat, inside(2, 5000)), no_mapping);
}

// RFC 6888 REQ-8.
TEST(NatTable, APortThatStrangersMaySendToRestsForTwoMinutes) {
    const NatPolicy policy(0, 1, 2000, 2000, {}, 0, 0, 1);
    NatTable nat = table_of(policy);
    nat.advance(1000);
    nat.undo(open(nat, inside(1, 5000)), server);  // no packet has left
    nat.release(open(nat, inside(1, 5000)), server);
    EXPECT_EQ(nat.size(), 0u);
    EXPECT_EQ(nat.use_of_pool(0, 0).mappings, 1u);
    EXPECT_FALSE(nat.choose(inside(2, 5000)));
    nat.advance(1000 + RestingPorts::ticks);
    EXPECT_FALSE(nat.choose(inside(2, 5000)));
    nat.advance(1001 + RestingPorts::ticks);
    EXPECT_EQ(nat.use_of_pool(0, 0).mappings, 0u);
    EXPECT_TRUE(nat.choose(inside(2, 5000)));
}

TEST(NatTable, PortsThatNobodyCanRememberRestNot) {
    constexpr std::uint16_t most = 2 * 2;  // as many as mappings of both families
    const NatPolicy policy(0, 1, 2000, 2000 + most, {}, 0, 0, 1);
    NatTable nat = table_of(policy, 2);
    for (std::uint16_t i = 0; i <= most; ++i) {
        nat.release(open(nat, inside(1, static_cast<std::uint16_t>(5000 + i))), server);
    }
    EXPECT_EQ(nat.use_of_pool(0, 0).mappings, most);
    EXPECT_TRUE(nat.choose(inside(2, 5000)));
    nat.advance(RestingPorts::ticks + 1);
    EXPECT_EQ(nat.use_of_pool(0, 0).mappings, 0u);
    for (std::uint16_t i = 0; i < 100; ++i) {  // the queue goes round
        nat.release(open(nat, inside(1, static_cast<std::uint16_t>(6000 + i))), server);
        nat.advance((i + 2u) * (RestingPorts::ticks + 1));
    }
    EXPECT_EQ(nat.use_of_pool(0, 0).mappings, 0u);
}

TEST(NatTable, MtA20APoolOfTwoPortsServesTwo) {
    const NatPolicy policy(0, 1, 2000, 2001);
    NatTable nat = table_of(policy);
    std::set<unsigned> ports{nat[open(nat, inside(1, 5000))].external_port,
                             nat[open(nat, inside(2, 5000))].external_port};
    EXPECT_EQ(ports, (std::set<unsigned>{2000, 2001})) << "the other parity where one's own is used up";
    EXPECT_FALSE(nat.choose(inside(3, 5000)));
}

TEST(NatTable, KeepsPortClassAndParity) {
    const NatPolicy policy(0, 1, 1, 65535);
    NatTable nat = table_of(policy, 4096);
    for (std::uint16_t port = 1; port < 2000; port += 7) {
        const auto choice = nat.choose(inside(port, port));
        ASSERT_TRUE(choice);
        EXPECT_EQ(choice->external_port < 1024, port < 1024) << port;
        EXPECT_EQ(choice->external_port & 1, port & 1) << port;
        EXPECT_NE(choice->external_port, 0);
    }
}

TEST(NatTable, ARangeWithoutTheClassServesIt) {
    const NatPolicy high(0, 1, 2000, 3000), low(0, 1, 100, 200);
    const auto from_low = table_of(high).choose(inside(1, 53));
    const auto from_high = table_of(low).choose(inside(1, 5000));
    ASSERT_TRUE(from_low && from_high);
    EXPECT_GE(from_low->external_port, 2000);
    EXPECT_LE(from_high->external_port, 200);
}

TEST(NatTable, AHostKeepsOneAddressOfThePool) {
    const NatPolicy policy(0, 8, 1024, 65535);
    NatTable nat = table_of(policy, 4096);
    std::set<std::uint32_t> addresses;
    for (std::uint32_t host = 1; host < 100; ++host) {
        const auto first = nat.choose(inside(host, 1))->external;
        addresses.insert(first);
        for (std::uint16_t port = 2; port < 10; ++port)
            EXPECT_EQ(nat.choose(inside(host, port))->external, first);
        EXPECT_EQ(nat.choose(inside(host, 1, protocol_tcp))->external, first);
    }
    EXPECT_EQ(addresses.size(), 8u) << "hosts spread over the pool";
}

// RFC 7857 4: other addresses of the pool have ports, but the host is known by this one.
TEST(NatTable, AHostWhoseAddressHasNoPortIsRefused) {
    const NatPolicy policy(0, 8, 2000, 2001);
    NatTable nat = table_of(policy);
    ASSERT_NE(open(nat, inside(1, 5000)), no_mapping);
    ASSERT_NE(open(nat, inside(1, 5001)), no_mapping);
    EXPECT_FALSE(nat.choose(inside(1, 5002)));
    std::uint32_t served = 0;
    for (std::uint32_t host = 2; host < 40; ++host) served += nat.choose(inside(host, 5000)) ? 1 : 0;
    EXPECT_GT(served, 20u) << "hosts of the other seven";
}

TEST(NatTable, LeavesOutWhatDnatPublishes) {
    const NatPolicy tcp_range(0, 1, 2000, 2003, {NatPolicy::publish(protocol_tcp, 2000, 2002)});
    NatTable nat = table_of(tcp_range);
    EXPECT_EQ(nat.choose(inside(1, 5000, protocol_tcp))->external_port, 2003);
    open(nat, inside(1, 5000, protocol_tcp));
    EXPECT_FALSE(nat.choose(inside(2, 5000, protocol_tcp)));
    EXPECT_TRUE(nat.choose(inside(2, 5000, protocol_udp))) << "only TCP is published";

    const NatPolicy everything(0, 1, 2000, 2003, {NatPolicy::publish(0, 0, 0)});
    EXPECT_FALSE(table_of(everything).choose(inside(1, 5000)));
    EXPECT_FALSE(table_of(everything).choose(inside(1, 5000, protocol_icmp)));
}

TEST(NatTable, ReleasingDoesNotFreeAPublishedPort) {
    const NatPolicy policy(0, 1, 2000, 2001, {NatPolicy::publish(protocol_udp, 2000, 2000)});
    NatTable nat = table_of(policy);
    nat.release(open(nat, inside(1, 5000)), server);
    EXPECT_EQ(nat.choose(inside(1, 5000))->external_port, 2001);
}

TEST(NatTable, TakesPortsOfItsShardOnly) {
    const NatPolicy policy(0, 1, 1024, 65535);
    for (std::uint16_t shard = 0; shard < 3; ++shard) {
        const NatTable nat(std::span(&policy.view(), 1), 16, {}, shard, 3);
        for (std::uint16_t port = 3000; port < 3100; ++port) {
            const auto choice = nat.choose(inside(1, port));
            ASSERT_TRUE(choice);
            EXPECT_EQ((choice->external_port >> 1) % 3, shard);
            EXPECT_EQ(choice->external_port & 1, port & 1);
        }
    }
}

TEST(NatTable, TenantsAreApart) {
    const NatPolicy red(0, 1, 2000, 2000), blue(1, 1, 2000, 2000);
    const std::vector<TenantView> tenants{red.view(), blue.view()};
    NatTable nat(tenants, 16, {});
    const auto a = open(nat, inside(1, 5000, protocol_udp, 0)), b = open(nat, inside(1, 5000, protocol_udp, 1));
    ASSERT_NE(a, no_mapping);
    ASSERT_NE(b, no_mapping);
    EXPECT_EQ(nat.find_outside(0, protocol_udp, Family::v4, NatPolicy::address(1, 0), 2000), no_mapping);
    EXPECT_EQ(nat.find_outside(1, protocol_udp, Family::v4, NatPolicy::address(1, 0), 2000), b);
}

TEST(NatTable, RulesThatShareAnAddressShareItsPorts) {
    const NatPolicy policy(0, 1, 2000, 2001);
    NatTable nat = table_of(policy);
    const auto low = open(nat, inside(1, 5000));
    const auto high = open(nat, inside(2, 5000));
    EXPECT_NE(low, high);
    for (std::uint32_t host = 3; host < 40; ++host) {
        const auto choice = nat.choose(inside(host, 5000, protocol_udp, 0, 1));
        EXPECT_TRUE(choice->external_port != 2000 && choice->external_port != 2001);
    }
}

TEST(NatTable, AChoiceThatWasOvertakenIsNotCommitted) {
    const NatPolicy policy(0, 1, 2000, 2000);
    NatTable nat = table_of(policy);
    const auto first = nat.choose(inside(1, 5000)), second = nat.choose(inside(2, 5000));
    ASSERT_TRUE(first && second);
    EXPECT_NE(nat.commit(inside(1, 5000), *first, server), no_mapping);
    EXPECT_EQ(nat.commit(inside(2, 5000), *second, server), no_mapping);
    EXPECT_EQ(nat.size(), 1u);
    EXPECT_NE(nat.commit(inside(1, 5000), *first, server), no_mapping) << "the same endpoint twice shares";
}

TEST(NatTable, AFullTableChangesNothing) {
    const NatPolicy policy(0, 1, 1024, 65535);
    NatTable nat = table_of(policy, 1);
    const auto mapping = open(nat, inside(1, 5000), server);
    EXPECT_EQ(open(nat, inside(2, 5000), server), no_mapping);
    EXPECT_EQ(open(nat, inside(1, 5000), other_server), no_mapping) << "no room for its remote address";
    EXPECT_EQ(nat[mapping].sessions, 1u);
    EXPECT_EQ(open(nat, inside(1, 5000), server), mapping);
}

}  // namespace
}  // namespace sluice
