// SPDX-License-Identifier: Apache-2.0
//
// A classifier as a walk by digits of its fields (schemas/layout/comb.h) instead of a tree: no row is compared
// and no branch guessed, at the price of a table that holds every combination of what rules tell apart. Real
// filter sets need little for that; others would explode, and are given up. Used by classifier_builder.cpp
// alone.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "compiler/lower/classifier_builder.h"

namespace sluice::lower {

/// How fields become digits: few wide ones make few steps, many narrow ones a small table.
enum class CombDigits { few, narrow };

/// `boxes` stand in the order of their rules; values of a field are at most what `last` says. Values of the
/// walk: 0 where no rule matches, else the least rule + 1. Nothing where it takes more than `most_slots`, or
/// more work than such a table is worth.
std::optional<CombTable> build_classifier_comb(std::span<const ClassifierBox> boxes,
                                               const ClassifierLimits& last, CombDigits digits,
                                               std::size_t most_slots);

}  // namespace sluice::lower
