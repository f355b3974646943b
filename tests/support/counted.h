// SPDX-License-Identifier: Apache-2.0
//
// All that a gateway counted, as a list that two runs can be compared by.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "runtime/image/image.h"
#include "runtime/state/counters.h"

namespace sluice::test {

using Numbers = std::vector<std::pair<std::string, std::uint64_t>>;

/// Everything a report shows outside `cache`, each number under a name.
Numbers numbers_of(const Image& image, const Counters& counters);

/// The first number in which a run with the cache and one without it part; empty where they do not.
std::string first_difference(const Numbers& with, const Numbers& without);

}  // namespace sluice::test
