// SPDX-License-Identifier: Apache-2.0
//
// In which order flows send their packets. The same in every run.
#pragma once

#include <cstdint>
#include <vector>

namespace sluice::bench {

/// As many numbers below `most`, at random, each once.
std::vector<std::uint32_t> random_order(std::uint32_t flows, std::uint32_t most);
/// Every flow once, in an order that no prefetcher knows.
std::vector<std::uint32_t> uniform_order(std::uint32_t flows);
/// Four packets a flow on average (at most a million), flow k as often as 1/(k+1) says.
std::vector<std::uint32_t> zipf_order(std::uint32_t flows);
/// Ten packets from each of `flows` flows, and one in a thousand from a flow (numbered from `flows` on) that
/// sends nothing else.
std::vector<std::uint32_t> churn_order(std::uint32_t flows);

}  // namespace sluice::bench
