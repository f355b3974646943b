// SPDX-License-Identifier: Apache-2.0
#include "compiler/lower/lpm_builder.h"

#include <gtest/gtest.h>

#include "schemas/layout/lpm.h"
#include "tests/support/policies.h"

namespace sluice::lower {
namespace {

using test::ip_of;
using test::prefix_of;

LpmView view(const LpmTable& table) {
    if (table.nodes.empty()) return {};
    return {table.nodes.data(), table.leaves.data()};
}

TEST(LpmBuilder, AnEmptyTableCoversNothing) {
    const LpmTable table = build_lpm({});
    EXPECT_TRUE(table.nodes.empty());
    EXPECT_EQ(view(table).lookup(ip_of("10.0.0.1")), 0U);
}

TEST(LpmBuilder, TheDefaultRouteAloneTakesOneNodeAndOneLeaf) {
    const LpmTable table = build_lpm({{prefix_of("0.0.0.0/0"), 7}});
    EXPECT_EQ(table.nodes.size(), 1U);
    EXPECT_EQ(table.leaves, std::vector<std::uint32_t>{7});
    EXPECT_EQ(view(table).lookup(ip_of("255.255.255.255")), 7U);
}

TEST(LpmBuilder, TheLongestPrefixCountsWhateverTheOrder) {
    const LpmTable table = build_lpm({{prefix_of("10.1.1.1/32"), 4},
                                      {prefix_of("0.0.0.0/0"), 1},
                                      {prefix_of("10.1.0.0/16"), 3},
                                      {prefix_of("10.0.0.0/8"), 2}});
    EXPECT_EQ(view(table).lookup(ip_of("10.1.1.1")), 4U);
    EXPECT_EQ(view(table).lookup(ip_of("10.1.1.0")), 3U);
    EXPECT_EQ(view(table).lookup(ip_of("10.1.1.2")), 3U);
    EXPECT_EQ(view(table).lookup(ip_of("10.2.0.0")), 2U);
    EXPECT_EQ(view(table).lookup(ip_of("9.255.255.255")), 1U);
    EXPECT_EQ(table.prefix_count, 4U);
}

TEST(LpmBuilder, OfEqualPrefixesTheLastOneCounts) {
    const LpmTable table = build_lpm({{prefix_of("10.0.0.0/8"), 1}, {prefix_of("10.0.0.0/8"), 2}});
    EXPECT_EQ(view(table).lookup(ip_of("10.0.0.1")), 2U);
    EXPECT_EQ(table.prefix_count, 1U);
}

TEST(LpmBuilder, AnIpv6HostIsFoundOnTheLastLevel) {
    const LpmTable table = build_lpm({{prefix_of("2001:db8::/32"), 1}, {prefix_of("2001:db8::1/128"), 2}});
    EXPECT_EQ(view(table).lookup(ip_of("2001:db8::1")), 2U);
    EXPECT_EQ(view(table).lookup(ip_of("2001:db8::2")), 1U);
    EXPECT_EQ(view(table).lookup(ip_of("2001:db9::1")), 0U);
    EXPECT_EQ(table.nodes.size(), 22U);
}

TEST(LpmBuilder, ARunOfEqualLeavesIsOneLeaf) {
    const LpmTable table = build_lpm({{prefix_of("0.0.0.0/1"), 1}, {prefix_of("64.0.0.0/2"), 1}});
    EXPECT_EQ(table.leaves, (std::vector<std::uint32_t>{1, 0}));
}

}  // namespace
}  // namespace sluice::lower
