// SPDX-License-Identifier: Apache-2.0
#include "compiler/lower/classifier_writer.h"

#include <algorithm>
#include <cstddef>
#include <stdexcept>

namespace sluice::lower {
namespace {

image::ClassifierRow row_of(const ClassifierBox& box) {
    const auto narrow = [](std::uint32_t value) { return static_cast<std::uint16_t>(value); };
    return {box.low[0],           box.low[1],           narrow(box.low[2]),   narrow(box.low[3]),
            narrow(box.low[4]),   narrow(box.rule),     ~box.high[0],         ~box.high[1],
            narrow(~box.high[2]), narrow(~box.high[3]), narrow(~box.high[4]), narrow(box.rule >> 16)};
}

ClassifierNode node_at(const std::vector<std::uint32_t>& words, std::uint32_t first) {
    return {words[first], words[first + 1], words[first + 2], words[first + 3]};
}

}  // namespace

std::uint32_t ClassifierWriter::begin_node(const ClassifierNode& node) {
    constexpr std::size_t most_words = 1u << 29;
    if (words_.size() + node.words() > most_words) throw std::length_error("a classifier of more than 2 GiB");
    first_words_.push_back(static_cast<std::uint32_t>(words_.size()));
    words_.insert(words_.end(), {node.shape, node.base, node.rest, node.rest_rule});
    return static_cast<std::uint32_t>(first_words_.size() - 1);
}

std::uint32_t ClassifierWriter::add_node(unsigned field, const std::vector<std::uint32_t>& bounds,
                                         const std::vector<std::uint32_t>& references, std::uint32_t rest,
                                         std::uint32_t rest_rule) {
    // A slot for each value between the first and the last bound, and one on either side.
    const std::uint64_t slots = std::uint64_t{bounds.back()} - bounds.front() + 2;
    const bool direct = slots <= 64 || slots <= 16 * bounds.size();
    const auto count = static_cast<std::uint32_t>(direct ? slots : bounds.size());
    const std::uint32_t base = direct ? bounds.front() - 1 : 0;
    const std::uint32_t node =
        begin_node({ClassifierNode::shape_of(field, direct, count), base, rest, rest_rule});
    if (direct) {
        std::size_t part = 0;
        for (std::uint64_t value = base; value != base + slots; ++value) {
            if (part < bounds.size() && value >= bounds[part]) ++part;
            words_.push_back(references[part]);
        }
    } else {
        words_.insert(words_.end(), bounds.begin(), bounds.end());
        words_.insert(words_.end(), references.begin(), references.end());
    }
    words_.resize((words_.size() + classifier_node_words - 1) / classifier_node_words * classifier_node_words);
    return node;
}

std::uint32_t ClassifierWriter::add_run(std::span<const ClassifierBox> all, std::span<const BoxIndex> boxes) {
    const std::size_t place = rows_.size();
    if (place + boxes.size() > ClassifierReference::place_end) {
        throw std::length_error("a classifier of more than 16 million rows");
    }
    for (const BoxIndex box : boxes) rows_.push_back(row_of(all[box]));
    return ClassifierReference::to_rows(static_cast<std::uint32_t>(place),
                                        static_cast<std::uint32_t>(boxes.size()));
}

// A long list is a chain of nodes that cut nothing: each has one run, and the others as its rest.
std::uint32_t ClassifierWriter::add_rows(std::span<const ClassifierBox> all, const BoxList& boxes) {
    const std::span<const BoxIndex> list(boxes);
    std::size_t first = (boxes.size() - 1) / ClassifierReference::most_rows * ClassifierReference::most_rows;
    std::uint32_t reference = add_run(all, list.subspan(first));
    while (first != 0) {
        const std::uint32_t rest_rule = all[boxes[first]].rule;
        first -= ClassifierReference::most_rows;
        const std::uint32_t run = add_run(all, list.subspan(first, ClassifierReference::most_rows));
        reference = begin_node({ClassifierNode::shape_of(0, true, 1), 0, reference, rest_rule});
        words_.insert(words_.end(), {run, 0, 0, 0});
    }
    return reference;
}

ClassifierTable ClassifierWriter::finish(std::uint32_t root) && {
    std::vector<std::uint32_t> places(first_words_.size());
    std::uint32_t place = 0;
    for (std::size_t node = first_words_.size(); node-- != 0;) {
        places[node] = place;
        place += static_cast<std::uint32_t>(node_at(words_, first_words_[node]).words());
    }
    const auto moved = [&](std::uint32_t reference) {
        return ClassifierReference::is_node(reference) ? ClassifierReference::to_node(places[reference])
                                                       : reference;
    };
    ClassifierTable table;
    table.nodes.reserve(place);
    for (std::size_t index = first_words_.size(); index-- != 0;) {
        const ClassifierNode node = node_at(words_, first_words_[index]);
        const auto first = words_.begin() + first_words_[index];
        const auto copy =
            table.nodes.insert(table.nodes.end(), first, first + static_cast<std::ptrdiff_t>(node.words()));
        copy[2] = moved(node.rest);
        const auto references = copy + static_cast<std::ptrdiff_t>(classifier_node_words + node.bounds());
        std::transform(references, references + static_cast<std::ptrdiff_t>(node.references()), references,
                       moved);
    }
    table.rows = std::move(rows_);
    table.root = moved(root);
    return table;
}

}  // namespace sluice::lower
