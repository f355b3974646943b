// SPDX-License-Identifier: Apache-2.0
#include "runtime/control/report.h"

#include <nlohmann/json.hpp>

#include "tests/support/compile.h"

namespace sluice {
namespace {

std::unique_ptr<const Image> two_tenants() {
    return test::compile_texts(
        {{"gateway.yaml",
          "gateway: edge\nmac: 02:00:5e:00:01:01\nports: {access0: {mtu: 1500}, spare0: {mtu: 1500}}\n"
          "tenants: [blue.yaml, red.yaml]\n"},
         {"blue.yaml",
          "tenant: blue\n"
          "segments: {web: {vlan: {port: access0, id: 110}, gateway: 10.1.1.1/24}}\n"
          "firewall: {rules: [{name: zebra, from: web, to: web, action: allow}, "
          "{name: ant, from: any, to: any, action: drop}]}\n"},
         {"red.yaml",
          "tenant: red\n"
          "segments: {web: {vlan: {port: access0, id: 210}, gateway: 10.1.1.1/24}}\n"}});
}

class ReportTest : public testing::Test {
  protected:
    std::unique_ptr<const Image> image_ = two_tenants();
    Counters counters_{*image_};
    nlohmann::ordered_json report() { return counters_report(*image_, counters_); }
};

TEST_F(ReportTest, ListsEveryPortTenantAndRuleInTheirOrder) {
    const auto json = report();
    EXPECT_EQ(json["rx"].dump(), R"({"packets":0,"bytes":0,"ports":{"access0":0,"spare0":0}})");
    std::vector<std::string> tenants, rules;
    for (const auto& [name, tenant] : json["tenants"].items()) tenants.push_back(name);
    for (const auto& [name, rule] : json["tenants"]["blue"]["rules"].items()) rules.push_back(name);
    EXPECT_EQ(tenants, (std::vector<std::string>{"blue", "red"}));
    EXPECT_EQ(rules, (std::vector<std::string>{"zebra", "ant", "default"}));
}

TEST_F(ReportTest, ListsOnlyWhatWasDroppedSortedByName) {
    counters_.drop(counters_.service_router(1), DropReason::FW_DENY);
    counters_.drop(counters_.service_router(0), DropReason::NAT_FILTERED);
    counters_.drop(counters_.service_router(0), DropReason::FW_DENY);
    counters_.drop(counters_.port_component(0), DropReason::UNKNOWN_VLAN);
    EXPECT_EQ(
        report()["drops"].dump(),
        R"({"blue.sr.FW_DENY":1,"blue.sr.NAT_FILTERED":1,"gateway.access0.UNKNOWN_VLAN":1,"red.sr.FW_DENY":1})");
}

TEST_F(ReportTest, ListsOnlyReasonsForNotCachingThatOccurred) {
    counters_.cache.uncacheable[static_cast<std::size_t>(NoCacheReason::TCP_FLAGS)] = 4;
    counters_.cache.uncacheable[static_cast<std::size_t>(NoCacheReason::FRAGMENT)] = 2;
    EXPECT_EQ(report()["cache"]["uncacheable"].dump(), R"({"FRAGMENT":2,"TCP_FLAGS":4})");
}

TEST_F(ReportTest, BalancedIsComputed) {
    counters_.rx[0].add(60);
    EXPECT_EQ(report()["balanced"], false);
    counters_.tx[1].add(60);
    EXPECT_EQ(report()["balanced"], true);
    counters_.originated = 2;
    counters_.copies = 3;
    counters_.consumed = 3;
    counters_.held = 1;
    EXPECT_EQ(report()["balanced"], false);
    counters_.drop(0, DropReason::SHORT);
    EXPECT_EQ(report()["balanced"], true);
}

TEST_F(ReportTest, SummaryShowsWhatHappenedAndNothingElse) {
    counters_.rx[0] = {3, 300};
    counters_.tx[0] = {1, 100};
    counters_.tenants[0].rx = {2, 200};
    counters_.tenants[0].tx = {1, 100};
    counters_.rule(0, 0) = {1, 1, 100};
    counters_.drop(counters_.service_router(0), DropReason::FW_DENY);
    counters_.drop(counters_.port_component(0), DropReason::UNKNOWN_VLAN);
    EXPECT_EQ(summary_text(report()),
              "received 3 packets, 300 bytes; sent 1 packets, 100 bytes\n"
              "originated 0, copies 0, consumed 0, held 0\n"
              "sessions 0 created, 0 expired, 0 active\n"
              "before a tenant was known\n"
              "    dropped          1  access0.UNKNOWN_VLAN\n"
              "tenant blue: received 2, sent 1\n"
              "    rule             1  zebra (1 sessions, 100 bytes)\n"
              "    dropped          1  sr.FW_DENY\n"
              "tenant red: received 0, sent 0\n");
}

}  // namespace
}  // namespace sluice
