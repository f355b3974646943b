// SPDX-License-Identifier: Apache-2.0
//
// From rules to the first-match table of image.fbs (schemas/layout/classifier.h reads it and says how it
// works). Any thread. Cost: about a millisecond a thousand rules on real filter sets. Rows are bounded by
// `most_copies` for each box; where more cuts would pass that, runs of rows get longer instead.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "compiler/lower/comb_builder.h"
#include "schemas/image_generated.h"
#include "schemas/layout/classifier.h"

namespace sluice::lower {

/// What one rule matches, or a part of it: a range in each field, inclusive. A rule may have many boxes.
struct ClassifierBox {
    std::array<std::uint32_t, classifier_fields> low{};
    std::array<std::uint32_t, classifier_fields> high{0xffffffff, 0xffffffff, 0xffff, 0xffff, 0xffff};
    std::uint32_t rule = 0;
};

/// The greatest value that each field of a key may have.
using ClassifierLimits = std::array<std::uint32_t, classifier_fields>;
constexpr ClassifierLimits classifier_no_limits{0xffffffff, 0xffffffff, 0xffff, 0xffff, 0xffff};

/// A walk by digits or a tree, whichever is expected to be faster.
struct ClassifierTable {
    std::vector<std::uint32_t> nodes;
    std::vector<image::ClassifierRow> rows;
    std::uint32_t root = ClassifierReference::nothing;
    CombTable comb = {};  // empty where it is a tree

    ClassifierView view() const { return {nodes.data(), rows.data(), root, comb.view()}; }
    std::size_t bytes() const {
        return nodes.size() * sizeof(nodes[0]) + rows.size() * sizeof(rows[0]) + comb.bytes();
    }
};

/// The least rule wins, whatever the order of the boxes. Keys stay within `last`. Throws std::length_error
/// where rows would pass 2^24.
ClassifierTable build_classifier(std::vector<ClassifierBox> boxes,
                                 const ClassifierLimits& last = classifier_no_limits);

}  // namespace sluice::lower
