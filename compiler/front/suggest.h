// SPDX-License-Identifier: Apache-2.0
//
// "Did you mean": the nearest of the words that would have been right. Deterministic: of equally near words the
// first in alphabetical order. A budget bounds the work a hostile policy can cause.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::front {

/// Insertions, deletions, substitutions and swaps of neighbours that turn one word into the other.
std::size_t edit_distance(std::string_view a, std::string_view b);

class Suggester {
  public:
    /// Empty where nothing is near.
    std::string nearest(std::string_view word, const std::vector<std::string_view>& candidates);

  private:
    std::size_t comparisons_left_ = 2'000'000;
};

}  // namespace sluice::front
