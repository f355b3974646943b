// SPDX-License-Identifier: Apache-2.0
#include "compiler/lower/classifier_cut.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace sluice::lower {
namespace {

// Cycles, roughly, as measured on one machine: only their ratios matter.
constexpr double row_cycles = 4;
constexpr double node_cycles = 14;
constexpr double rest_cycles = 20;
constexpr double visit_cycles = 16;  // the first touch of rows or of a node's words

/// What searching `count` boxes is expected to cost once they are cut further as well as boxes usually can be.
double expected_cycles(double count) {
    if (count == 0) return 0;
    if (count <= 8) return visit_cycles + row_cycles * count;
    return visit_cycles + row_cycles * 8 + node_cycles * std::log2(count / 8);
}

struct Span {
    std::uint32_t first, last;  // elementary intervals
    std::uint32_t width() const { return last - first + 1; }
};

class FieldCut {
  public:
    FieldCut(std::span<const ClassifierBox> all, const BoxList& boxes, unsigned field)
        : all_(all), field_(field) {
        bounds_ = bounds_of(boxes);
        for (const BoxIndex box : boxes) spans_.push_back(span_of(box, bounds_));
    }

    bool cuts() const { return !bounds_.empty(); }

    // The best of a few limits on how many intervals a box may be copied to.
    void weigh(double most_copies) {
        const auto count = static_cast<double>(spans_.size());
        const auto intervals = static_cast<std::uint32_t>(bounds_.size() + 1);
        std::vector<std::int32_t> changes(intervals + 1);
        for (std::uint32_t limit = intervals; limit != 0; limit /= 2) {
            double copies = 0;
            std::size_t kept = 0;
            std::fill(changes.begin(), changes.end(), 0);
            for (const Span& span : spans_) {
                if (span.width() > limit) continue;
                ++kept;
                copies += span.width();
                ++changes[span.first];
                --changes[span.last + 1];
            }
            if (kept == 0 || copies > most_copies * count) continue;
            double weighted = 0;
            std::int32_t here = 0;
            for (std::uint32_t i = 0; i < intervals; ++i) {
                here += changes[i];
                weighted += here * expected_cycles(here);  // packets come where rules are
            }
            const double cycles = node_cycles + weighted / copies +
                                  expected_cycles(count - static_cast<double>(kept)) +
                                  (spans_.size() != kept ? rest_cycles : 0);
            if (cycles < cycles_) {
                cycles_ = cycles;
                limit_ = limit;
            }
        }
    }

    double cycles() const { return cycles_; }

    ClassifierCut carry_out(const BoxList& boxes) const {
        ClassifierCut cut;
        cut.field = field_;
        BoxList kept;
        for (std::size_t i = 0; i < boxes.size(); ++i) {
            (spans_[i].width() <= limit_ ? kept : cut.rest).push_back(boxes[i]);
        }
        cut.bounds = bounds_of(kept);
        cut.parts.resize(cut.bounds.size() + 1);
        for (const BoxIndex box : kept) {
            const Span span = span_of(box, cut.bounds);
            for (std::uint32_t part = span.first; part <= span.last; ++part) cut.parts[part].push_back(box);
        }
        return cut;
    }

  private:
    std::vector<std::uint32_t> bounds_of(const BoxList& boxes) const {
        std::vector<std::uint32_t> bounds;
        for (const BoxIndex box : boxes) {
            if (all_[box].low[field_] != 0) bounds.push_back(all_[box].low[field_]);
            if (all_[box].high[field_] != classifier_field_max(field_))
                bounds.push_back(all_[box].high[field_] + 1);
        }
        std::sort(bounds.begin(), bounds.end());
        bounds.erase(std::unique(bounds.begin(), bounds.end()), bounds.end());
        return bounds;
    }
    Span span_of(BoxIndex box, const std::vector<std::uint32_t>& bounds) const {
        const auto part_of = [&](std::uint32_t value) {
            return static_cast<std::uint32_t>(std::upper_bound(bounds.begin(), bounds.end(), value) -
                                              bounds.begin());
        };
        return {part_of(all_[box].low[field_]), part_of(all_[box].high[field_])};
    }

    std::span<const ClassifierBox> all_;
    unsigned field_;
    std::vector<std::uint32_t> bounds_;
    std::vector<Span> spans_;  // of each box
    double cycles_ = HUGE_VAL;
    std::uint32_t limit_ = 0;
};

}  // namespace

std::optional<ClassifierCut> choose_cut(std::span<const ClassifierBox> all, const BoxList& boxes, unsigned open,
                                        double most_copies) {
    std::optional<FieldCut> best;
    double best_cycles = visit_cycles + row_cycles * static_cast<double>(boxes.size());
    for (unsigned field = 0; field < classifier_fields; ++field) {
        if ((open >> field & 1) == 0) continue;
        FieldCut cut(all, boxes, field);
        if (!cut.cuts()) continue;
        cut.weigh(most_copies);
        if (cut.cycles() >= best_cycles) continue;
        best_cycles = cut.cycles();
        best = std::move(cut);
    }
    if (!best) return std::nullopt;
    return best->carry_out(boxes);
}

}  // namespace sluice::lower
