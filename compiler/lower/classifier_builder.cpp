// SPDX-License-Identifier: Apache-2.0
#include "compiler/lower/classifier_builder.h"

#include <algorithm>
#include <stdexcept>
#include <unordered_map>
#include <utility>

#include "compiler/lower/classifier_comb.h"
#include "compiler/lower/classifier_cut.h"
#include "compiler/lower/classifier_writer.h"

namespace sluice::lower {
namespace {

struct Subtree {
    unsigned open;  // fields not cut yet, a bit each
    BoxList boxes;
    friend bool operator==(const Subtree&, const Subtree&) = default;
};

struct SubtreeHash {
    std::size_t operator()(const Subtree& subtree) const {
        std::uint64_t hash = subtree.open;
        for (const BoxIndex box : subtree.boxes) hash = (hash ^ box) * 0x9e3779b97f4a7c15 + (hash >> 29);
        return hash;
    }
};

class Builder {
  public:
    explicit Builder(std::vector<ClassifierBox> boxes) : boxes_(std::move(boxes)) {
        copies_left_ = 16.0 * static_cast<double>(boxes_.size()) + 100'000;
    }

    ClassifierTable build() && {
        BoxList all(boxes_.size());
        for (BoxIndex i = 0; i < all.size(); ++i) all[i] = i;
        const std::uint32_t root = subtree(std::move(all), (1u << classifier_fields) - 1);
        return std::move(writer_).finish(root);
    }

  private:
    std::uint32_t subtree(BoxList boxes, unsigned open) {
        drop_hidden(boxes, open);
        if (boxes.empty()) return ClassifierReference::nothing;
        if (covers_all(boxes_[boxes.front()], open) &&
            boxes_[boxes.front()].rule < ClassifierReference::place_end) {
            return ClassifierReference::to_rule(boxes_[boxes.front()].rule);
        }
        Subtree key{open, std::move(boxes)};
        const auto known = known_.find(key);
        if (known != known_.end()) return known->second;
        const std::uint32_t reference = made_subtree(key.boxes, open);
        known_.emplace(std::move(key), reference);
        return reference;
    }

    std::uint32_t made_subtree(const BoxList& boxes, unsigned open) {
        std::optional<ClassifierCut> cut;
        if (boxes.size() > 1) cut = choose_cut(boxes_, boxes, open, copies_allowed(boxes.size()));
        if (!cut) return writer_.add_rows(boxes_, boxes);
        for (const BoxList& part : cut->parts) copies_left_ -= static_cast<double>(part.size());
        copies_left_ += static_cast<double>(boxes.size() - cut->rest.size());
        std::vector<std::uint32_t> references;
        for (BoxList& part : cut->parts)
            references.push_back(subtree(std::move(part), open & ~(1u << cut->field)));
        std::uint32_t rest = ClassifierReference::nothing;
        std::uint32_t rest_rule = classifier_no_rule;
        if (!cut->rest.empty()) {
            rest_rule = boxes_[cut->rest.front()].rule;
            rest = subtree(std::move(cut->rest), open);
        }
        return writer_.add_node(cut->field, cut->bounds, references, rest, rest_rule);
    }

    // Boxes that an earlier one hides in all that is still open match nothing here.
    void drop_hidden(BoxList& boxes, unsigned open) const {
        constexpr std::size_t few = 48;  // to compare with: the work stays linear
        std::size_t kept = 0;
        for (const BoxIndex box : boxes) {
            const auto end = boxes.begin() + static_cast<std::ptrdiff_t>(std::min(kept, few));
            if (std::any_of(boxes.begin(), end, [&](BoxIndex earlier) { return covers(earlier, box, open); }))
                continue;
            boxes[kept++] = box;
            if (covers_all(boxes_[box], open)) break;
        }
        boxes.resize(kept);
    }
    bool covers(BoxIndex outer, BoxIndex inner, unsigned open) const {
        const ClassifierBox &a = boxes_[outer], &b = boxes_[inner];
        for (unsigned field = 0; field < classifier_fields; ++field) {
            if ((open >> field & 1) == 0) continue;
            if (a.low[field] > b.low[field] || a.high[field] < b.high[field]) return false;
        }
        return true;
    }
    static bool covers_all(const ClassifierBox& box, unsigned open) {
        for (unsigned field = 0; field < classifier_fields; ++field) {
            if ((open >> field & 1) == 0) continue;
            if (box.low[field] != 0 || box.high[field] != classifier_field_max(field)) return false;
        }
        return true;
    }

    // Small lists may be copied more: it is their sum that counts, and short paths are worth it.
    double copies_allowed(std::size_t count) const {
        if (copies_left_ < 0) return 1;
        return std::clamp(16384.0 / static_cast<double>(count), 4.0, 32.0);
    }

    std::vector<ClassifierBox> boxes_;
    ClassifierWriter writer_;
    std::unordered_map<Subtree, std::uint32_t, SubtreeHash> known_;
    double copies_left_ = 0;
};

}  // namespace

ClassifierTable build_classifier(std::vector<ClassifierBox> boxes, const ClassifierLimits& last) {
    std::stable_sort(boxes.begin(), boxes.end(),
                     [](const ClassifierBox& a, const ClassifierBox& b) { return a.rule < b.rule; });
    if (boxes.empty() || last == classifier_no_limits) return Builder(std::move(boxes)).build();
    // Fewer steps are better as long as the table is not much larger than a tree's.
    const std::size_t most_slots = 16384 + 64 * boxes.size();
    for (const CombDigits digits : {CombDigits::few, CombDigits::narrow}) {
        if (auto comb = build_classifier_comb(boxes, last, digits, most_slots)) {
            ClassifierTable table;
            table.comb = std::move(*comb);
            return table;
        }
    }
    return Builder(std::move(boxes)).build();
}

}  // namespace sluice::lower
