// SPDX-License-Identifier: Apache-2.0
//
// Random boxes against a linear scan: few distinct values a field, so that boxes nest, overlap and repeat; keys
// at and beside their corners. Some lists are long enough for chains of rows and for rests.
#include <gtest/gtest.h>

#include "compiler/lower/classifier_builder.h"
#include "compiler/lower/classifier_comb.h"
#include "schemas/layout/classifier_burst.h"
#include "schemas/layout/classifier_cost.h"
#include "tests/support/random.h"

namespace sluice::lower {
namespace {

std::uint32_t linear_scan(const std::vector<ClassifierBox>& boxes, const ClassifierKey& key) {
    std::uint32_t least = classifier_no_rule;
    for (const ClassifierBox& box : boxes) {
        bool inside = true;
        for (unsigned field = 0; field < classifier_fields; ++field) {
            inside = inside && box.low[field] <= key[field] && key[field] <= box.high[field];
        }
        if (inside) least = std::min(least, box.rule);
    }
    return least;
}

struct Shape {
    std::uint64_t boxes;
    std::uint64_t values;    // distinct ones a field
    unsigned whole_fields;   // percent
    unsigned single_values;  // percent
};

std::uint32_t value_of(test::Random& random, unsigned field, std::uint64_t values) {
    const std::uint64_t step = random.percent(50) ? 1 : classifier_field_max(field) / values;
    return static_cast<std::uint32_t>(random.between(0, values) * step);
}

std::vector<ClassifierBox> random_boxes(test::Random& random, const Shape& shape) {
    std::vector<ClassifierBox> boxes(random.between(0, shape.boxes));
    for (ClassifierBox& box : boxes) {
        box.rule = static_cast<std::uint32_t>(random.between(0, shape.boxes));  // some rules have many boxes
        for (unsigned field = 0; field < classifier_fields; ++field) {
            if (random.percent(shape.whole_fields)) continue;
            const std::uint32_t a = value_of(random, field, shape.values);
            const std::uint32_t b =
                random.percent(shape.single_values) ? a : value_of(random, field, shape.values);
            box.low[field] = std::min(a, b);
            box.high[field] = std::max(a, b);
        }
    }
    return boxes;
}

ClassifierKey key_near(test::Random& random, const std::vector<ClassifierBox>& boxes, const Shape& shape) {
    ClassifierKey key{};
    for (unsigned field = 0; field < classifier_fields; ++field) {
        key[field] = value_of(random, field, shape.values);
        if (boxes.empty() || random.percent(30)) continue;
        const ClassifierBox& box = random.pick(boxes);
        const std::uint32_t corner = random.percent(50) ? box.low[field] : box.high[field];
        key[field] =
            static_cast<std::uint32_t>(corner + random.between(0, 2) - 1) & classifier_field_max(field);
    }
    return key;
}

void compare(std::uint64_t seed, const Shape& shape) {
    test::Random random(seed);
    const std::vector<ClassifierBox> boxes = random_boxes(random, shape);
    const ClassifierTable table = build_classifier(boxes);
    const ClassifierCost worst = worst_lookup(table.nodes, table.root);
    ASSERT_LE(worst.pending, classifier_most_pending) << "seed " << seed;
    for (int i = 0; i < 300; ++i) {
        const ClassifierKey key = key_near(random, boxes, shape);
        const std::uint32_t expected = linear_scan(boxes, key);
        ASSERT_EQ(table.view().lookup(key), expected) << "seed " << seed << " key " << i;
        const auto below = static_cast<std::uint32_t>(random.between(0, shape.boxes));
        ASSERT_EQ(table.view().lookup(key, below), std::min(expected, below))
            << "seed " << seed << " key " << i;
    }
}

TEST(ClassifierProperty, FewBoxesOfFewValues) {
    for (std::uint64_t seed = 1; seed <= 400; ++seed) compare(seed, {8, 4, 30, 30});
}
TEST(ClassifierProperty, ManyBoxesOfFewValues) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) compare(seed, {400, 6, 30, 60});
}
TEST(ClassifierProperty, ManySingleValuesAndManyWholeFields) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) compare(seed, {2000, 500, 60, 90});
}
TEST(ClassifierProperty, WideRangesThatNoCutSeparates) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) compare(seed, {1500, 1000, 5, 0});
}

// Fields of every width, so that they become one, two and three digits.
ClassifierLimits random_limits(test::Random& random) {
    ClassifierLimits last;
    for (std::uint32_t& value : last)
        value = random.pick(std::vector<std::uint32_t>{0, 1, 30, 63, 64, 511, 512, 9000});
    return last;
}

ClassifierKey random_key(test::Random& random, const ClassifierLimits& last) {
    ClassifierKey key{};
    for (unsigned field = 0; field < classifier_fields; ++field)
        key[field] = static_cast<std::uint32_t>(random.between(0, last[field]));
    return key;
}

