// SPDX-License-Identifier: Apache-2.0
//
// Text to syntax tree, on yaml-cpp. The language is YAML 1.2 without anchors, aliases, merge keys, tags and
// several documents: each of them is refused by name. Work and memory are proportional to the text.
#pragma once

#include <cstdint>
#include <optional>

#include "compiler/front/diagnostics.h"
#include "compiler/front/node.h"
#include "compiler/front/source.h"

namespace sluice::front {

constexpr unsigned deepest_nesting = 32;

/// Nothing where the text is not UTF-8 or not YAML; each problem is in `diagnostics`. An empty file is an empty
/// mapping.
std::optional<Document> read_yaml(const Sources& sources, std::uint32_t file, Diagnostics& diagnostics);

}  // namespace sluice::front
