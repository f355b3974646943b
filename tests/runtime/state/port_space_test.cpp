// SPDX-License-Identifier: Apache-2.0
#include "runtime/state/port_space.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>

namespace sluice {
namespace {

PortSpace::Bits ports_of(std::uint16_t shard, std::uint16_t count) {
    PortSpace::Bits ours{};
    for (std::uint32_t port = 1; port < 65536; ++port) {
        if ((port >> 1) % count == shard) ours[port >> 6] |= std::uint64_t{1} << (port & 63);
    }
    return ours;
}

bool is_in(const PortSpace::Bits& bits, std::uint32_t port) {
    return (bits[port >> 6] >> (port & 63) & 1) != 0;
}

std::uint16_t slow_first_free(const PortSpace& space, std::uint32_t low, std::uint32_t high,
                              std::uint32_t parity, const PortSpace::Bits& ours) {
    for (std::uint32_t port = low; port <= high; ++port) {
        const bool fits = (port & 1) == parity && is_in(ours, port);
        if (fits && !space.used(static_cast<std::uint16_t>(port))) return static_cast<std::uint16_t>(port);
    }
    return 0;
}

TEST(PortSpace, FindsWhatASearchFinds) {
    std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): the same every time
    for (const std::uint16_t shards : {1, 3, 100}) {
        const PortSpace::Bits ours = ports_of(static_cast<std::uint16_t>(shards / 2), shards);
        const auto space = std::make_unique<PortSpace>();
        std::uint32_t found = 0;
        for (int step = 0; step < 3000; ++step) {
            // Long runs of used ports, now and then a hole, so that whole words are full.
            const auto first = static_cast<std::uint32_t>(random() % 65000);
            const bool used = random() % 4 != 0;
            const std::uint32_t length = used ? static_cast<std::uint32_t>(random() % 500) : 1;
            for (std::uint32_t port = first; port < first + length; ++port) {
                space->set(static_cast<std::uint16_t>(port), used, ours);
            }
            const auto low = static_cast<std::uint32_t>(1 + random() % 65535);
            const auto high = static_cast<std::uint32_t>(low + random() % (65536 - low));
            const std::uint32_t parity = random() & 1;
            const std::uint16_t port = space->first_free(low, high, parity, ours);
            ASSERT_EQ(port, slow_first_free(*space, low, high, parity, ours))
                << low << "-" << high << " step " << step;
            found += port != 0;
        }
        EXPECT_GT(found, 500u);
        EXPECT_LT(found, 3000u);
    }
}

}  // namespace
}  // namespace sluice
