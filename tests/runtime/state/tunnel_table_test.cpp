// SPDX-License-Identifier: Apache-2.0
#include "runtime/state/tunnel_table.h"

#include <gtest/gtest.h>

#include <set>

namespace sluice::test {
namespace {

IpAndFamily remote(std::uint32_t last) {
    return {Ip::from_v4(0xc6336400u + last), Family::v4};
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

TEST(TunnelTable, TellsFamiliesAndProtocolsApart) {
    TunnelTable table(4, HashKey::from_seed(1));
    const IpAndFamily alike{remote(1).ip, Family::v6};  // c633:6401::
    const std::uint32_t vxlan = table.use(0, remote(1)), geneve = table.use(0, remote(1), true);
    EXPECT_EQ(table.find(0, alike), no_tunnel);
    const std::uint32_t over_ipv6 = table.use(0, alike);
    EXPECT_EQ((std::set{vxlan, geneve, over_ipv6}.size()), 3u);
    EXPECT_EQ(table.find(0, remote(1)), vxlan);
    EXPECT_EQ(table.find(0, remote(1), true), geneve);
    EXPECT_EQ(table.find(0, alike), over_ipv6);
    EXPECT_EQ(table[over_ipv6].remote, alike);
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
