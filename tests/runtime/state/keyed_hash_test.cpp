// SPDX-License-Identifier: Apache-2.0
#include "runtime/state/keyed_hash.h"

#include <gtest/gtest.h>

#include <array>
#include <set>

namespace sluice {
namespace {

std::uint64_t hash_with(std::uint64_t seed, std::uint64_t a, std::uint64_t b = 0) {
    return KeyedHash(HashKey::from_seed(seed)).add(a, b).value();
}

TEST(KeyedHash, IsAFunctionOfKeyAndWords) {
    EXPECT_EQ(hash_with(1, 2, 3), hash_with(1, 2, 3));
    EXPECT_NE(hash_with(1, 2, 3), hash_with(2, 2, 3));
    EXPECT_NE(hash_with(1, 2, 3), hash_with(1, 3, 2));
}

TEST(KeyedHash, SpreadsConsecutiveKeysOverTheUpperHalfsBuckets) {
    // IndexTable takes its homes from the upper half. 64 buckets, 64,000 keys: 1,000 each, standard
    // deviation 32.
    std::array<int, 64> buckets{};
    for (std::uint64_t i = 0; i < 64000; ++i) ++buckets[hash_with(7, i << 32) >> 33 & 63];
    for (const int count : buckets) EXPECT_NEAR(count, 1000, 6 * 32);
}

TEST(KeyedHash, CollisionsUnderOneKeyAreNotCollisionsUnderAnother) {
    // Keys whose hashes agree in 12 bits under seed 1; under a linear hash they would agree under seed 2 too.
    std::set<std::uint64_t> under_other;
    const std::uint64_t wanted = hash_with(1, 0) >> 52;
    int colliding = 0;
    for (std::uint64_t i = 0; i < 400000; ++i) {
        if (hash_with(1, i) >> 52 != wanted) continue;
        ++colliding;
        under_other.insert(hash_with(2, i) >> 52);
    }
    EXPECT_GT(colliding, 50);
    EXPECT_GT(static_cast<int>(under_other.size()), colliding * 9 / 10);
}

}  // namespace
}  // namespace sluice
