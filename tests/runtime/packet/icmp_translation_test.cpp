// SPDX-License-Identifier: Apache-2.0
// An error that answers a translated packet must look as if the translated packet had never been.
#include <gtest/gtest.h>

#include "runtime/packet/rewrite.h"
#include "tests/runtime/packet/parsing.h"
#include "tests/support/bytes.h"

namespace sluice {
namespace {

using test::address;
using test::Bytes;

Bytes head(Bytes packet, std::size_t length) {
    if (packet.size() > length) packet.resize(length);
    return packet;
}

/// An error from `router` about a packet that left as `outside` and had come as `inside`, brought back.
struct Case {
    test::Packet inside, outside;
    std::string router;
    std::uint8_t type;
    Bytes (*build)(const test::Packet&);
};

void check(const Case& test_case, std::size_t quoted_bytes) {
    const Bytes quoted_outside = head(test::ip_packet(test_case.build(test_case.outside)), quoted_bytes);
    const Bytes quoted_inside = head(test::ip_packet(test_case.build(test_case.inside)), quoted_bytes);
    test::Packet error{.source = test_case.router, .destination = test_case.outside.source};
    error.icmp_type = test_case.type;
    Bytes frame = test::icmp_error(error, quoted_outside);
    error.destination = test_case.inside.source;
    const Bytes expected = test::icmp_error(error, quoted_inside);

    const PacketView packet = test::packet_view(frame);
    ASSERT_EQ(packet.ip.l4_kind, L4Kind::icmp_error);
    const Bytes quoted(frame.begin() + 14 + packet.ip.header_length + icmp_error_header_bytes, frame.end());
    const auto quote = parse_quoted_packet(quoted, packet.ip.family);
    ASSERT_TRUE(quote) << quoted_bytes;
    IpView inside;
    Bytes inside_frame = test_case.build(test_case.inside);
    inside = test::packet_view(inside_frame).ip;
    const auto outer = Translation::between(packet.ip, packet.ip.source, inside.source, 0, 0);
    const auto inner = Translation::between(quote->view, inside.source, inside.destination, inside.source_port,
                                            inside.destination_port);
    apply_icmp_error_translation(packet.l3(), packet.ip, outer, *quote, inner);
    EXPECT_EQ(frame, expected) << quoted_bytes << " bytes quoted";
}

Case ipv4_case(Bytes (*build)(const test::Packet&)) {
    return {.inside = {.source = "10.1.1.5", .source_port = 5000, .identifier = 5000, .payload = Bytes(51, 3)},
            .outside = {.source = "203.0.113.10",
                        .source_port = 61234,
                        .identifier = 61234,
                        .payload = Bytes(51, 3)},
            .router = "192.0.2.77",
            .type = 11,
            .build = build};
}
Case ipv6_case(Bytes (*build)(const test::Packet&)) {
    return {.inside = {.source = "2001:db8::5",
                       .destination = "2001:db8:9::9",
                       .source_port = 5000,
                       .identifier = 5000,
                       .payload = Bytes(51, 3)},
            .outside = {.source = "2001:db8:ffff::10",
                        .destination = "2001:db8:9::9",
                        .source_port = 61234,
                        .identifier = 61234,
                        .payload = Bytes(51, 3)},
            .router = "2001:db8:7::77",
            .type = 3,
            .build = build};
}

TEST(IcmpErrorTranslation, EqualsTheErrorAboutTheUntranslatedPacket) {
    for (const auto build : {test::udp, test::tcp, test::echo_request}) {
        for (std::size_t layer4 = 8; layer4 <= 80; ++layer4) {
            // Half a TCP checksum can't be brought up to date, and nobody can check it.
            if (build == test::tcp && layer4 == 17) continue;
            check(ipv4_case(build), 20 + layer4);
            check(ipv6_case(build), 40 + layer4);
        }
    }
}

TEST(IcmpErrorTranslation, KeepsAQuotedUdpChecksumOfZero) {
    Case test_case = ipv4_case(test::udp);
    test_case.inside.no_udp_checksum = test_case.outside.no_udp_checksum = true;
    check(test_case, 28);
}

TEST(IcmpErrorTranslation, KeepsQuotedChecksumsWrong) {
    Case test_case = ipv4_case(test::tcp);
    test_case.inside.l4_checksum_error = test_case.outside.l4_checksum_error = 0x0101;
    check(test_case, 90);
}

TEST(IcmpErrorTranslation, QuotedOptionsAreSteppedOver) {
    Case test_case = ipv4_case(test::udp);
    test_case.inside.ip_options = test_case.outside.ip_options = {7, 7, 4, 0, 0, 0, 0, 0};
    check(test_case, 60);
}

TEST(ParseQuotedPacket, NeedsTheHeaderAndThePorts) {
    const Bytes packet = test::ip_packet(test::udp({}));
    for (std::size_t length = 0; length < 24; ++length) {
        EXPECT_FALSE(parse_quoted_packet(head(packet, length), Family::v4)) << length;
    }
    const auto quote = parse_quoted_packet(head(packet, 24), Family::v4);
    ASSERT_TRUE(quote);
    EXPECT_EQ(quote->view.source_port, 5000);
    EXPECT_EQ(quote->l4_bytes, 4u);
    EXPECT_FALSE(parse_quoted_packet(packet, Family::v6));
}

TEST(ParseQuotedPacket, EndsWhereThePacketEnds) {
    Bytes padded_quote = test::ip_packet(test::udp({.payload = Bytes(4)}));
    padded_quote.resize(128);  // RFC 4884 4.1
    const auto quote = parse_quoted_packet(padded_quote, Family::v4);
    ASSERT_TRUE(quote);
    EXPECT_EQ(quote->l4_bytes, 12u);
}

TEST(ParseQuotedPacket, ALaterFragmentNeedsNoPorts) {
    const Bytes packet = test::ip_packet(test::fragments(test::udp({}), 16)[1]);
    const auto quote = parse_quoted_packet(head(packet, 20), Family::v4);
    ASSERT_TRUE(quote);
    EXPECT_EQ(quote->view.fragment_offset, 16);
    EXPECT_EQ(quote->view.source_port, 0);
}

}  // namespace
}  // namespace sluice
