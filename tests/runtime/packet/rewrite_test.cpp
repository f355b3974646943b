// SPDX-License-Identifier: Apache-2.0
#include "runtime/packet/rewrite.h"

#include <gtest/gtest.h>

#include "tests/runtime/packet/parsing.h"
#include "tests/support/bytes.h"

namespace sluice {
namespace {

using test::Bytes;

/// The frame with these addresses and ports instead of its own.
Bytes translated(Bytes frame, const std::string& source, const std::string& destination,
                 std::uint16_t source_port, std::uint16_t destination_port) {
    const PacketView packet = test::packet_view(frame);
    const auto translation = Translation::between(packet.ip, test::address(source).ip,
                                                  test::address(destination).ip, source_port, destination_port);
    apply_translation(packet.l3(), packet.ip, translation);
    return frame;
}

/// Every kind of packet that has ports or an identifier becomes what would have been built.
void expect_translated(const test::Packet& before, const test::Packet& after) {
    const auto become = [&](const Bytes& frame, std::uint16_t source_port, std::uint16_t destination_port) {
        return translated(frame, after.source, after.destination, source_port, destination_port);
    };
    EXPECT_EQ(become(test::udp(before), after.source_port, after.destination_port), test::udp(after));
    EXPECT_EQ(become(test::tcp(before), after.source_port, after.destination_port), test::tcp(after));
    EXPECT_EQ(become(test::echo_request(before), after.identifier, 0), test::echo_request(after));
    EXPECT_EQ(become(test::echo_reply(before), 0, after.identifier), test::echo_reply(after));
}

TEST(ApplyTranslation, GivesThePacketThatWouldHaveBeenBuilt) {
    const test::Packet before{.source = "10.1.1.5", .destination = "198.18.0.9"};
    const test::Packet after{.source = "203.0.113.10",
                             .destination = "10.9.9.9",
                             .source_port = 61000,
                             .destination_port = 8443,
                             .identifier = 61001};
    expect_translated(before, after);
    EXPECT_EQ(translated(test::ip_protocol(before, 47), after.source, after.destination, 0, 0),
              test::ip_protocol(after, 47));
}

TEST(ApplyTranslation, DoesTheSameForIpv6) {
    const test::Packet before{.source = "2001:db8::5", .destination = "2001:db8:9::9"};
    const test::Packet after{.source = "2001:db8:ffff::10",
                             .destination = "fd00::1",
                             .source_port = 61000,
                             .destination_port = 8443,
                             .identifier = 61001};
    expect_translated(before, after);
}

TEST(ApplyTranslation, KeepsAUdpChecksumOfZero) {
    const Bytes frame =
        translated(test::udp({.no_udp_checksum = true}), "203.0.113.10", "198.18.0.9", 61000, 80);
    EXPECT_EQ(test::get16(frame, 14 + 20 + 6), 0);
    EXPECT_TRUE(test::checksums_valid(frame));
}

TEST(ApplyTranslation, SendsAUdpChecksumThatComesOutAsZeroAsAllOnes) {
    constexpr std::size_t checksum_at = 14 + 20 + 6;
    test::Packet after{.source = "203.0.113.10", .source_port = 1};
    while (test::get16(test::udp(after), checksum_at) != 0xffff) ++after.source_port;
    EXPECT_EQ(translated(test::udp({}), after.source, after.destination, after.source_port, 80),
              test::udp(after));
    // And back from all ones.
    EXPECT_EQ(translated(test::udp(after), "10.1.1.5", after.destination, 5000, 80), test::udp({}));
}

TEST(ApplyTranslation, KeepsAWrongChecksumWrongByTheSameAmount) {
    const test::Packet bad{.l4_checksum_error = 0x1111};
    const test::Packet bad_after{.source = "203.0.113.10", .source_port = 61000, .l4_checksum_error = 0x1111};
    const Bytes frame = translated(test::tcp(bad), "203.0.113.10", "198.18.0.9", 61000, 80);
    EXPECT_FALSE(test::checksums_valid(frame));
    EXPECT_EQ(frame, test::tcp(bad_after));
}

TEST(ApplyTranslation, RewritesTheAddressesOnlyOfALaterFragment) {
    const test::Packet before{.payload = Bytes(40, 7)};
    const test::Packet after{.source = "203.0.113.10", .source_port = 61000, .payload = Bytes(40, 7)};
    const auto pieces = test::fragments(test::udp(before), 24);
    const auto expected = test::fragments(test::udp(after), 24);
    ASSERT_EQ(pieces.size(), 2u);
    EXPECT_EQ(translated(pieces[0], "203.0.113.10", "198.18.0.9", 61000, 80), expected[0]);
    EXPECT_EQ(translated(pieces[1], "203.0.113.10", "198.18.0.9", 61000, 80), expected[1]);
}

TEST(DecrementTtl, FollowsWithTheHeaderChecksum) {
    Bytes frame = test::udp({.ttl = 64});
    decrement_ttl(frame.data() + 14, Family::v4, 3);
    EXPECT_EQ(frame, test::udp({.ttl = 61}));
    Bytes six = test::udp({.source = "2001:db8::5", .destination = "2001:db8::9", .ttl = 64});
    decrement_ttl(six.data() + 14, Family::v6, 1);
    EXPECT_EQ(six, test::udp({.source = "2001:db8::5", .destination = "2001:db8::9", .ttl = 63}));
}

TEST(SetIpv4Id, FollowsWithTheHeaderChecksum) {
    Bytes frame = test::udp({.id = 1});
    set_ipv4_id(frame.data() + 14, 0xfffe);
    EXPECT_EQ(frame, test::udp({.id = 0xfffe}));
}

}  // namespace
}  // namespace sluice
