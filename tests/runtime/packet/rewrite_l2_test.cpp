// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>

#include "runtime/packet/rewrite.h"
#include "tests/runtime/packet/parsing.h"
#include "tests/support/bytes.h"

namespace sluice {
namespace {

using test::Bytes;

/// A frame somewhere inside a buffer of exactly headroom + frame + tailroom.
struct Buffer {
    Bytes bytes;
    Frame frame;

    Buffer(const Bytes& content, std::uint16_t headroom, std::uint32_t tailroom)
        : bytes(headroom + content.size() + tailroom, 0xee) {
        std::copy(content.begin(), content.end(), bytes.begin() + headroom);
        frame.data = bytes.data() + headroom;
        frame.length = static_cast<std::uint32_t>(content.size());
        frame.headroom = headroom;
        frame.tailroom = tailroom;
    }
    Bytes content() const { return Bytes(frame.data, frame.data + frame.length); }
    void expect_consistent() const {
        EXPECT_EQ(frame.data - frame.headroom, bytes.data());
        EXPECT_EQ(frame.headroom + frame.length + frame.tailroom, bytes.size());
    }
};

L2Header header_for(const test::Packet& packet) {
    L2Header header{.destination = test::mac(packet.destination_mac),
                    .source = test::mac(packet.source_mac),
                    .ethertype = ethertype_ipv4};
    if (packet.outer_vlan) header.vids[header.tag_count++] = *packet.outer_vlan;
    if (packet.vlan) header.vids[header.tag_count++] = *packet.vlan;
    return header;
}

TEST(ReplaceL2, GoesFromAnyNumberOfTagsToAnyOther) {
    const test::Packet shapes[] = {{}, {.vlan = 110}, {.outer_vlan = 900, .vlan = 110}};
    for (const test::Packet& before : shapes) {
        for (test::Packet after : shapes) {
            after.source_mac = "02:00:5e:00:01:01";
            after.destination_mac = "02:00:00:00:09:01";
            Buffer buffer(test::udp(before), 8, 0);
            const auto old_length = static_cast<std::uint32_t>(test::l2_length(buffer.content()));
            ASSERT_TRUE(replace_l2(buffer.frame, old_length, 60, header_for(after)));
            EXPECT_EQ(buffer.content(), test::udp(after));
            buffer.expect_consistent();
        }
    }
}

TEST(ReplaceL2, LeavesAFrameWithoutHeadroomAlone) {
    const Bytes content = test::udp({});
    Buffer buffer(content, 3, 0);
    EXPECT_FALSE(replace_l2(buffer.frame, 14, 60, header_for({.vlan = 110})));
    EXPECT_EQ(buffer.content(), content);
    buffer.expect_consistent();
}

TEST(ReplaceL2, MT_A34_CutsPaddingAndPadsAnew) {
    Bytes content = test::udp({.payload = {}});
    content.resize(64, 0xaa);  // padding that is no zeros
    Buffer buffer(content, 8, 0);
    ASSERT_TRUE(replace_l2(buffer.frame, 14, 28, header_for({.vlan = 110})));
    EXPECT_EQ(buffer.content(), test::padded(test::udp({.vlan = 110, .payload = {}}), 60));
    buffer.expect_consistent();
}

TEST(ReplaceL2, PadsOnlyWhereThereIsRoom) {
    Buffer buffer(test::udp({.payload = {}}), 0, 10);
    ASSERT_TRUE(replace_l2(buffer.frame, 14, 28, header_for({})));
    EXPECT_EQ(buffer.content(), test::udp({.payload = {}}));
    buffer.expect_consistent();
}

}  // namespace
}  // namespace sluice
