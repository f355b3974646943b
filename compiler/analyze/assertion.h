// SPDX-License-Identifier: Apache-2.0
//
// Runs the assertions that a policy carries (`tests:`) against its image, through the very stages that the
// gateway runs. A packet is judged alone: no session before it, no neighbour needed. Any thread, any number of
// calls at a time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/image/image.h"

namespace sluice {

struct AssertionResult {
    std::string tenant;
    std::string name;
    std::string file;
    std::uint32_t line = 0;
    bool passed = false;
    std::string explanation;  // where it failed: what was expected and what happened
};

/// In tenant and file order.
std::vector<AssertionResult> run_assertions(const Image& image);

}  // namespace sluice
