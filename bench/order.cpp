// SPDX-License-Identifier: Apache-2.0
#include "bench/order.h"

#include <algorithm>
#include <numeric>
#include <random>

namespace sluice::bench {
namespace {

void shuffle(std::vector<std::uint32_t>& order, std::size_t begin, std::mt19937_64& random) {
    for (std::size_t i = order.size(); i > begin + 1; --i) {
        std::swap(order[i - 1], order[begin + random() % (i - begin)]);
    }
}

}  // namespace

std::vector<std::uint32_t> random_order(std::uint32_t flows, std::uint32_t most) {
    std::mt19937_64 random(4);
    std::vector<std::uint32_t> order(flows);
    const std::uint32_t stride = most / flows;
    for (std::uint32_t i = 0; i < flows; ++i)
        order[i] = i * stride + static_cast<std::uint32_t>(random() % stride);
    shuffle(order, 0, random);
    return order;
}

std::vector<std::uint32_t> uniform_order(std::uint32_t flows) {
    std::vector<std::uint32_t> order(flows);
    std::iota(order.begin(), order.end(), 0u);
    std::mt19937_64 random(1);
    shuffle(order, 0, random);
    return order;
}

std::vector<std::uint32_t> zipf_order(std::uint32_t flows) {
    constexpr std::uint32_t most_packets = 1'000'000;
    std::vector<double> cumulated(flows);
    double sum = 0;
    for (std::uint32_t k = 0; k < flows; ++k) cumulated[k] = sum += 1.0 / (k + 1);
    std::mt19937_64 random(2);
    std::vector<std::uint32_t> order(std::min(most_packets, flows * 4));
    for (std::uint32_t& flow : order) {
        const double at = static_cast<double>(random() >> 11) * 0x1p-53 * sum;
        flow = static_cast<std::uint32_t>(std::ranges::upper_bound(cumulated, at) - cumulated.begin());
        flow = std::min(flow, flows - 1);
    }
    return order;
}

std::vector<std::uint32_t> churn_order(std::uint32_t flows) {
    constexpr std::uint32_t rounds = 10, packets_a_new_flow = 1000;
    std::mt19937_64 random(3);
    std::vector<std::uint32_t> order;
    std::uint32_t next_new = flows;
    for (std::uint32_t round = 0; round < rounds; ++round) {
        const std::size_t begin = order.size();
        for (std::uint32_t flow = 0; flow < flows; ++flow) order.push_back(flow);
        for (std::uint32_t i = 0; i < flows / packets_a_new_flow; ++i) order.push_back(next_new++);
        shuffle(order, begin, random);
    }
    return order;
}

}  // namespace sluice::bench
