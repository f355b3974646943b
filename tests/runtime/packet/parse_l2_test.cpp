// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "runtime/packet/parse.h"
#include "tests/support/packets.h"

namespace sluice {
namespace {

using test::Bytes;

TEST(ParseL2, ReadsAnUntaggedFrame) {
    const Bytes frame = test::udp({.source_mac = "02:00:00:00:00:0a", .destination_mac = "02:00:00:00:00:0b"});
    const auto view = parse_l2(frame);
    ASSERT_TRUE(view);
    EXPECT_EQ(to_string(view->source), "02:00:00:00:00:0a");
    EXPECT_EQ(to_string(view->destination), "02:00:00:00:00:0b");
    EXPECT_EQ(view->outer_vid, absent_tag);
    EXPECT_EQ(view->inner_vid, absent_tag);
    EXPECT_EQ(view->ethertype, ethertype_ipv4);
    EXPECT_EQ(view->length, 14);
}

TEST(ParseL2, ReadsOneTagAndTwo) {
    const auto one = parse_l2(test::udp({.vlan = 110}));
    ASSERT_TRUE(one);
    EXPECT_EQ(one->outer_vid, 110);
    EXPECT_EQ(one->inner_vid, absent_tag);
    EXPECT_EQ(one->length, 18);
    const auto two = parse_l2(test::udp({.outer_vlan = 900, .vlan = 110}));
    ASSERT_TRUE(two);
    EXPECT_EQ(two->outer_vid, 900);
    EXPECT_EQ(two->inner_vid, 110);
    EXPECT_EQ(two->ethertype, ethertype_ipv4);
    EXPECT_EQ(two->length, 22);
}

TEST(ParseL2, IgnoresPriorityBitsOfATag) {
    const auto view = parse_l2(test::udp({.vlan = 0xe000 | 110}));
    ASSERT_TRUE(view);
    EXPECT_EQ(view->outer_vid, 110);
}

TEST(ParseL2, PassesOverAPriorityTag) {
    const auto alone = parse_l2(test::udp({.vlan = 0xa000}));
    ASSERT_TRUE(alone);
    EXPECT_EQ(alone->outer_vid, absent_tag);
    EXPECT_EQ(alone->ethertype, ethertype_ipv4);
    EXPECT_EQ(alone->length, 18);
    const auto outer = parse_l2(test::udp({.outer_vlan = 0, .vlan = 7}));
    ASSERT_TRUE(outer);
    EXPECT_EQ(outer->outer_vid, 7);
    EXPECT_EQ(outer->inner_vid, absent_tag);
}

TEST(ParseL2, LeavesAThirdTagWhereItIs) {
    Bytes frame = test::udp({.outer_vlan = 1, .vlan = 2});
    const Bytes third = {0x81, 0x00, 0x00, 0x03};
    frame.insert(frame.begin() + 20, third.begin(), third.end());
    const auto view = parse_l2(frame);
    ASSERT_TRUE(view);
    EXPECT_EQ(view->ethertype, tpid_customer);
    EXPECT_EQ(view->length, 22);
}

TEST(ParseL2, LeavesAnInnerServiceTagWhereItIs) {
    Bytes frame = test::udp({.outer_vlan = 1, .vlan = 2});
    frame[16] = 0x88;
    frame[17] = 0xa8;
    const auto view = parse_l2(frame);
    ASSERT_TRUE(view);
    EXPECT_EQ(view->outer_vid, 1);
    EXPECT_EQ(view->inner_vid, absent_tag);
    EXPECT_EQ(view->ethertype, tpid_service);
    EXPECT_EQ(view->length, 18);
}

TEST(ParseL2, RefusesEveryPrefixOfItsHeader) {
    const Bytes frame = test::udp({.outer_vlan = 1, .vlan = 2});
    for (std::size_t length = 0; length < 22; ++length) {
        EXPECT_FALSE(parse_l2(Bytes(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(length))))
            << length;
    }
    EXPECT_TRUE(parse_l2(Bytes(frame.begin(), frame.begin() + 22)));
}

}  // namespace
}  // namespace sluice
