// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "runtime/packet/cross_family.h"
#include "tests/runtime/packet/parsing.h"
#include "tests/support/bytes.h"

namespace sluice {
namespace {

using test::Bytes;

const test::Packet fields{
    .source = "64:ff9b::192.0.2.33", .destination = "2001:db8::5", .payload = Bytes(3000, 9)};

/// Each with the layer 2 header of `frame`, as test::fragments gives them.
std::vector<Bytes> cut(Bytes frame, std::uint16_t mtu, std::uint32_t id) {
    const PacketView packet = test::packet_view(frame);
    std::vector<Bytes> out;
    for (std::uint32_t i = 0; i < ipv6_fragment_count(packet.ip, mtu); ++i) {
        Bytes piece(mtu);
        piece.resize(build_ipv6_fragment(packet.ip_bytes(), packet.ip, mtu, id, i, piece));
        piece.insert(piece.begin(), frame.begin(), frame.begin() + packet.l2.length);
        out.push_back(piece);
    }
    return out;
}

TEST(Ipv6Fragments, AreThoseOfRfc8200) {
    EXPECT_EQ(cut(test::udp(fields), 1280, 0xbeef), test::fragments(test::udp(fields), 1232, 0xbeef));
    EXPECT_EQ(cut(test::udp(fields), 1287, 0xbeef), test::fragments(test::udp(fields), 1232, 0xbeef));
}

TEST(Ipv6Fragments, WhatFitsStaysWhole) {
    const Bytes frame = test::udp(fields);
    const auto length = static_cast<std::uint16_t>(frame.size() - 14);
    EXPECT_EQ(cut(frame, length, 1), std::vector<Bytes>{frame});
    EXPECT_EQ(cut(frame, length - 1, 1).size(), 2u);
}

TEST(Ipv6Fragments, TheLastOneFillsTheMtu) {
    test::Packet packet = fields;
    packet.payload = Bytes(1232 + 1237 - 8, 9);
    const auto pieces = cut(test::udp(packet), 1285, 7);
    ASSERT_EQ(pieces.size(), 2u);
    EXPECT_EQ(pieces[1].size(), 14u + 1285);
    packet.payload.push_back(9);
    EXPECT_EQ(cut(test::udp(packet), 1285, 7).size(), 3u);
}

TEST(Ipv6Fragments, FragmentsAreCutFurtherUnderTheirOwnId) {
    const auto large = test::fragments(test::udp(fields), 1600, 0xbeef);
    std::vector<Bytes> pieces;
    for (const Bytes& fragment : large) {
        for (const Bytes& piece : cut(fragment, 848, 1)) pieces.push_back(piece);
    }
    EXPECT_EQ(pieces, test::fragments(test::udp(fields), 800, 0xbeef));
}

TEST(Ipv6Fragments, OtherExtensionHeadersAreNotCut) {
    test::Packet packet = fields;
    packet.extensions = {{60, {0, 1, 4, 0, 0, 0, 0}}};
    EXPECT_TRUE(cut(test::udp(packet), 1280, 1).empty());
}

TEST(Ipv6Fragments, AnMtuWithoutRoomGivesNone) {
    EXPECT_TRUE(cut(test::udp(fields), 55, 1).empty());
    EXPECT_EQ(cut(test::udp(fields), 56, 1).size(), 3008u / 8);
}

}  // namespace
}  // namespace sluice
