// SPDX-License-Identifier: Apache-2.0
//
// Makes changed bytes pass the digests, so that tests and fuzzers reach what stands behind them.
#pragma once

#include <cstdint>
#include <vector>

namespace sluice::test {

/// A header before `payload`, right for it in everything, and the digests of the sections right as far as the
/// payload is a FlatBuffer that names any.
std::vector<std::uint8_t> sealed_file(const std::vector<std::uint8_t>& payload);

/// The same for a file whose header is replaced; `file` has at least a header.
void reseal(std::vector<std::uint8_t>& file);

}  // namespace sluice::test
