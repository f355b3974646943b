// SPDX-License-Identifier: Apache-2.0
#include "runtime/cache/trace_cache.h"

#include <gtest/gtest.h>

#include <set>

namespace sluice {
namespace {

constexpr std::uint32_t unknown = TraceCache::unknown;
constexpr std::uint32_t epoch = 1;

TraceKey key_of(std::uint32_t tenant, std::uint32_t row, std::uint32_t routers = 1) {
    TraceKey key;
    key.words[key.count++] = tenant << 16;
    key.words[key.count++] = 17;
    for (std::uint32_t i = 0; i < routers * TraceKey::words_of_a_router; ++i) key.words[key.count++] = row + i;
    return key;
}

class TraceCacheTest : public testing::Test {
  protected:
    static constexpr std::uint32_t capacity = 1024, tenants = 4;
    TraceCache cache{capacity, HashKey::from_seed(7)};

    std::uint32_t insert(std::uint32_t tenant, std::uint32_t row, std::uint32_t program,
                         std::uint32_t tick = 0) {
        return cache.insert(key_of(tenant, row), static_cast<std::uint16_t>(tenant), epoch, program, tick);
    }
    std::uint32_t find(std::uint32_t tenant, std::uint32_t row, std::uint32_t tick = 0) {
        return cache.find(key_of(tenant, row), epoch, tick);
    }
};

TEST_F(TraceCacheTest, GivesTheProgramOfAKey) {
    EXPECT_EQ(find(0, 5), unknown);
    EXPECT_EQ(insert(0, 5, 77), unknown);
    EXPECT_EQ(find(0, 5), 77U);
    EXPECT_EQ(find(0, 6), unknown);
    EXPECT_EQ(find(1, 5), unknown);
}

TEST_F(TraceCacheTest, TellsPathsOfDifferentLengthApart) {
    cache.insert(key_of(0, 5, 1), 0, epoch, 1, 0);
    cache.insert(key_of(0, 5, 4), 0, epoch, 4, 0);
    EXPECT_EQ(cache.find(key_of(0, 5, 1), epoch, 0), 1U);
    EXPECT_EQ(cache.find(key_of(0, 5, 4), epoch, 0), 4U);
    EXPECT_EQ(cache.find(key_of(0, 5, 2), epoch, 0), unknown);
}

TEST_F(TraceCacheTest, WhatAnotherEpochKnewIsUnknownAndReplaced) {
    insert(0, 5, 77);
    EXPECT_EQ(cache.find(key_of(0, 5), epoch + 1, 0), unknown);
    EXPECT_EQ(cache.insert(key_of(0, 5), 0, epoch + 1, 78, 0), 77U) << "gives the old program back";
    EXPECT_EQ(cache.find(key_of(0, 5), epoch + 1, 0), 78U);
    EXPECT_EQ(cache.shares().used(0), 1U);
}

TEST_F(TraceCacheTest, ADenialHasNoProgramToGiveBack) {
    EXPECT_EQ(insert(0, 5, TraceCache::denied), unknown);
    EXPECT_EQ(find(0, 5), TraceCache::denied);
    EXPECT_EQ(insert(0, 5, 3), unknown);
}

TEST_F(TraceCacheTest, AFullSetGivesUpWhatWasUsedLongestAgo) {
    insert(0, 0, 1000, 1);
    std::uint32_t tick = 2;
    // The first trace is used before each insertion; it stays while ten times the capacity passes through.
    for (std::uint32_t row = 1; row < 10 * capacity; ++row) {
        ASSERT_EQ(find(0, 0, tick++), 1000U) << row;
        insert(0, row, row, tick++);
    }
}

TEST_F(TraceCacheTest, EveryProgramComesBackOnce) {
    std::multiset<std::uint32_t> held;
    for (std::uint32_t row = 0; row < 5 * capacity; ++row) {
        const std::uint32_t tenant = row % tenants;
        held.insert(row);
        const std::uint32_t back = insert(tenant, row, row, row);
        if (back != unknown) {
            EXPECT_EQ(held.erase(back), 1U);
        }
    }
    std::size_t found = 0;
    for (std::uint32_t row = 0; row < 5 * capacity; ++row) {
        const std::uint32_t program = find(row % tenants, row);
        if (program == unknown) continue;
        ++found;
        EXPECT_EQ(held.count(program), 1U);
    }
    EXPECT_EQ(found, held.size());
}

TEST_F(TraceCacheTest, AScanOfOneTenantEmptiesNoOthersShare) {
    const std::uint32_t kept = capacity / 2 / tenants / 4;
    for (std::uint32_t row = 0; row < kept; ++row) insert(0, row, row, row);
    for (std::uint32_t row = 0; row < 100 * capacity; ++row) insert(1, row, row, 1000 + row);
    for (std::uint32_t row = 0; row < kept; ++row) EXPECT_EQ(find(0, row), row);
    EXPECT_GT(cache.shares().used(1), capacity * 3 / 4) << "what nobody needs may be used";
}

TEST_F(TraceCacheTest, ATenantGetsItsShareWhenAnotherHasFilledTheCache) {
    for (std::uint32_t row = 0; row < 10 * capacity; ++row) insert(1, row, row, row);
    const std::uint32_t wanted = capacity / 2 / tenants / 2;
    for (std::uint32_t row = 0; row < wanted; ++row) insert(0, row, row, 100'000 + row);
    std::uint32_t found = 0;
    for (std::uint32_t row = 0; row < wanted; ++row) found += find(0, row) == row ? 1U : 0U;
    EXPECT_EQ(found, wanted);
}

}  // namespace
}  // namespace sluice
