// SPDX-License-Identifier: Apache-2.0
//
// Where the classifier builder cuts a list of boxes. Used by classifier_builder.cpp alone.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "compiler/lower/classifier_builder.h"

namespace sluice::lower {

using BoxIndex = std::uint32_t;
using BoxList = std::vector<BoxIndex>;  // ascending, which is the order of the rules

/// One field cut at every boundary that the boxes of `parts` have there. Part i lies below bounds[i], the last
/// one above all.
struct ClassifierCut {
    unsigned field = 0;
    std::vector<std::uint32_t> bounds;
    std::vector<BoxList> parts;
    BoxList rest;  // what is too wide to be copied into the parts
};

/// The cut of `boxes` in one of the fields of `open` (a bit each) that is expected to make look-ups cheapest;
/// nothing where comparing row after row is cheaper. Copies each box `most_copies` times on average at most.
std::optional<ClassifierCut> choose_cut(std::span<const ClassifierBox> all, const BoxList& boxes, unsigned open,
                                        double most_copies);

}  // namespace sluice::lower
