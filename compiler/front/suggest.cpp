// SPDX-License-Identifier: Apache-2.0
#include "compiler/front/suggest.h"

#include <algorithm>
#include <utility>

namespace sluice::front {

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before_last(b.size() + 1), last(b.size() + 1), current(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        current[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t substitution = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            current[j] = std::min({last[j] + 1, current[j - 1] + 1, substitution});
            const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped) current[j] = std::min(current[j], before_last[j - 2] + 1);
        }
        std::swap(before_last, last);
        std::swap(last, current);
    }
    return last[b.size()];
}

std::string Suggester::nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
    // A third of the word may differ: more and the suggestion is a guess.
    const std::size_t allowed = std::max<std::size_t>(1, word.size() / 3);
    std::size_t best = allowed + 1;
    std::string_view found;
    if (word.empty() || word.size() > 64) return {};
    for (const auto candidate : candidates) {
        if (comparisons_left_ == 0) break;
        --comparisons_left_;
        const std::size_t difference =
            candidate.size() > word.size() ? candidate.size() - word.size() : word.size() - candidate.size();
        if (difference > allowed) continue;
        const std::size_t distance = edit_distance(word, candidate);
        if (distance < best || (distance == best && distance <= allowed && candidate < found)) {
            best = distance;
            found = candidate;
        }
    }
    return std::string(found);
}

}  // namespace sluice::front
