// SPDX-License-Identifier: Apache-2.0
#include "compiler/lower/lpm_builder.h"

#include <gtest/gtest.h>

#include "schemas/layout/lpm_burst.h"
#include "schemas/layout/lpm_walk.h"
#include "tests/support/policies.h"

namespace sluice::lower {
namespace {

using test::ip_of;
using test::prefix_of;

std::size_t record_count(const LpmTable& table) {
    std::size_t count = 0;
    for_each_lpm_record(table.records, table.wide, [&](const LpmRecord&) { ++count; });
    return count;
}

TEST(LpmBuilder, AnEmptyTableCoversNothing) {
    const LpmTable table = build_lpm({});
    EXPECT_TRUE(table.empty());
    EXPECT_TRUE(table.records.empty());
    EXPECT_EQ(table.view().lookup(ip_of("10.0.0.1")), 0U);
    EXPECT_EQ(table.view().lookup(ip_of("2001:db8::1")), 0U);
}

TEST(LpmBuilder, TheDefaultRouteAloneTakesTwentyBytes) {
    const LpmTable table = build_lpm({{prefix_of("0.0.0.0/0"), 7}});
    EXPECT_EQ(table.bytes(), 20U);
    EXPECT_EQ(table.view().lookup(ip_of("255.255.255.255")), 7U);
}

TEST(LpmBuilder, TheLongestPrefixCountsWhateverTheOrder) {
    for (const unsigned root_bits : {0U, 6U, 12U, 18U}) {
        const LpmTable table = build_lpm({{prefix_of("10.1.1.1/32"), 4},
                                          {prefix_of("0.0.0.0/0"), 1},
                                          {prefix_of("10.1.0.0/16"), 3},
                                          {prefix_of("10.0.0.0/8"), 2}},
                                         root_bits);
        EXPECT_EQ(table.view().lookup(ip_of("10.1.1.1")), 4U);
        EXPECT_EQ(table.view().lookup(ip_of("10.1.1.0")), 3U);
        EXPECT_EQ(table.view().lookup(ip_of("10.1.1.2")), 3U);
        EXPECT_EQ(table.view().lookup(ip_of("10.2.0.0")), 2U);
        EXPECT_EQ(table.view().lookup(ip_of("9.255.255.255")), 1U);
        EXPECT_EQ(table.prefix_count, 4U);
    }
}

TEST(LpmBuilder, OfEqualPrefixesTheLastOneCounts) {
    const LpmTable table = build_lpm({{prefix_of("10.0.0.0/8"), 1}, {prefix_of("10.0.0.0/8"), 2}});
    EXPECT_EQ(table.view().lookup(ip_of("10.0.0.1")), 2U);
    EXPECT_EQ(table.prefix_count, 1U);
}

TEST(LpmBuilder, AnIpv6HostIsFoundOnTheLastLevel) {
    const LpmTable table = build_lpm({{prefix_of("2001:db8::/32"), 1}, {prefix_of("2001:db8::1/128"), 2}});
    EXPECT_EQ(table.view().lookup(ip_of("2001:db8::1")), 2U);
    EXPECT_EQ(table.view().lookup(ip_of("2001:db8::2")), 1U);
    EXPECT_EQ(table.view().lookup(ip_of("2001:db9::1")), 0U);
    EXPECT_EQ(record_count(table), 22U);
    EXPECT_EQ(lpm_levels(table.records, table.first_level_words, table.wide), 22U);
}

TEST(LpmBuilder, ARunOfEqualLeavesIsOneLeaf) {
    const LpmTable table = build_lpm({{prefix_of("0.0.0.0/1"), 1}, {prefix_of("64.0.0.0/2"), 1}});
    const LpmRecord record{table.records, table.wide};
    ASSERT_EQ(record.runs(), 2U);
    EXPECT_EQ(record.leaf(0), 1);
    EXPECT_EQ(record.leaf(1), 0);
}

TEST(LpmBuilder, EntriesOfTheRootShareARecordThatSaysTheSame) {
    const LpmTable table = build_lpm(
        {{prefix_of("10.0.128.0/20"), 1}, {prefix_of("10.64.128.0/20"), 1}, {prefix_of("10.128.128.0/20"), 2}},
        18);
    EXPECT_EQ(record_count(table), 3U);  // nothing; 1 at a quarter; 2 at a quarter
}

TEST(LpmBuilder, AValueOfSixteenBitsMakesTheLeavesWide) {
    for (const std::uint32_t value : {0x7fffU, 0x8000U, 0x7fff'ffffU}) {
        const LpmTable table =
            build_lpm({{prefix_of("10.0.0.0/8"), value}, {prefix_of("10.1.1.1/32"), value - 1}}, 12);
        EXPECT_EQ(table.wide, value > 0x7fff);
        EXPECT_EQ(table.view().lookup(ip_of("10.1.1.1")), value - 1);
        EXPECT_EQ(table.view().lookup(ip_of("10.1.1.2")), value);
        EXPECT_EQ(table.view().lookup(ip_of("11.0.0.0")), 0U);
    }
}

TEST(LpmBuilder, TheRootGrowsWithTheTable) {
    EXPECT_EQ(lpm_root_bits(1), 0U);
    EXPECT_EQ(lpm_root_bits(1000), 6U);
    EXPECT_EQ(lpm_root_bits(10'000), 12U);
    EXPECT_EQ(lpm_root_bits(900'000), 18U);
    EXPECT_EQ(lpm_host_root_bits(1), 2U);
    EXPECT_EQ(lpm_host_root_bits(511), 8U);
    EXPECT_EQ(lpm_host_root_bits(512), 14U);
    EXPECT_EQ(lpm_host_root_bits(1'000'000), 14U);
}

TEST(LpmBurst, AnswersTablesOfDifferentRoutersAndFamiliesAtOnce) {
    const LpmTable narrow = build_lpm({{prefix_of("10.0.0.0/8"), 1}, {prefix_of("10.1.1.1/32"), 2}}, 18);
    const LpmTable wide =
        build_lpm({{prefix_of("2001:db8::/32"), 70'000}, {prefix_of("2001:db8::1/128"), 3}}, 0);
    const LpmView views[] = {narrow.view(), wide.view(), LpmView{}};
    const std::pair<int, Ip> questions[] = {{0, ip_of("10.1.1.1")},    {1, ip_of("2001:db8::1")},
                                            {2, ip_of("10.1.1.1")},    {0, ip_of("10.1.1.2")},
                                            {1, ip_of("2001:db8::2")}, {0, ip_of("11.0.0.1")}};
    std::uint32_t leaves[6];
    lpm_lookup_burst(
        6, [&](std::size_t i) -> const LpmView& { return views[questions[i].first]; },
        [&](std::size_t i) { return questions[i].second; }, leaves);
    EXPECT_EQ(std::vector<std::uint32_t>(leaves, leaves + 6),
              (std::vector<std::uint32_t>{2, 3, 0, 1, 70'000, 0}));
}

TEST(LpmBurst, AnswersMoreAddressesThanABurstHolds) {
    const LpmTable table = build_lpm({{prefix_of("10.0.0.0/31"), 5}, {prefix_of("10.0.0.64/32"), 6}});
    std::vector<std::uint32_t> addresses;
    for (std::uint32_t i = 0; i < 65; ++i) addresses.push_back(0x0a000000 + i);
    std::vector<std::uint32_t> leaves(addresses.size(), 99);
    lpm_lookup_burst(table.view(), addresses, leaves.data());
    std::vector<std::uint32_t> expected(65, 0);
    expected[0] = expected[1] = 5;
    expected[64] = 6;
    EXPECT_EQ(leaves, expected);
}

}  // namespace
}  // namespace sluice::lower
