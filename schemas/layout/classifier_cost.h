// SPDX-License-Identifier: Apache-2.0
//
// What the worst look-up in a classifier meets: for the verifier, which bounds it, and for reports. Any thread;
// allocates; one pass over the nodes, which must lead only to nodes behind them.
#pragma once

#include <cstdint>
#include <span>

#include "schemas/layout/classifier.h"

namespace sluice {

/// Nodes and rows that a look-up may meet; the compiler's own are far below.
constexpr std::uint64_t classifier_most_steps = 1u << 22;

struct ClassifierCost {
    std::uint64_t nodes = 0;    // along the path with the most steps
    std::uint64_t rows = 0;     // along it
    std::uint32_t pending = 0;  // rests put off at the same time, on any path
    std::uint64_t steps() const { return nodes + rows; }
};

ClassifierCost worst_lookup(std::span<const std::uint32_t> nodes, std::uint32_t root);

}  // namespace sluice
