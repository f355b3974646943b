// SPDX-License-Identifier: Apache-2.0
#include "schemas/layout/classifier_cost.h"

#include <algorithm>
#include <vector>

namespace sluice {
namespace {

constexpr std::uint64_t too_many =
    classifier_most_steps + 1;  // a path cannot be worse: sums stay far from overflow

class Costs {
  public:
    explicit Costs(std::span<const std::uint32_t> words)
        : words_(words), by_place_(words.size() / classifier_node_words) {
        std::vector<std::size_t> places;
        for (std::size_t place = 0; place < by_place_.size();) {
            places.push_back(place);
            place += static_cast<std::size_t>(node_at(place).words()) / classifier_node_words;
        }
        std::for_each(places.rbegin(), places.rend(),
                      [&](std::size_t place) { by_place_[place] = cost_of(place); });
    }

    ClassifierCost at(std::uint32_t reference) const {
        if (reference == ClassifierReference::nothing) return {};
        if (ClassifierReference::is_node(reference)) return by_place_[reference];
        return {0, ClassifierReference::row_count(reference), 0};
    }

  private:
    ClassifierNode node_at(std::size_t place) const {
        const std::uint32_t* words = &words_[place * classifier_node_words];
        return {words[0], words[1], words[2], words[3]};
    }
    ClassifierCost cost_of(std::size_t place) const {
        const ClassifierNode node = node_at(place);
        const auto references = words_.subspan(
            place * classifier_node_words + classifier_node_words + node.bounds(), node.references());
        ClassifierCost worst;
        std::uint32_t pending = 0;
        for (const std::uint32_t reference : references) {
            const ClassifierCost cost = at(reference);
            if (cost.steps() > worst.steps()) worst = cost;
            pending = std::max(pending, cost.pending);
        }
        const ClassifierCost rest = at(node.rest);
        const bool puts_off = node.rest != ClassifierReference::nothing;
        return {std::min(worst.nodes + rest.nodes + 1, too_many), std::min(worst.rows + rest.rows, too_many),
                std::max(pending + (puts_off ? 1 : 0), rest.pending)};
    }

    std::span<const std::uint32_t> words_;
    std::vector<ClassifierCost> by_place_;  // of the node that begins there
};

}  // namespace

ClassifierCost worst_lookup(std::span<const std::uint32_t> nodes, std::uint32_t root) {
    return Costs(nodes).at(root);
}

}  // namespace sluice
