// SPDX-License-Identifier: Apache-2.0
//
// Packets that use an address of the gateway's own as nobody should.
#include "tests/runtime/shard/lab.h"

namespace sluice::test {
namespace {

using LocalAddress = ShardTest;
SLUICE_SHARD_TEST(LocalAddress);

TEST_P(LocalAddress, as_a_source_is_forged) {
    EXPECT_TRUE(inside(udp(on_web({.source = "10.1.1.1", .destination = "198.18.0.9"}))).empty());
    EXPECT_TRUE(inside(udp(on_web({.source = "2001:db8:b:1::1", .destination = "2001:db8:9::9"}))).empty());
    EXPECT_EQ(drops("blue.sr", DropReason::MARTIAN_SRC), 2u);
    EXPECT_TRUE(inside(udp(on_lan({.source = "10.3.1.1", .destination = "10.3.2.5"}))).empty());
    EXPECT_EQ(drops("plain.dr", DropReason::MARTIAN_SRC), 1u);
    EXPECT_EQ(gateway->counters().sessions.created, 0u);
}

TEST_P(LocalAddress, an_echo_request_with_a_wrong_checksum_is_not_answered) {
    for (const char* own : {"10.1.1.1", "2001:db8:b:1::1"}) {
        const std::string source = own[0] == '1' ? "10.1.1.5" : "2001:db8:b:1::5";
        EXPECT_EQ(inside(echo_request(on_web({.source = source, .destination = own}))).size(), 1u);
        EXPECT_TRUE(inside(echo_request(on_web({.source = source, .destination = own, .l4_checksum_error = 1})))
                        .empty());
    }
    EXPECT_EQ(drops("blue.sr", DropReason::L4_CSUM), 2u);
}

}  // namespace
}  // namespace sluice::test
