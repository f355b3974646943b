// SPDX-License-Identifier: Apache-2.0
//
// Writes the nodes and rows of a classifier, subtrees before what refers to them, and turns them round at the
// end. Used by classifier_builder.cpp alone.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "compiler/lower/classifier_builder.h"
#include "compiler/lower/classifier_cut.h"

namespace sluice::lower {

class ClassifierWriter {
  public:
    /// References until finish() number the nodes in the order they were added.
    std::uint32_t add_rows(std::span<const ClassifierBox> all, const BoxList& boxes);
    std::uint32_t add_node(unsigned field, const std::vector<std::uint32_t>& bounds,
                           const std::vector<std::uint32_t>& references, std::uint32_t rest,
                           std::uint32_t rest_rule);
    ClassifierTable finish(std::uint32_t root) &&;

  private:
    std::uint32_t begin_node(const ClassifierNode& node);
    std::uint32_t add_run(std::span<const ClassifierBox> all, std::span<const BoxIndex> boxes);

    std::vector<std::uint32_t> words_;
    std::vector<std::uint32_t> first_words_;  // of each node
    std::vector<image::ClassifierRow> rows_;
};

}  // namespace sluice::lower