void compare_walk(std::uint64_t seed, std::uint64_t most_boxes, unsigned whole_fields) {
    test::Random random(seed);
    const ClassifierLimits last = random_limits(random);
    std::vector<ClassifierBox> boxes(random.between(1, most_boxes));
    for (std::uint32_t i = 0; i < boxes.size(); ++i) {
        boxes[i].rule = i;
        const ClassifierKey one = random_key(random, last);
        const ClassifierKey other = random.percent(70) ? one : random_key(random, last);
        for (unsigned field = 0; field < classifier_fields; ++field) {
            if (random.percent(whole_fields)) continue;
            boxes[i].low[field] = std::min(one[field], other[field]);
            boxes[i].high[field] = std::max(one[field], other[field]);
        }
    }
    for (const CombDigits digits : {CombDigits::few, CombDigits::narrow}) {
        const auto walk = build_classifier_comb(boxes, last, digits, std::size_t{1} << 20);
        ASSERT_TRUE(walk) << "seed " << seed;
        EXPECT_EQ(walk->made_of, boxes.size());
        const ClassifierView view{nullptr, nullptr, ClassifierReference::nothing, walk->view()};
        for (int i = 0; i < 200; ++i) {
            ClassifierKey key = random_key(random, last);
            const ClassifierBox& near = random.pick(boxes);
            for (unsigned field = 0; field < classifier_fields; ++field) {
                if (random.percent(80))
                    key[field] = random.percent(50) ? near.low[field] : std::min(near.high[field], last[field]);
            }
            const std::uint32_t expected = linear_scan(boxes, key);
            ASSERT_EQ(view.lookup(key), expected) << "seed " << seed << " key " << i;
            ASSERT_EQ(view.lookup(key, 3), std::min(expected, 3U));
            std::uint32_t found = 0;
            lookup_burst(view, {&key, 1}, &found);
            ASSERT_EQ(found, expected) << "seed " << seed << " key " << i;
        }
    }
}

TEST(ClassifierWalk, FewBoxes) {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) compare_walk(seed, 6, 40);
}
TEST(ClassifierWalk, ManyBoxes) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) compare_walk(seed, 60, 50);
}
TEST(ClassifierWalk, IsGivenUpWhereItWouldExplode) {
    test::Random random(3);
    std::vector<ClassifierBox> boxes(1000);
    for (std::uint32_t i = 0; i < boxes.size(); ++i) {
        boxes[i].rule = i;
        for (unsigned field = 0; field < classifier_fields; ++field) {
            boxes[i].low[field] = static_cast<std::uint32_t>(random.between(0, 1000));
            boxes[i].high[field] = static_cast<std::uint32_t>(random.between(1000, 2000));
        }
    }
    const ClassifierTable table = build_classifier(boxes, {2000, 2000, 2000, 2000, 2000});
    EXPECT_TRUE(table.comb.empty());
    for (int i = 0; i < 50; ++i) {
        const ClassifierKey key = random_key(random, {2000, 2000, 2000, 2000, 2000});
        ASSERT_EQ(table.view().lookup(key), linear_scan(boxes, key));
    }
}

TEST(Classifier, NoRuleAtAll) {
    const ClassifierTable table = build_classifier({});
    EXPECT_EQ(table.view().lookup({1, 2, 3, 4, 5}), classifier_no_rule);
    EXPECT_EQ(table.bytes(), 0U);
}

TEST(Classifier, ARuleForEverythingEndsTheSearch) {
    std::vector<ClassifierBox> boxes(3);
    boxes[0].rule = 7;
    boxes[1].rule = 9;
    boxes[1].low[0] = 5;
    boxes[2].rule = 3;
    boxes[2].low[0] = boxes[2].high[0] = 5;
    const ClassifierTable table = build_classifier(boxes);
    EXPECT_EQ(table.view().lookup({4, 0, 0, 0, 0}), 7U);
    EXPECT_EQ(table.view().lookup({5, 0, 0, 0, 0}), 3U);
    EXPECT_EQ(table.view().lookup({6, 0, 0, 0, 0}), 7U);
}

// What cannot be cut apart stays a list, and its memory stays linear.
TEST(Classifier, MemoryIsBoundedWhereCutsWouldCopyWithoutEnd) {
    test::Random random(5);
    std::vector<ClassifierBox> boxes(5000);
    for (std::uint32_t i = 0; i < boxes.size(); ++i) {
        boxes[i].rule = i;
        for (unsigned field = 0; field < classifier_fields; ++field) {
            const std::uint64_t half = classifier_field_max(field) / 2;
            boxes[i].low[field] = static_cast<std::uint32_t>(random.between(0, half));
            boxes[i].high[field] = static_cast<std::uint32_t>(random.between(half, 2 * half));
        }
    }
    const ClassifierTable table = build_classifier(boxes);
    EXPECT_LT(table.bytes(), 16U << 20);
    for (int i = 0; i < 200; ++i) {
        const ClassifierBox& near = random.pick(boxes);
        const ClassifierKey key{near.low[0], near.high[1], near.low[2], near.high[3], near.low[4]};
        ASSERT_EQ(table.view().lookup(key), linear_scan(boxes, key));
    }
}

}  // namespace
}  // namespace sluice::lower
