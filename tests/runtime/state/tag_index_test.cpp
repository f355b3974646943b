// SPDX-License-Identifier: Apache-2.0
#include "runtime/state/tag_index.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "runtime/state/keyed_hash.h"

namespace sluice {
namespace {

std::vector<std::uint64_t> hashes(std::uint32_t count, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::vector<std::uint64_t> result(count);
    for (auto& hash : result) hash = random();
    return result;
}

std::uint32_t find(const TagIndex& index, std::uint64_t hash, std::uint32_t number) {
    return index.find(hash, [&](std::uint32_t candidate) { return candidate == number; });
}

TEST(TagIndex, HoldsAllItWasMadeFor) {
    for (const std::uint32_t numbers : {1u, 2u, 7u, 100u, 5000u, 300'000u}) {
        TagIndex index(numbers);
        const auto hash = hashes(numbers, numbers);
        for (std::uint32_t number = 0; number < numbers; ++number) {
            ASSERT_TRUE(index.insert(hash[number], number, [&](std::uint32_t other) { return hash[other]; }))
                << number << " of " << numbers;
        }
        for (std::uint32_t number = 0; number < numbers; ++number) {
            ASSERT_EQ(find(index, hash[number], number), number);
        }
    }
}

TEST(TagIndex, FiveBytesANumber) {
    constexpr std::uint32_t numbers = 1 << 20;
    EXPECT_LE(TagIndex(numbers).bytes(), numbers * std::size_t{5});
    EXPECT_GE(13.0 / TagIndex::slots_per_line, 0.75);
}

TEST(TagIndex, FindsWhatMovedWhereverItWent) {
    constexpr std::uint32_t numbers = 200;  // of 208 slots: far more than promised, some find no room
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        TagIndex index(130);
        const auto hash = hashes(numbers, seed);
        std::vector<std::uint32_t> held;
        for (std::uint32_t number = 0; number < numbers; ++number) {
            if (index.insert(hash[number], number, [&](std::uint32_t other) { return hash[other]; }))
                held.push_back(number);
        }
        ASSERT_GT(held.size(), 150u);
        for (std::size_t gone = 0; gone < held.size(); ++gone) {
            for (std::size_t i = 0; i < held.size(); ++i) {
                ASSERT_EQ(find(index, hash[held[i]], held[i]), i < gone ? TagIndex::none : held[i]) << seed;
            }
            index.erase(hash[held[gone]], held[gone]);
        }
    }
}

TEST(TagIndex, FindsNothingThatWasErasedOrNeverThere) {
    constexpr std::uint32_t numbers = 20'000;
    TagIndex index(numbers);
    auto hash = hashes(numbers, 1);
    const auto others = hashes(numbers, 2);
    const auto hash_of = [&](std::uint32_t other) { return hash[other]; };
    for (std::uint32_t number = 0; number < numbers; ++number) index.insert(hash[number], number, hash_of);
    for (int round = 0; round < 5; ++round) {  // full all the time: entries move
        for (std::uint32_t number = static_cast<std::uint32_t>(round); number < numbers; number += 3) {
            index.erase(hash[number], number);
            ASSERT_EQ(find(index, hash[number], number), TagIndex::none);
            hash[number] = mix(hash[number] + 1, 0x9e3779b97f4a7c15);
            ASSERT_TRUE(index.insert(hash[number], number, hash_of));
        }
    }
    for (std::uint32_t number = 0; number < numbers; ++number) {
        ASSERT_EQ(find(index, hash[number], number), number);
        ASSERT_EQ(find(index, others[number], number), TagIndex::none);
    }
}

TEST(TagIndex, TheFirstLineNamesMostCandidates) {
    constexpr std::uint32_t numbers = 100'000;
    TagIndex index(numbers);
    const auto hash = hashes(numbers, 3);
    for (std::uint32_t number = 0; number < numbers; ++number) {
        index.insert(hash[number], number, [&](std::uint32_t other) { return hash[other]; });
    }
    std::uint32_t right = 0;
    const TagIndex::FirstLines lines = index.first_lines();
    for (std::uint32_t number = 0; number < numbers; ++number) {
        right += lines.candidate(lines.of(hash[number]), hash[number]) == number;
    }
    EXPECT_GE(right, numbers * 9 / 10);
}

}  // namespace
}  // namespace sluice
