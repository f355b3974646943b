// SPDX-License-Identifier: Apache-2.0
//
// Walks that would leave their table or end with what is not there.
#include <gtest/gtest.h>

#include "compiler/lower/address_comb.h"
#include "compiler/lower/aligned_vector.h"
#include "runtime/image/verify_tenant.h"

namespace sluice {
namespace {

using lower::CombTable;

std::string refusal_of(const CombTable& table, std::uint64_t values = 10, unsigned fields = 1) {
    flatbuffers::FlatBufferBuilder builder;
    const auto slots = lower::aligned_scalars(builder, table.slots);
    const auto steps = lower::aligned_structs(builder, table.steps);
    builder.Finish(image::CreateComb(builder, slots, steps));
    return verify::check_comb(*flatbuffers::GetRoot<image::Comb>(builder.GetBufferPointer()), fields, values,
                              "t")
        .value_or("accepted");
}

// Two digits of one bit: a root of two slots, then the slots 2 to 7 of the last step.
CombTable two_steps() {
    CombTable table;
    table.steps = {{0, 1, 1, 0}, {0, 0, 1, 2}};
    table.slots = {CombSlot::of(0, 2), CombSlot::of(0, 5),    CombSlot::of(1023, 1), CombSlot::of(0, 3),
                   CombSlot::of(1, 9), CombSlot::of(1023, 7), CombSlot::of(0, 0),    CombSlot::of(1, 4)};
    return table;
}

std::string refusal_with(void (*change)(CombTable&)) {
    CombTable table = two_steps();
    change(table);
    return refusal_of(table);
}

TEST(VerifyComb, WhatIsRightIsAccepted) {
    EXPECT_EQ(refusal_of(two_steps()), "accepted");
    const auto table = lower::build_address_comb({{{Ip::from_v4(1), 32, Family::v4}, 9}});
    ASSERT_TRUE(table);
    EXPECT_EQ(refusal_of(*table), "accepted");
    EXPECT_EQ(refusal_of(*table, 9).substr(0, 39), "t: step 3 leads to the value 9, expecte");
}

TEST(VerifyComb, Steps) {
    EXPECT_EQ(refusal_of({}), "t: has 0 steps, expected 1 to 16");
    EXPECT_EQ(refusal_with([](CombTable& t) { t.steps.resize(17); }), "t: has 17 steps, expected 1 to 16");
    EXPECT_EQ(refusal_with([](CombTable& t) {
                  t.steps[1] = {1, 0, 1, 2};
              }),
              "t: step 1 reads field 1 from bit 0 on, expected one of 1 with 32 bits");
    EXPECT_EQ(refusal_with([](CombTable& t) {
                  t.steps[0] = {0, 32, 1, 0};
              }),
              "t: step 0 reads field 0 from bit 32 on, expected one of 1 with 32 bits");
    EXPECT_EQ(refusal_with([](CombTable& t) {
                  t.steps[1] = {0, 0, 1023, 2};
              }),
              "t: step 1 has digits up to 1023, expected less than 1023");
}

TEST(VerifyComb, SlotsOfSteps) {
    EXPECT_EQ(refusal_with([](CombTable& t) {
                  t.steps[0] = {0, 1, 1, 1};
              }),
              "t: step 0 has the slots 1 to 2 of 8 for rows of 2");
    EXPECT_EQ(refusal_with([](CombTable& t) {
                  t.steps[0] = {0, 1, 2, 0};
              }),
              "t: step 0 has the slots 0 to 2 of 8 for rows of 3");
    EXPECT_EQ(refusal_with([](CombTable& t) {
                  t.steps[1] = {0, 0, 5, 2};
              }),
              "t: step 1 has the slots 2 to 8 of 8 for rows of 7");
    EXPECT_EQ(refusal_with([](CombTable& t) {
                  t.steps[1] = {0, 0, 1, 9};
              }),
              "t: step 0 has the slots 0 to 9 of 8 for rows of 2");
    EXPECT_EQ(refusal_with([](CombTable& t) {
                  t.steps.push_back({0, 0, 1, 1});
              }),
              "t: step 1 has the slots 2 to 1 of 8 for rows of 3");
}

TEST(VerifyComb, Targets) {
    EXPECT_EQ(refusal_with([](CombTable& t) { t.slots[0] = CombSlot::of(0, 1); }),
              "t: step 0 leads to slot 1, expected 2 to less than 6");
    EXPECT_EQ(refusal_with([](CombTable& t) { t.slots[1] = CombSlot::of(0, 6); }),
              "t: step 0 leads to slot 6, expected 2 to less than 6");
    EXPECT_EQ(refusal_with([](CombTable& t) { t.slots[7] = CombSlot::of(1023, 10); }),
              "t: step 1 leads to the value 10, expected 0 to less than 10");
}

}  // namespace
}  // namespace sluice
