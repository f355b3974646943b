// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/runtime/packet/parsing.h"
#include "tests/support/bytes.h"

namespace sluice {
namespace {

using test::Bytes;
using test::parse;
using test::reason_of;

constexpr std::size_t l3 = 14;

/// A frame with one IPv4 header field changed and its checksum made right again.
Bytes with_ipv4_byte(Bytes frame, std::size_t at, std::uint8_t value) {
    frame[l3 + at] = value;
    const std::size_t header = (frame[l3] & 15u) * 4;
    test::put16(frame, l3 + 10, 0);
    test::put16(frame, l3 + 10, test::slow_checksum(std::span(frame).subspan(l3, header)));
    return frame;
}

TEST(ParseIpv4, ReadsAUdpPacket) {
    const auto [reason, l2, view] = parse(test::udp({.source = "10.1.1.5",
                                                     .destination = "198.18.0.9",
                                                     .source_port = 5000,
                                                     .destination_port = 53,
                                                     .payload = Bytes(10),
                                                     .ttl = 63,
                                                     .tos = 0xb8,
                                                     .id = 0xbeef,
                                                     .dont_fragment = true}));
    ASSERT_FALSE(reason);
    EXPECT_EQ(view.family, Family::v4);
    EXPECT_EQ(view.protocol, protocol_udp);
    EXPECT_EQ(view.l4_kind, L4Kind::udp);
    EXPECT_EQ(to_string(view.source, view.family), "10.1.1.5");
    EXPECT_EQ(to_string(view.destination, view.family), "198.18.0.9");
    EXPECT_EQ(view.source_port, 5000);
    EXPECT_EQ(view.destination_port, 53);
    EXPECT_EQ(view.ttl, 63);
    EXPECT_EQ(view.tos, 0xb8);
    EXPECT_EQ(view.id, 0xbeefu);
    EXPECT_TRUE(view.dont_fragment);
    EXPECT_FALSE(view.fragment);
    EXPECT_FALSE(view.has_options);
    EXPECT_EQ(view.header_length, 20);
    EXPECT_EQ(view.total_length, 38u);
}

TEST(ParseIpv4, ReadsATcpSegment) {
    const auto parsed = parse(test::tcp({.tcp_flags = tcp_syn | tcp_ack,
                                         .sequence = 0x01020304,
                                         .acknowledgement = 0xf1f2f3f4,
                                         .tcp_options = {2, 4, 5, 0xb4}}));
    ASSERT_FALSE(parsed.reason);
    EXPECT_EQ(parsed.ip.l4_kind, L4Kind::tcp);
    EXPECT_EQ(parsed.ip.tcp_flags, tcp_syn | tcp_ack);
    EXPECT_EQ(parsed.ip.tcp_sequence, 0x01020304u);
    EXPECT_EQ(parsed.ip.tcp_acknowledgement, 0xf1f2f3f4u);
}

TEST(ParseIpv4, TrimsEthernetPadding) {
    const auto parsed = parse(test::padded(test::udp({.payload = {}})));
    ASSERT_FALSE(parsed.reason);
    EXPECT_EQ(parsed.ip.total_length, 28u);
}

TEST(ParseIpv4, TheIdentifierOfAQueryStandsOnTheSideOfTheAsker) {
    const auto request = parse(test::echo_request({.identifier = 4711})).ip;
    EXPECT_EQ(request.l4_kind, L4Kind::icmp_query);
    EXPECT_EQ(request.source_port, 4711);
    EXPECT_EQ(request.destination_port, 0);
    const auto reply = parse(test::echo_reply({.identifier = 4711})).ip;
    EXPECT_EQ(reply.l4_kind, L4Kind::icmp_query);
    EXPECT_EQ(reply.source_port, 0);
    EXPECT_EQ(reply.destination_port, 4711);
}

TEST(ParseIpv4, SortsIcmpTypes) {
    for (unsigned type = 0; type < 256; ++type) {
        const bool query = type == 0 || type == 8 || type == 13 || type == 14;
        const bool error = type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
        const auto view = parse(test::icmp({.icmp_type = static_cast<std::uint8_t>(type), .icmp_code = 3})).ip;
        EXPECT_EQ(view.l4_kind, query   ? L4Kind::icmp_query
                                : error ? L4Kind::icmp_error
                                        : L4Kind::icmp_other)
            << type;
        EXPECT_EQ(view.icmp_type, type);
        EXPECT_EQ(view.icmp_code, 3);
    }
}

TEST(ParseIpv4, OtherProtocolsHaveNoPorts) {
    const auto parsed = parse(test::ip_protocol({.payload = Bytes(4, 0xff)}, 47));
    ASSERT_FALSE(parsed.reason);
    EXPECT_EQ(parsed.ip.l4_kind, L4Kind::other);
    EXPECT_EQ(parsed.ip.source_port, 0);
    EXPECT_EQ(parse(test::ip_protocol({.payload = Bytes(8)}, protocol_icmpv6)).ip.l4_kind, L4Kind::other);
}

TEST(ParseIpv4, NamesWhatIsWrongWithTheHeader) {
    const Bytes good = test::udp({});
    ASSERT_EQ(reason_of(good), "");
    EXPECT_EQ(reason_of(Bytes(good.begin(), good.begin() + l3 + 19)), "SHORT");
    EXPECT_EQ(reason_of(with_ipv4_byte(good, 0, 0x65)), "IP_VERSION");
    EXPECT_EQ(reason_of(with_ipv4_byte(good, 0, 0x44)), "IP_HDRLEN");
    EXPECT_EQ(reason_of(with_ipv4_byte(good, 3, 61)), "IP_TOTLEN") << "one byte more than there is";
    EXPECT_EQ(reason_of(with_ipv4_byte(good, 3, 19)), "IP_TOTLEN") << "less than the header";
    EXPECT_EQ(reason_of(test::udp({.ip_checksum_error = 1})), "IP_CSUM");
}

TEST(ParseIpv4, ChecksInTheOrderOfTheRules) {
    Bytes frame = test::udp({.source = "127.0.0.1", .destination = "127.0.0.2", .ip_checksum_error = 1});
    EXPECT_EQ(reason_of(frame), "IP_CSUM");
    EXPECT_EQ(reason_of(test::udp({.source = "127.0.0.1", .destination = "127.0.0.2"})), "MARTIAN_SRC");
    frame[l3 + 3] = 200;
    EXPECT_EQ(reason_of(frame), "IP_TOTLEN");
    frame[l3] = 0x44;
    EXPECT_EQ(reason_of(frame), "IP_HDRLEN");
    frame[l3] = 0x54;
    EXPECT_EQ(reason_of(frame), "IP_VERSION");
}

TEST(ParseIpv4, RefusesMartians) {
    for (const char* source :
         {"224.0.0.1", "239.255.255.255", "255.255.255.255", "127.0.0.1", "0.0.0.1", "0.0.0.0"}) {
        EXPECT_EQ(reason_of(test::udp({.source = source})), "MARTIAN_SRC") << source;
    }
    for (const char* destination : {"127.1.2.3", "0.0.0.0", "0.1.2.3"}) {
        EXPECT_EQ(reason_of(test::udp({.destination = destination})), "MARTIAN_DST") << destination;
    }
    EXPECT_EQ(reason_of(test::udp({.source = "223.255.255.255", .destination = "255.255.255.255"})), "");
    EXPECT_EQ(reason_of(test::udp({.destination = "224.0.0.1"})), "");
}

TEST(ParseIpv4, LetsADhcpClientSpeakWithoutAnAddress) {
    const test::Packet discover{
        .source = "0.0.0.0", .destination = "255.255.255.255", .source_port = 68, .destination_port = 67};
    EXPECT_EQ(reason_of(test::udp(discover)), "");
    EXPECT_EQ(reason_of(test::tcp(discover)), "MARTIAN_SRC");
    EXPECT_EQ(reason_of(test::udp({.source = "0.0.0.0", .source_port = 67, .destination_port = 68})),
              "MARTIAN_SRC");
    EXPECT_EQ(reason_of(test::udp({.source = "0.0.0.0", .source_port = 69, .destination_port = 67})),
              "MARTIAN_SRC");
    EXPECT_EQ(reason_of(test::udp({.source = "127.0.0.1", .source_port = 68, .destination_port = 67})),
              "MARTIAN_SRC");
}

TEST(ParseIpv4, WalksOptions) {
    const auto record_route = parse(test::udp({.ip_options = {1, 7, 7, 4, 0, 0, 0, 0}}));
    ASSERT_FALSE(record_route.reason);
    EXPECT_TRUE(record_route.ip.has_options);
    EXPECT_FALSE(record_route.ip.source_route);
    EXPECT_EQ(record_route.ip.header_length, 28);
    EXPECT_EQ(record_route.ip.source_port, 5000);
    EXPECT_TRUE(parse(test::udp({.ip_options = {131, 7, 4, 10, 0, 0, 1, 0}})).ip.source_route);
    EXPECT_TRUE(parse(test::udp({.ip_options = {1, 137, 7, 4, 10, 0, 0, 1}})).ip.source_route);
    EXPECT_FALSE(parse(test::udp({.ip_options = {0, 137, 3, 4}})).ip.source_route)
        << "behind the end of the list";
}

TEST(ParseIpv4, RefusesMalformedOptions) {
    EXPECT_EQ(reason_of(test::udp({.ip_options = {7, 5, 4, 0}})), "IP_HDRLEN") << "longer than the header";
    EXPECT_EQ(reason_of(test::udp({.ip_options = {7, 1, 0, 0}})), "IP_HDRLEN") << "shorter than itself";
    EXPECT_EQ(reason_of(test::udp({.ip_options = {1, 1, 1, 7}})), "IP_HDRLEN") << "no length byte";
}

TEST(ParseIpv4, RefusesALayer4HeaderThatDoesNotFit) {
    EXPECT_EQ(reason_of(test::ip_protocol({.payload = Bytes(7)}, protocol_udp)), "L4_SHORT");
    EXPECT_EQ(reason_of(test::ip_protocol({.payload = Bytes(19)}, protocol_tcp)), "L4_SHORT");
    EXPECT_EQ(reason_of(test::ip_protocol({.payload = Bytes(7)}, protocol_icmp)), "L4_SHORT");
    EXPECT_EQ(reason_of(test::ip_protocol({.payload = {}}, protocol_udp)), "L4_SHORT");

    Bytes segment = test::tcp({.payload = {}});
    segment[l3 + 20 + 12] = 0x40;
    EXPECT_EQ(reason_of(segment), "L4_SHORT") << "data offset below the header";
    segment[l3 + 20 + 12] = 0x60;
    EXPECT_EQ(reason_of(segment), "L4_SHORT") << "data offset behind the packet";

    Bytes datagram = test::udp({.payload = Bytes(4)});
    datagram[l3 + 20 + 5] = 13;
    EXPECT_EQ(reason_of(datagram), "L4_SHORT") << "UDP length behind the packet";
    datagram[l3 + 20 + 5] = 7;
    EXPECT_EQ(reason_of(datagram), "L4_SHORT") << "UDP length below the header";
    datagram[l3 + 20 + 5] = 11;
    EXPECT_EQ(reason_of(datagram), "") << "UDP length shorter than the packet";
}

TEST(ParseIpv4, PaddingIsNotPartOfLayer4) {
    const Bytes frame = test::padded(test::ip_protocol({.payload = Bytes(7)}, protocol_udp));
    EXPECT_EQ(reason_of(frame), "L4_SHORT");
}

TEST(ParseIpv4, ReadsFragments) {
    const auto pieces = test::fragments(test::udp({.payload = Bytes(40)}), 24);
    ASSERT_EQ(pieces.size(), 2u);
    const auto first = parse(pieces[0]);
    ASSERT_FALSE(first.reason);
    EXPECT_TRUE(first.ip.first_fragment());
    EXPECT_TRUE(first.ip.more_fragments);
    EXPECT_EQ(first.ip.source_port, 5000);
    const auto last = parse(pieces[1]);
    ASSERT_FALSE(last.reason);
    EXPECT_TRUE(last.ip.fragment);
    EXPECT_FALSE(last.ip.first_fragment());
    EXPECT_FALSE(last.ip.more_fragments);
    EXPECT_EQ(last.ip.fragment_offset, 24);
    EXPECT_EQ(last.ip.l4_kind, L4Kind::udp);
    EXPECT_EQ(last.ip.source_port, 0);
}

TEST(ParseIpv4, AFirstFragmentCarriesItsWholeLayer4Header) {
    const auto tiny = test::fragments(test::tcp({}), 8);
    EXPECT_EQ(reason_of(tiny[0]), "L4_SHORT");
    EXPECT_EQ(reason_of(tiny[1]), "");
}

}  // namespace
}  // namespace sluice
