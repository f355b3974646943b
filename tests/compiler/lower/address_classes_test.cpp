// SPDX-License-Identifier: Apache-2.0
#include "compiler/lower/address_classes.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "schemas/layout/lpm.h"
#include "tests/support/policies.h"

namespace sluice::lower {
namespace {

std::set<std::size_t> naive_membership(const std::vector<policy::AddressSet>& sets, IpAndFamily address) {
    std::set<std::size_t> result;
    for (std::size_t i = 0; i < sets.size(); ++i) {
        for (const Prefix& prefix : sets[i].prefixes) {
            if (prefix.family == address.family && prefix.contains(address.ip)) result.insert(i);
        }
    }
    return result;
}

std::set<std::size_t> membership(const AddressClasses& classes, IpAndFamily address) {
    const LpmTable& table = address.family == Family::v4 ? classes.table4 : classes.table6;
    const std::size_t row = std::size_t{table.view().lookup(address.ip)} * classes.words;
    std::set<std::size_t> result;
    for (std::size_t bit = 0; bit < std::size_t{classes.words} * 64; ++bit) {
        if ((classes.rows[row + bit / 64] >> bit % 64 & 1) != 0) result.insert(bit);
    }
    return result;
}

TEST(AddressClasses, NoSetNeedsNoTable) {
    const AddressClasses classes = classify_addresses({});
    EXPECT_EQ(classes.words, 0U);
    EXPECT_TRUE(classes.rows.empty());
    EXPECT_TRUE(classes.table4.empty());
}

TEST(AddressClasses, AddressesOfTheSameSetsShareAClass) {
    const AddressClasses classes =
        classify_addresses({{"a", {test::prefix_of("10.0.0.0/8"), test::prefix_of("2001:db8::/32")}},
                            {"b", {test::prefix_of("10.1.0.0/16")}}});
    EXPECT_EQ(classes.rows, (std::vector<std::uint64_t>{0, 1, 3}));  // nobody; a; a and b
}

TEST(AddressClasses, TheSixtyFifthSetStandsInTheSecondWord) {
    std::vector<policy::AddressSet> sets(65);
    sets[64].prefixes = {test::prefix_of("10.0.0.0/8")};
    const AddressClasses classes = classify_addresses(sets);
    EXPECT_EQ(membership(classes, *parse_ip("10.0.0.1")), std::set<std::size_t>{64});
}

RC_GTEST_PROP(AddressClassesProperty, MembershipIsWhatTheSetsSay, ()) {
    const auto prefixes = rc::gen::map(
        rc::gen::tuple(rc::gen::inRange<std::uint32_t>(0, 64), rc::gen::inRange(0, 7),
                       rc::gen::arbitrary<bool>()),
        [](const auto& parts) {
            // Six bits at one end or the other: sets overlap, nest and repeat.
            const auto [bits, length, is_v6] = parts;
            const std::uint8_t prefix_length = static_cast<std::uint8_t>(is_v6 ? 58 + length : length);
            const Ip ip = is_v6 ? Ip{bits, 0} : Ip{std::uint64_t{bits} << 58, 0};
            return Prefix{ip & prefix_mask(prefix_length), prefix_length, is_v6 ? Family::v6 : Family::v4};
        });
    const auto lists = *rc::gen::container<std::vector<std::vector<Prefix>>>(
        rc::gen::container<std::vector<Prefix>>(prefixes));
    std::vector<policy::AddressSet> sets;
    for (const auto& list : lists) sets.push_back({"set", list});
    const AddressClasses classes = classify_addresses(sets);
    for (std::uint64_t bits = 0; bits < 64; ++bits) {
        for (const IpAndFamily address :
             {IpAndFamily{{bits << 58, 0}, Family::v4}, IpAndFamily{{bits, 0}, Family::v6}}) {
            if (sets.empty()) continue;
            RC_ASSERT(membership(classes, address) == naive_membership(sets, address));
        }
    }
}

}  // namespace
}  // namespace sluice::lower
