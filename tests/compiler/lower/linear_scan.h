// SPDX-License-Identifier: Apache-2.0
//
// Longest-prefix match as anyone would write it first: what the tables are compared with.
#pragma once

#include <vector>

#include "compiler/lower/lpm_builder.h"

namespace sluice::test {

inline std::uint32_t linear_scan(const std::vector<lower::LpmEntry>& entries, Ip ip) {
    const lower::LpmEntry* best = nullptr;
    for (const lower::LpmEntry& entry : entries) {
        if (!entry.prefix.contains(ip)) continue;
        if (best == nullptr || entry.prefix.length >= best->prefix.length) best = &entry;  // the last of equals
    }
    return best == nullptr ? 0 : best->value;
}

}  // namespace sluice::test
