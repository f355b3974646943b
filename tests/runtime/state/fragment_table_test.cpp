// SPDX-License-Identifier: Apache-2.0
#include "runtime/state/fragment_table.h"

#include <gtest/gtest.h>

#include "tests/runtime/state/fragments.h"

namespace sluice {
namespace {

using test::fragment;
using testing::ElementsAre;
using testing::IsEmpty;
using Outcome = FragmentTable::Outcome;

std::vector<unsigned> offsets(std::span<const HeldFragment> fragments) {
    std::vector<unsigned> result;
    for (const HeldFragment& held : fragments) result.push_back(held.ip.fragment_offset);
    return result;
}

struct FragmentTableTest : testing::Test {
    FragmentTable table{2, {}};
    FragmentKey key{.source = {}, .destination = {}, .id = 7};
    FragmentTable::Result add(const HeldFragment& held) { return table.add(key, held, 0); }
    void step_to(Time now, std::vector<unsigned>* expired = nullptr) {
        while (ticks < tick_of(now)) {
            ++ticks;
            table.step([&](const FragmentKey&, std::span<const HeldFragment> held) {
                if (expired != nullptr) *expired = offsets(held);
            });
        }
    }
    std::uint64_t ticks = 0;
};

TEST_F(FragmentTableTest, GivesBackInOffsetOrderWhateverTheOrderOfArrival) {
    EXPECT_EQ(add(fragment(32, 10, false)).outcome, Outcome::held);
    EXPECT_EQ(add(fragment(0, 16, true)).outcome, Outcome::held);
    EXPECT_EQ(table.held_fragments(), 2u);
    const auto result = add(fragment(16, 16, true));
    EXPECT_EQ(result.outcome, Outcome::complete);
    EXPECT_THAT(offsets(result.given_back), ElementsAre(0, 16, 32));
    EXPECT_EQ(table.held_fragments(), 0u);
    EXPECT_TRUE(table.empty());
}

TEST_F(FragmentTableTest, DatagramsDoNotMix) {
    add(fragment(0, 16, true));
    key.id = 8;
    EXPECT_EQ(add(fragment(16, 8, false)).outcome, Outcome::held);
}

TEST_F(FragmentTableTest, OverlapDropsTheWholeAndWhatComesLater) {
    add(fragment(0, 16, true));
    add(fragment(32, 8, true));
    const auto result = add(fragment(8, 16, true));
    EXPECT_EQ(result.outcome, Outcome::refused);
    EXPECT_EQ(result.reason, DropReason::FRAG_OVERLAP);
    EXPECT_THAT(offsets(result.given_back), ElementsAre(0, 32, 8));
    const auto later = add(fragment(40, 8, false));
    EXPECT_EQ(later.reason, DropReason::FRAG_OVERLAP);
    EXPECT_THAT(offsets(later.given_back), ElementsAre(40));
    EXPECT_EQ(table.held_fragments(), 0u);

    std::vector<unsigned> expired{1};
    step_to(seconds(30), &expired);
    EXPECT_TRUE(table.empty());
    EXPECT_THAT(expired, ElementsAre(1)) << "nothing was held, so nothing is reported";
    EXPECT_EQ(add(fragment(0, 16, true)).outcome, Outcome::held) << "its time is up";
}

TEST_F(FragmentTableTest, AnExactDuplicateIsAnOverlap) {
    add(fragment(16, 16, true));
    EXPECT_EQ(add(fragment(16, 16, true)).reason, DropReason::FRAG_OVERLAP);
}

TEST_F(FragmentTableTest, AMiddleFragmentMayNotReachIntoTheNext) {
    add(fragment(16, 16, true));
    EXPECT_EQ(add(fragment(0, 24, true)).reason, DropReason::FRAG_OVERLAP);
}

TEST_F(FragmentTableTest, NothingEndsBehindTheLast) {
    add(fragment(16, 4, false));
    EXPECT_EQ(add(fragment(24, 8, true)).reason, DropReason::FRAG_OVERLAP);
    key.id = 8;
    add(fragment(24, 8, true));
    EXPECT_EQ(add(fragment(16, 4, false)).reason, DropReason::FRAG_OVERLAP) << "the last one comes later";
    step_to(seconds(30));
    add(fragment(64, 4, false));
    EXPECT_EQ(add(fragment(32, 4, false)).reason, DropReason::FRAG_OVERLAP) << "a second last one";
}

TEST_F(FragmentTableTest, NoDatagramExceeds65535Bytes) {
    EXPECT_EQ(add(fragment(65504, 16, true)).reason, DropReason::FRAG_OVERLAP) << "20 + 65,520";
    key.id = 8;
    EXPECT_EQ(add(fragment(65504, 11, false)).outcome, Outcome::held) << "20 + 65,515";
}

TEST_F(FragmentTableTest, CountsIpv6PayloadFromTheFragmentHeader) {
    key.family = Family::v6;
    // The first one has 8 bytes of destination options behind the fragment header: header_length is 56.
    HeldFragment first = fragment(0, 0, true);
    first.ip.family = Family::v6;
    first.ip.fragment_header_offset = 40;
    first.ip.header_length = 56;
    first.ip.total_length = 48 + 16;
    HeldFragment last = fragment(16, 0, false);
    last.ip.family = Family::v6;
    last.ip.fragment_header_offset = 40;
    last.ip.header_length = 48;
    last.ip.total_length = 48 + 5;
    EXPECT_EQ(add(last).outcome, Outcome::held);
    EXPECT_EQ(add(first).outcome, Outcome::complete);
}

TEST_F(FragmentTableTest, AMalformedMiddleFragmentCostsItselfOnly) {
    add(fragment(0, 16, true));
    EXPECT_EQ(add(fragment(16, 0, true)).reason, DropReason::FRAG_LIMIT);
    const auto odd = add(fragment(16, 9, true));
    EXPECT_EQ(odd.reason, DropReason::FRAG_LIMIT);
    EXPECT_EQ(odd.given_back.size(), 1u);
    EXPECT_EQ(add(fragment(16, 9, false)).outcome, Outcome::complete);
}

TEST_F(FragmentTableTest, SixteenFragmentsAreTheLimit) {
    for (unsigned i = 0; i < 15; ++i) EXPECT_EQ(add(fragment(i * 8, 8, true)).outcome, Outcome::held);
    EXPECT_EQ(add(fragment(120, 8, false)).outcome, Outcome::complete);
    for (unsigned i = 0; i < 16; ++i) EXPECT_EQ(add(fragment(i * 8, 8, true)).outcome, Outcome::held);
    const auto result = add(fragment(128, 8, false));
    EXPECT_EQ(result.reason, DropReason::FRAG_LIMIT);
    EXPECT_EQ(result.given_back.size(), 17u);
    EXPECT_EQ(add(fragment(136, 8, true)).reason, DropReason::FRAG_LIMIT);
}

TEST_F(FragmentTableTest, AFullTableCostsTheFragmentOnly) {
    add(fragment(0, 16, true));
    key.id = 8;
    add(fragment(0, 16, true));
    key.id = 9;
    const auto result = add(fragment(0, 16, true));
    EXPECT_EQ(result.reason, DropReason::FRAG_LIMIT);
    EXPECT_EQ(result.given_back.size(), 1u);
    key.id = 8;
    EXPECT_EQ(add(fragment(16, 4, false)).outcome, Outcome::complete);
}

TEST_F(FragmentTableTest, AnIncompleteDatagramExpiresAfterThirtySeconds) {
    add(fragment(16, 16, true));
    add(fragment(32, 4, false));
    std::vector<unsigned> expired;
    step_to(seconds(30) - 1, &expired);
    EXPECT_THAT(expired, IsEmpty());
    step_to(seconds(30), &expired);
    EXPECT_THAT(expired, ElementsAre(16, 32));
    EXPECT_EQ(table.held_fragments(), 0u);
}

TEST_F(FragmentTableTest, ReleasesAllThatIsHeld) {
    add(fragment(16, 16, true));
    key.id = 8;
    add(fragment(0, 16, true));
    int released = 0;
    table.release_all([&](const HeldFragment&) { ++released; });
    EXPECT_EQ(released, 2);
    EXPECT_EQ(table.held_fragments(), 0u);
    EXPECT_TRUE(table.empty());
}

}  // namespace
}  // namespace sluice
