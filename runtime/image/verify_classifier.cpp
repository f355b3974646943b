// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "runtime/image/tenant_view.h"
#include "runtime/image/verify_tenant.h"
#include "schemas/layout/classifier_cost.h"

namespace sluice::verify {
namespace {

using Reference = ClassifierReference;

class ClassifierCheck {
  public:
    ClassifierCheck(const image::Classifier& table, std::uint64_t rules)
        : words_(scalars_of(table.nodes())), rows_(rows_of(table.rows())), root_(table.root()), rules_(rules) {}

    Refusal run() {
        if (auto refusal = check_rows()) return refusal;
        if (auto refusal = find_nodes()) return refusal;
        least_rules_.resize(starts_.size());
        // From the last to the first, so that what a node leads to has been checked before it.
        for (auto place = places_.rbegin(); place != places_.rend(); ++place) {
            if (auto refusal = check_node(*place)) {
                return fmt::format("the classifier's node at word {} {}", *place * classifier_node_words,
                                   *refusal);
            }
        }
        if (auto refusal = check_reference(root_, 0)) return fmt::format("the classifier's root {}", *refusal);
        return check_cost();
    }
    std::uint64_t rules_end() const { return rules_end_; }

  private:
    Refusal check_rows() {
        if (rows_.size() > Reference::place_end) {
            return fmt::format("the classifier has {} rows, expected at most {}", rows_.size(),
                               Reference::place_end);
        }
        falls_.reserve(rows_.size());
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            const std::uint32_t rule = ClassifierView::rule_of(rows_[i]);
            if (rule >= rules_)
                return fmt::format("the classifier's row {} is of rule {}, there are {}", i, rule, rules_);
            rules_end_ = std::max<std::uint64_t>(rules_end_, std::uint64_t{rule} + 1);
            const bool falls = i != 0 && rule < ClassifierView::rule_of(rows_[i - 1]);
            falls_.push_back((i == 0 ? 0 : falls_.back()) + (falls ? 1 : 0));
        }
        return std::nullopt;
    }

    Refusal find_nodes() {
        if (words_.size() % classifier_node_words != 0) {
            return fmt::format("the classifier has {} words, expected a multiple of {}", words_.size(),
                               classifier_node_words);
        }
        starts_.resize(words_.size() / classifier_node_words);
        for (std::size_t place = 0; place < starts_.size();) {
            const ClassifierNode node = node_at(place);
            const std::size_t word = place * classifier_node_words;
            if (node.field() >= classifier_fields || node.count() == 0 ||
                !fits(word, node.words(), words_.size())) {
                return fmt::format("the classifier's node at word {} cuts field {} in {} of {} words", word,
                                   node.field(), node.words(), words_.size() - word);
            }
            starts_[place] = true;
            places_.push_back(place);
            place += static_cast<std::size_t>(node.words()) / classifier_node_words;
        }
        return std::nullopt;
    }

    Refusal check_node(std::size_t place) {
        const ClassifierNode node = node_at(place);
        const std::size_t first = place * classifier_node_words + classifier_node_words;
        const auto bounds = words_.subspan(first, node.bounds());
        if (std::adjacent_find(bounds.begin(), bounds.end(), std::greater_equal<>()) != bounds.end()) {
            return "has bounds that do not ascend";
        }
        std::uint32_t least = classifier_no_rule;
        for (const std::uint32_t reference : words_.subspan(first + node.bounds(), node.references())) {
            if (auto refusal = check_reference(reference, place + 1)) return refusal;
            least = std::min(least, least_rule(reference));
        }
        if (auto refusal = check_reference(node.rest, place + 1)) return refusal;
        if (node.rest_rule != least_rule(node.rest)) {
            return fmt::format("says that its rest begins with rule {}, expected {}", node.rest_rule,
                               least_rule(node.rest));
        }
        least_rules_[place] = std::min(least, node.rest_rule);
        return std::nullopt;
    }

    Refusal check_reference(std::uint32_t reference, std::size_t least_place) {
        if (reference == Reference::nothing) return std::nullopt;
        if (Reference::is_node(reference)) {
            if (reference >= least_place && reference < starts_.size() && starts_[reference])
                return std::nullopt;
            return fmt::format("leads to word {}, where no node behind it begins",
                               std::uint64_t{reference} * classifier_node_words);
        }
        const std::uint32_t place = Reference::place(reference);
        const std::uint32_t count = Reference::row_count(reference);
        if (count == 0) {
            rules_end_ = std::max<std::uint64_t>(rules_end_, std::uint64_t{place} + 1);
            if (place < rules_) return std::nullopt;
            return fmt::format("leads to rule {}, there are {}", place, rules_);
        }
        if (count > Reference::most_rows || !fits(place, count, rows_.size())) {
            return fmt::format("leads to row {} and the next {}, there are {}", place, count, rows_.size());
        }
        if (falls_[place] != falls_[place + count - 1]) {
            return fmt::format("leads to row {} and the next {}, which are not in the order of their rules",
                               place, count);
        }
        return std::nullopt;
    }

    Refusal check_cost() const {
        const ClassifierCost cost = worst_lookup(words_, root_);
        if (cost.pending > classifier_most_pending) {
            return fmt::format("the classifier puts off {} searches, expected at most {}", cost.pending,
                               classifier_most_pending);
        }
        if (cost.steps() > classifier_most_steps) {
            return fmt::format("a look-up in the classifier takes more than {} steps", classifier_most_steps);
        }
        return std::nullopt;
    }

    // Of a checked reference.
    std::uint32_t least_rule(std::uint32_t reference) const {
        if (reference == Reference::nothing) return classifier_no_rule;
        if (Reference::is_node(reference)) return least_rules_[reference];
        const std::uint32_t place = Reference::place(reference);
        return Reference::row_count(reference) == 0 ? place : ClassifierView::rule_of(rows_[place]);
    }
    ClassifierNode node_at(std::size_t place) const {
        const std::uint32_t* words = &words_[place * classifier_node_words];
        return {words[0], words[1], words[2], words[3]};
    }

    std::span<const std::uint32_t> words_;
    std::span<const image::ClassifierRow> rows_;
    std::uint32_t root_;
    std::uint64_t rules_;
    std::uint64_t rules_end_ = 0;
    std::vector<bool> starts_;                // by place (word / 4): whether a node begins there
    std::vector<std::size_t> places_;         // of the nodes
    std::vector<std::uint32_t> least_rules_;  // by place
    std::vector<std::uint32_t> falls_;        // rows up to this one whose rule is less than the one before
};

}  // namespace

Refusal check_classifier(const image::Classifier& table, std::uint64_t rules, std::uint64_t* rules_end) {
    ClassifierCheck check(table, rules);
    if (auto refusal = check.run()) return refusal;
    if (rules_end != nullptr) *rules_end = check.rules_end();
    return std::nullopt;
}

}  // namespace sluice::verify
