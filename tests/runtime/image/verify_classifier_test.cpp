// SPDX-License-Identifier: Apache-2.0
//
// Classifiers that would make a look-up leave the table, run without end or find the wrong rule.
#include <gtest/gtest.h>

#include "compiler/lower/aligned_vector.h"
#include "compiler/lower/classifier_builder.h"
#include "runtime/image/verify_tenant.h"

namespace sluice {
namespace {

using lower::ClassifierBox;
using lower::ClassifierTable;
using Reference = ClassifierReference;
using Words = std::vector<std::uint32_t>;

std::string refusal_of(const ClassifierTable& table, std::uint64_t rules) {
    flatbuffers::FlatBufferBuilder builder;
    const auto nodes = lower::aligned_scalars(builder, table.nodes);
    const auto rows = lower::aligned_structs(builder, table.rows);
    builder.Finish(image::CreateClassifier(builder, nodes, rows, table.root));
    return verify::check_classifier(*flatbuffers::GetRoot<image::Classifier>(builder.GetBufferPointer()), rules)
        .value_or("accepted");
}

image::ClassifierRow row_of(std::uint16_t rule) {
    return {0, 0, 0, 0, 0, rule, 0, 0, 0, 0, 0, 0};
}
Words node(unsigned field, bool direct, std::uint32_t count, std::uint32_t rest, std::uint32_t rest_rule,
           const Words& behind) {
    Words words{ClassifierNode::shape_of(field, direct, count), 0, rest, rest_rule};
    words.insert(words.end(), behind.begin(), behind.end());
    words.resize((words.size() + 3) / 4 * 4);
    return words;
}
constexpr std::uint32_t nothing = Reference::nothing;

TEST(VerifyClassifier, WhatTheCompilerMakesIsAccepted) {
    std::vector<ClassifierBox> boxes(300);
    for (std::uint32_t i = 0; i < boxes.size(); ++i) {
        boxes[i].rule = i;
        boxes[i].low[0] = i % 7;
        boxes[i].high[0] = i % 11 + 7;
        boxes[i].low[3] = i * 3 % 50;
        boxes[i].high[1] = i;
    }
    EXPECT_EQ(refusal_of(lower::build_classifier(boxes), 300), "accepted");
    EXPECT_EQ(refusal_of({}, 0), "accepted");
}

TEST(VerifyClassifier, RowsAndRulesThatAreNotThere) {
    EXPECT_EQ(refusal_of({{}, {row_of(3)}, Reference::to_rows(0, 1)}, 3),
              "the classifier's row 0 is of rule 3, there are 3");
    EXPECT_EQ(refusal_of({{}, {row_of(2)}, Reference::to_rows(0, 2)}, 3),
              "the classifier's root leads to row 0 and the next 2, there are 1");
    EXPECT_EQ(refusal_of({{}, {row_of(2)}, Reference::to_rows(1, 1)}, 3),
              "the classifier's root leads to row 1 and the next 1, there are 1");
    EXPECT_EQ(refusal_of({{}, {}, Reference::to_rule(3)}, 3),
              "the classifier's root leads to rule 3, there are 3");
    EXPECT_EQ(refusal_of({{}, {}, nothing - 1}, 3),
              "the classifier's root leads to row 16777214 and the next 127, there are 0");
}

TEST(VerifyClassifier, RowsOutOfOrder) {
    const std::vector<image::ClassifierRow> rows{row_of(1), row_of(2), row_of(0)};
    EXPECT_EQ(refusal_of({{}, rows, Reference::to_rows(0, 2)}, 3), "accepted");
    EXPECT_EQ(refusal_of({{}, rows, Reference::to_rows(0, 3)}, 3),
              "the classifier's root leads to row 0 and the next 3, which are not in the order of their rules");
}

TEST(VerifyClassifier, NodesThatDoNotFit) {
    EXPECT_EQ(refusal_of({{1, 2, 3}, {}, 0}, 1), "the classifier has 3 words, expected a multiple of 4");
    EXPECT_EQ(refusal_of({node(5, true, 1, nothing, nothing, {nothing}), {}, 0}, 1),
              "the classifier's node at word 0 cuts field 5 in 8 of 8 words");
    EXPECT_EQ(refusal_of({node(0, true, 9, nothing, nothing, {nothing}), {}, 0}, 1),
              "the classifier's node at word 0 cuts field 0 in 16 of 8 words");
    EXPECT_EQ(refusal_of({node(0, false, 0xfffffff, nothing, nothing, {nothing}), {}, 0}, 1),
              "the classifier's node at word 0 cuts field 0 in 536870916 of 8 words");
    EXPECT_EQ(refusal_of({node(0, true, 0, nothing, nothing, {}), {}, 0}, 1),
              "the classifier's node at word 0 cuts field 0 in 4 of 4 words");
    EXPECT_EQ(refusal_of({node(0, false, 2, nothing, nothing, {7, 7, nothing, nothing, nothing}), {}, 0}, 1),
              "the classifier's node at word 0 has bounds that do not ascend");
}

TEST(VerifyClassifier, NodesThatLeadBackOrBetweenNodes) {
    EXPECT_EQ(refusal_of({node(0, true, 1, nothing, nothing, {0}), {}, 0}, 1),
              "the classifier's node at word 0 leads to word 0, where no node behind it begins");
    EXPECT_EQ(refusal_of({node(0, true, 1, nothing, nothing, {1}), {}, 0}, 1),
              "the classifier's node at word 0 leads to word 4, where no node behind it begins");
    EXPECT_EQ(refusal_of({node(0, true, 1, nothing, nothing, {nothing}), {}, 1}, 1),
              "the classifier's root leads to word 4, where no node behind it begins");
    EXPECT_EQ(refusal_of({node(0, true, 1, 0, 0, {nothing}), {}, 0}, 1),
              "the classifier's node at word 0 leads to word 0, where no node behind it begins");
}

TEST(VerifyClassifier, ARestThatHidesItsLeastRule) {
    EXPECT_EQ(refusal_of({node(0, true, 1, Reference::to_rule(1), 1, {nothing}), {}, 0}, 3), "accepted");
    EXPECT_EQ(refusal_of({node(0, true, 1, Reference::to_rule(1), 2, {nothing}), {}, 0}, 3),
              "the classifier's node at word 0 says that its rest begins with rule 2, expected 1");
}

// Each node searches what follows it twice: 2^40 steps, in 320 words.
TEST(VerifyClassifier, WorkThatDoublesFromNodeToNode) {
    ClassifierTable table;
    constexpr std::uint32_t depth = 8;
    for (std::uint32_t i = 0; i < 40; ++i) {
        const std::uint32_t next = i + 1 < 40 ? 2 * (i + 1) : Reference::to_rule(0);
        const bool twice = i % 5 == 0 || i >= depth;
        const Words words = node(0, true, 1, twice ? next : nothing, twice ? 0 : nothing, {next});
        table.nodes.insert(table.nodes.end(), words.begin(), words.end());
    }
    table.root = 0;
    EXPECT_EQ(refusal_of(table, 1), "the classifier puts off 34 searches, expected at most 8");
}

// The same in width: the rest of each node is a chain of its own, so that few are put off at a time.
TEST(VerifyClassifier, MoreStepsThanALookUpMayTake) {
    ClassifierTable table;
    for (std::uint32_t rule = 0; rule < 126; ++rule)
        table.rows.push_back(row_of(static_cast<std::uint16_t>(rule)));
    const std::uint32_t run = Reference::to_rows(0, 126);
    constexpr std::uint32_t nodes = 40'000;
    for (std::uint32_t i = 0; i < nodes; ++i) {
        const Words words = node(0, true, 1, i + 1 < nodes ? 2 * (i + 1) : run, 0, {run});
        table.nodes.insert(table.nodes.end(), words.begin(), words.end());
    }
    table.root = 0;
    EXPECT_EQ(refusal_of(table, 126), "a look-up in the classifier takes more than 4194304 steps");
    table.root = 2 * (nodes - 30'000);
    EXPECT_EQ(refusal_of(table, 126), "accepted");
}

}  // namespace
}  // namespace sluice
