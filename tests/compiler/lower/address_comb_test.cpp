// SPDX-License-Identifier: Apache-2.0
//
// Walks over the digits of addresses against the longest-prefix-match table of the same prefixes.
#include "compiler/lower/address_comb.h"

#include <gtest/gtest.h>

#include "schemas/layout/address_class.h"
#include "tests/support/random.h"

namespace sluice::lower {
namespace {

std::vector<LpmEntry> random_entries(test::Random& random, std::size_t count, unsigned shortest) {
    std::vector<LpmEntry> entries;
    while (entries.size() < count) {
        const auto length = static_cast<std::uint8_t>(random.between(shortest, 32));
        // A few networks, so that prefixes nest and share rows.
        const auto address =
            static_cast<std::uint32_t>(random.between(0, 40) << 24 | random.between(0, 0xffffff));
        const Ip ip = Ip::from_v4(address) & prefix_mask(length);
        entries.push_back({{ip, length, Family::v4}, static_cast<std::uint32_t>(random.between(0, count))});
    }
    return entries;
}

void compare(std::uint64_t seed, std::size_t count, unsigned shortest) {
    test::Random random(seed);
    const std::vector<LpmEntry> entries = random_entries(random, count, shortest);
    const auto comb = build_address_comb(entries);
    ASSERT_TRUE(comb) << "seed " << seed;
    EXPECT_LE(comb->bytes(), 4096 + 192 * entries.size());
    const LpmTable lpm = build_lpm(entries);
    const AddressClassView walk{comb->view(), {}};
    std::vector<std::uint32_t> addresses;
    for (int i = 0; i < 3000; ++i) {
        const std::uint32_t near = random.pick(entries).prefix.ip.v4();
        const auto any = static_cast<std::uint32_t>(random.between(0, 0xffffffff));
        addresses.push_back(random.percent(20) ? any
                                               : near + static_cast<std::uint32_t>(random.between(0, 2)) - 1);
    }
    std::vector<std::uint32_t> found(addresses.size());
    walk.lookup_burst(addresses, found.data());
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        const std::uint32_t expected = lpm.view().lookup(Ip::from_v4(addresses[i]));
        ASSERT_EQ(walk.lookup(Ip::from_v4(addresses[i])), expected) << "seed " << seed << " " << addresses[i];
        ASSERT_EQ(found[i], expected) << "seed " << seed << " " << addresses[i];
    }
}

TEST(AddressComb, FewPrefixes) {
    for (std::uint64_t seed = 1; seed <= 100; ++seed) compare(seed, 1 + seed % 20, 0);
}
TEST(AddressComb, HundredsAndThousandsOfPrefixes) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) compare(seed, seed * 900, 16);
}
TEST(AddressComb, NothingAndTooMuch) {
    EXPECT_FALSE(build_address_comb({}));
    EXPECT_FALSE(build_address_comb(std::vector<LpmEntry>((1 << 18) + 1)));
}

}  // namespace
}  // namespace sluice::lower
