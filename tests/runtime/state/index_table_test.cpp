// SPDX-License-Identifier: Apache-2.0
#include "runtime/state/index_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace sluice {
namespace {

/// The tag is the hash's upper half, so that this many hashes fall into few homes and their runs wrap around.
std::uint64_t crowded_hash(std::uint32_t number) {
    return std::uint64_t{number % 7 * 2 + 250} << 32;
}

TEST(IndexTable, FindsWhatIsThereWhateverElseCameAndWent) {
    constexpr std::uint32_t capacity = 64;
    IndexTable table(capacity);
    std::map<std::uint32_t, bool> there;
    std::mt19937 random(1);
    for (int round = 0; round < 20000; ++round) {
        const std::uint32_t number = random() % capacity;
        if (there[number]) {
            table.erase(crowded_hash(number), number);
        } else {
            table.insert(crowded_hash(number), number);
        }
        there[number] = !there[number];
        const std::uint32_t probed = random() % capacity;
        const auto found = table.find(crowded_hash(probed), [&](std::uint32_t n) { return n == probed; });
        ASSERT_EQ(found, there[probed] ? probed : IndexTable::none) << "round " << round;
    }
}

TEST(IndexTable, StaysHalfEmpty) {
    EXPECT_EQ(IndexTable(1024).bytes(), 2048 * IndexTable::slot_bytes);
    EXPECT_EQ(IndexTable(1025).bytes(), 4096 * IndexTable::slot_bytes);
}

TEST(IndexTable, OfNothingFindsNothing) {
    EXPECT_EQ(IndexTable(0).find(5, [](std::uint32_t) { return true; }), IndexTable::none);
}

TEST(IndexTable, ErasingWhatIsNotThereChangesNothing) {
    IndexTable table(4);
    table.insert(1ULL << 32, 1);
    table.erase(1ULL << 32, 2);
    EXPECT_EQ(table.find(1ULL << 32, [](std::uint32_t) { return true; }), 1u);
}

}  // namespace
}  // namespace sluice
