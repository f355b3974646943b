// SPDX-License-Identifier: Apache-2.0
#include "compiler/lower/address_classes.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "schemas/layout/lpm.h"
#include "tests/support/policies.h"

namespace sluice::lower {
namespace {

using Sets = std::set<std::uint32_t>;

Sets naive_membership(const std::vector<policy::AddressSet>& sets, IpAndFamily address) {
    Sets result;
    for (std::uint32_t i = 0; i < sets.size(); ++i) {
        for (const Prefix& prefix : sets[i].prefixes) {
            if (prefix.family == address.family && prefix.contains(address.ip)) result.insert(i);
        }
    }
    return result;
}

Sets membership(const AddressClasses& classes, std::size_t set_count, IpAndFamily address) {
    const std::uint32_t found = address.family == Family::v4 ? classes.table4.view().lookup(address.ip)
                                                             : classes.table6.view().lookup(address.ip);
    Sets result;
    for (std::uint32_t set = 0; set < set_count; ++set) {
        for (const ClassRange& range : classes.ranges_of({set})) {
            if (range.low <= found && found <= range.high) result.insert(set);
        }
    }
    return result;
}

TEST(AddressClasses, NoSetIsOneClass) {
    const AddressClasses classes = classify_addresses({});
    EXPECT_EQ(classes.numbering.count(), 1U);
    EXPECT_EQ(classes.table4.view().lookup(Ip::from_v4(1)), 0U);
}

TEST(AddressClasses, SetsThatNestAreOneRangeEach) {
    const AddressClasses classes =
        classify_addresses({{"a", {test::prefix_of("10.0.0.0/8"), test::prefix_of("2001:db8::/32")}},
                            {"b", {test::prefix_of("10.1.0.0/16"), test::prefix_of("10.9.0.0/16")}},
                            {"c", {test::prefix_of("10.2.0.0/16")}}});
    EXPECT_EQ(classes.numbering.count(), 4U);  // nobody; a and b; a and c; a
    for (const std::uint32_t set : {0U, 1U, 2U}) EXPECT_EQ(classes.ranges_of({set}).size(), 1U) << set;
    EXPECT_EQ(classes.ranges_of({0, 1}), classes.ranges_of({0}));
}

TEST(AddressClasses, SetsOfTheSamePrefixesAreOne) {
    const AddressClasses classes =
        classify_addresses({{"a", {test::prefix_of("10.0.0.0/8"), test::prefix_of("10.0.0.0/8")}},
                            {"b", {test::prefix_of("10.0.0.0/8")}}});
    EXPECT_EQ(classes.numbering.count(), 2U);
    EXPECT_EQ(classes.ranges_of({0}), classes.ranges_of({1}));
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
            RC_ASSERT(membership(classes, sets.size(), address) == naive_membership(sets, address));
        }
    }
}

}  // namespace
}  // namespace sluice::lower
