// SPDX-License-Identifier: Apache-2.0
#include "runtime/state/counters.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using testing::ElementsAre;

struct CountersTest : testing::Test {
    CountersTest() {
        tenants[0].name = "red";
        tenants[0].interface_names = {"web", "internet"};
        tenants[1].name = "blue";
        tenants[1].interface_names = {"lan"};
        tenants[1].rules = rules;
    }
    std::vector<image::FirewallRule> rules{3};
    std::vector<TenantView> tenants{2};
    std::vector<std::string_view> ports{"wan", "lan"};
};

TEST_F(CountersTest, NamesItsComponents) {
    const Counters counters(ports, tenants);
    EXPECT_THAT(counters.component_names,
                ElementsAre("gateway.wan", "gateway.lan", "red.sr", "red.dr", "red.web", "red.internet",
                            "blue.sr", "blue.dr", "blue.lan"));
    EXPECT_EQ(counters.component_names[counters.port_component(1)], "gateway.lan");
    EXPECT_EQ(counters.component_names[counters.service_router(1)], "blue.sr");
    EXPECT_EQ(counters.component_names[counters.distributed_router(0)], "red.dr");
    EXPECT_EQ(counters.component_names[counters.interface_component(0, 1)], "red.internet");
}

TEST_F(CountersTest, TheDefaultRuleComesBehindTheOthers) {
    Counters counters(ports, tenants);
    ++counters.rule(1, 2).sessions;
    ++counters.rule(1, 0xffffffff).packets;
    ++counters.rule(0, 0xffffffff).packets;
    EXPECT_EQ(counters.tenants[1].rules[2].sessions, 1u);
    EXPECT_EQ(counters.tenants[1].rules[3].packets, 1u);
    EXPECT_EQ(counters.tenants[0].rules[0].packets, 1u);
}

TEST_F(CountersTest, BalancesEachTerm) {
    Counters counters(ports, tenants);
    EXPECT_TRUE(counters.balanced());
    counters.rx[0].packets = 10;
    counters.originated = 2;
    counters.copies = 1;
    EXPECT_FALSE(counters.balanced());
    counters.tx[1].packets = 6;
    counters.consumed = 3;
    counters.held = 2;
    EXPECT_FALSE(counters.balanced());
    counters.drop(0, DropReason::SHORT);
    counters.drop(8, DropReason::NO_ROUTE);
    EXPECT_EQ(counters.total_drops(), 2u);
    EXPECT_TRUE(counters.balanced());
}

TEST_F(CountersTest, AddsEveryTermOfAnotherShard) {
    Counters a(ports, tenants);
    a.rx[0].add(60);
    a.tx[1].add(100);
    a.originated = 1, a.copies = 2, a.consumed = 3, a.held = 4;
    a.drop(3, DropReason::FW_DENY);
    a.tenants[0].rx.add(60);
    a.tenants[0].tx.add(61);
    a.rule(1, 0) = {5, 6, 7};
    a.cache.flow_hits = 1, a.cache.trace_hits = 2, a.cache.pipeline_runs = 3, a.cache.revalidated = 4;
    a.cache.uncacheable[2] = 9;
    a.sessions = {1, 2, 3};
    Counters sum(ports, tenants);
    sum.add(a);
    sum.add(a);
    EXPECT_EQ(sum.rx[0].packets, 2u);
    EXPECT_EQ(sum.rx[0].bytes, 120u);
    EXPECT_EQ(sum.tx[1].bytes, 200u);
    EXPECT_EQ(sum.originated + sum.copies + sum.consumed + sum.held, 20u);
    EXPECT_EQ(sum.total_drops(), 2u);
    EXPECT_EQ(sum.drops[3][static_cast<std::size_t>(DropReason::FW_DENY)], 2u);
    EXPECT_EQ(sum.tenants[0].rx.bytes, 120u);
    EXPECT_EQ(sum.tenants[0].tx.bytes, 122u);
    EXPECT_EQ(sum.rule(1, 0).sessions, 10u);
    EXPECT_EQ(sum.rule(1, 0).packets, 12u);
    EXPECT_EQ(sum.rule(1, 0).bytes, 14u);
    EXPECT_EQ(sum.cache.flow_hits + sum.cache.trace_hits + sum.cache.pipeline_runs + sum.cache.revalidated,
              20u);
    EXPECT_EQ(sum.cache.uncacheable[2], 18u);
    EXPECT_EQ(sum.sessions.created + sum.sessions.expired + sum.sessions.active, 12u);
}

}  // namespace
}  // namespace sluice
