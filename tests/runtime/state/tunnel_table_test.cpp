// SPDX-License-Identifier: Apache-2.0
#include "runtime/state/tunnel_table.h"

#include <gtest/gtest.h>

namespace sluice::test {
namespace {

Ip remote(std::uint32_t last) {
    return Ip::from_v4(0xc6336400u + last);
}

TEST(TunnelTable, GivesOneNumberAnEndpointOfAnUnderlay) {
    TunnelTable table(4, HashKey::from_seed(1));
    EXPECT_EQ(table.find(0, remote(1)), no_tunnel);
    const std::uint32_t first = table.use(0, remote(1));
    const std::uint32_t other_underlay = table.use(1, remote(1));
    EXPECT_NE(first, other_underlay);
    EXPECT_EQ(table.use(0, remote(1)), first);
    EXPECT_EQ(table.find(1, remote(1)), other_underlay);
    EXPECT_EQ(table[other_underlay].underlay, 1u);
    EXPECT_EQ(table[first].remote, remote(1));
}

TEST(TunnelTable, ForgetsWhatIsNotMarked) {
    TunnelTable table(2, HashKey::from_seed(1));
    const std::uint32_t kept = table.use(0, remote(1));
    const std::uint32_t forgotten = table.use(0, remote(2));
    EXPECT_TRUE(table.full());
    EXPECT_EQ(table.use(0, remote(3)), no_tunnel);
    table.mark(kept);
    table.forget_unmarked();
    EXPECT_EQ(table.find(0, remote(1)), kept);
    EXPECT_EQ(table.find(0, remote(2)), no_tunnel);
    EXPECT_EQ(table.use(0, remote(3)), forgotten);
    table.forget_unmarked();  // marks hold once
    EXPECT_EQ(table.find(0, remote(1)), no_tunnel);
    EXPECT_EQ(table.find(0, remote(3)), no_tunnel);
}

}  // namespace
}  // namespace sluice::test
