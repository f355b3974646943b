// SPDX-License-Identifier: Apache-2.0
//
// A table from IPv4 addresses to values as a walk by digits (schemas/layout/comb.h): for sets of addresses,
// which are small and end in single hosts, where it takes half the time of a longest-prefix-match table. Any
// thread. Cost: about what build_lpm() costs, a few times over.
#pragma once

#include <optional>
#include <vector>

#include "compiler/lower/comb_builder.h"
#include "compiler/lower/lpm_builder.h"

namespace sluice::lower {

/// The key's field 0 is the address in host order. Nothing where there is no entry, or where it would take more
/// memory than it is worth.
std::optional<CombTable> build_address_comb(std::vector<LpmEntry> entries);

}  // namespace sluice::lower
