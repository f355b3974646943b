// SPDX-License-Identifier: Apache-2.0
#include "runtime/control/pools.h"

#include <gtest/gtest.h>

#include "tests/support/compile.h"
#include "tests/support/packets.h"
#include "tests/support/test_gateway.h"

namespace sluice {
namespace {

using test::compile_texts;

std::vector<Pool> pool_at(std::uint32_t permille) {
    return {{"blue", "internet/203.0.113.10", {.mappings = 1, .fullest_permille = permille}}};
}

TEST(PoolAlarms, TellOnceUntilThereIsRoomAgain) {
    PoolAlarms alarms;
    EXPECT_TRUE(alarms.look(pool_at(899)).empty());
    const auto low = alarms.look(pool_at(953));
    ASSERT_EQ(low.size(), 1u);
    EXPECT_TRUE(low[0].low);
    EXPECT_EQ(
        low[0].text,
        "NAT pool internet/203.0.113.10 of tenant blue runs low: 95 % of the ports of one of its addresses "
        "are in use; give it more addresses, or hosts fewer sessions");
    EXPECT_TRUE(alarms.look(pool_at(1000)).empty());
    EXPECT_TRUE(alarms.look(pool_at(850)).empty());
    const auto room = alarms.look(pool_at(799));
    ASSERT_EQ(room.size(), 1u);
    EXPECT_FALSE(room[0].low);
    EXPECT_EQ(room[0].text,
              "NAT pool internet/203.0.113.10 of tenant blue has room again: 79 % in use at most");
    EXPECT_EQ(alarms.look(pool_at(900)).size(), 1u);
    EXPECT_TRUE(alarms.look({}).empty()) << "it has gone with a policy";
    EXPECT_EQ(alarms.look(pool_at(900)).size(), 1u);
}

TEST(Pools, AreAsFullAsTheirFullestAddressAndProtocol) {
    const auto image = compile_texts(
        {{"gateway.yaml",
          "gateway: edge\nmac: 02:00:5e:00:01:01\nports: {lan0: {}, uplink0: {}}\ntenants: [blue.yaml]\n"},
         {"blue.yaml",
          "tenant: blue\nsegments:\n  lan: {vlan: {port: lan0, id: 1}, gateway: 10.1.1.1/24}\nuplinks:\n  "
          "internet: {vlan: {port: uplink0, id: 1}, address: 203.0.113.2/24, neighbours: {203.0.113.1: "
          "\"02:00:00:00:09:01\"}}\nroutes:\n  - {to: 0.0.0.0/0, via: 203.0.113.1}\nnat:\n  - {snat: "
          "10.1.1.0/25, out: internet, to: 203.0.113.10-203.0.113.11, ports: 2000-2099}\n  - {snat: "
          "10.1.1.128/25, out: internet, to: 203.0.113.10-203.0.113.11, ports: 2000-2049}\nfirewall: {default: "
          "allow}\n"}});
    test::TestGateway gateway(*image);
    gateway.advance(nanoseconds_per_second);
    for (std::uint16_t port = 3000; port < 3025; ++port) {
        gateway.inject("lan0", test::udp({.vlan = 1, .source = "10.1.1.5", .source_port = port}));
        gateway.inject("lan0",
                       test::tcp({.vlan = 1, .source = "10.1.1.5", .source_port = port, .tcp_flags = 2}));
    }
    const auto pools = pools_of(gateway.image(), gateway.shard());
    ASSERT_EQ(pools.size(), 1u);
    EXPECT_EQ(pools[0].tenant, "blue");
    EXPECT_EQ(pools[0].name, "internet/203.0.113.10-203.0.113.11");
    EXPECT_EQ(pools[0].use.mappings, 50u);
    EXPECT_EQ(pools[0].use.fullest_permille, 500u) << "25 of the rule's 50 ports, of either protocol";
}

}  // namespace
}  // namespace sluice
