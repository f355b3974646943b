// SPDX-License-Identifier: Apache-2.0
#include "runtime/cache/rule_memo.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

FirewallQuestion question(std::uint32_t number) {
    return {.source_class = number, .destination_class = number / 3};
}

class RuleMemoTest : public testing::Test {
  protected:
    static constexpr std::uint32_t capacity = 1024, tenants = 4, version = 3;
    RuleMemo memo{capacity, HashKey::from_seed(7)};
};

TEST_F(RuleMemoTest, RemembersTheRuleOfAQuestion) {
    EXPECT_EQ(memo.find(1, version, question(5)), std::nullopt);
    memo.insert(1, version, question(5), {42});
    EXPECT_EQ(memo.find(1, version, question(5))->rule, 42U);
    EXPECT_EQ(memo.find(2, version, question(5)), std::nullopt) << "each tenant has questions of its own";
    memo.insert(1, version, question(5), {43});
    EXPECT_EQ(memo.find(1, version, question(5))->rule, 43U);
    EXPECT_EQ(memo.shares().used(1), 1U);
}

TEST_F(RuleMemoTest, EveryFieldIsPartOfTheQuestion) {
    const FirewallQuestion asked{1, 2, 3, 4, 5, 6};
    memo.insert(0, version, asked, {42});
    EXPECT_EQ(memo.find(0, version, {1, 2, 3, 4, 5, 6})->rule, 42U);
    EXPECT_EQ(memo.find(0, version, {9, 2, 3, 4, 5, 6}), std::nullopt);
    EXPECT_EQ(memo.find(0, version, {1, 9, 3, 4, 5, 6}), std::nullopt);
    EXPECT_EQ(memo.find(0, version, {1, 2, 9, 4, 5, 6}), std::nullopt);
    EXPECT_EQ(memo.find(0, version, {1, 2, 3, 9, 5, 6}), std::nullopt);
    EXPECT_EQ(memo.find(0, version, {1, 2, 3, 4, 9, 6}), std::nullopt);
    EXPECT_EQ(memo.find(0, version, {1, 2, 3, 4, 5, 9}), std::nullopt);
}

TEST_F(RuleMemoTest, WhatAnotherVersionOfThePolicySaidIsUnknownAndReplaced) {
    memo.insert(1, version, question(5), {42});
    EXPECT_EQ(memo.find(1, version + 1, question(5)), std::nullopt);
    memo.insert(1, version + 1, question(5), {44});
    EXPECT_EQ(memo.find(1, version + 1, question(5))->rule, 44U);
    EXPECT_EQ(memo.shares().used(1), 1U);
}

TEST_F(RuleMemoTest, AScanOfOneTenantEmptiesNoOthersShare) {
    const std::uint32_t kept = capacity / 2 / tenants / 4;
    for (std::uint32_t i = 0; i < kept; ++i) memo.insert(0, version, question(i), {i});
    for (std::uint32_t i = 0; i < 100 * capacity; ++i) memo.insert(1, version, question(i), {i});
    for (std::uint32_t i = 0; i < kept; ++i) EXPECT_EQ(memo.find(0, version, question(i))->rule, i);
}

TEST_F(RuleMemoTest, WhatFitsIsKept) {
    for (std::uint32_t i = 0; i < capacity / 4; ++i) memo.insert(0, version, question(i), {i});
    std::uint32_t found = 0;
    for (std::uint32_t i = 0; i < capacity / 4; ++i) {
        const auto answer = memo.find(0, version, question(i));
        found += answer && answer->rule == i ? 1U : 0U;
    }
    EXPECT_GE(found, capacity / 4 - capacity / 64);
}

}  // namespace
}  // namespace sluice
