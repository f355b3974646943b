// SPDX-License-Identifier: Apache-2.0
// Headers and layer 4, clause by clause of RFC 7915 (ICMP errors: cross_family_error_test.cpp).
#include "runtime/packet/cross_family.h"

#include <gtest/gtest.h>

#include "tests/runtime/packet/crossing.h"

namespace sluice {
namespace {

using test::Bytes;
using test::crossed;
using test::ends_of;

constexpr const char* ipv6_source = "64:ff9b::c000:221";
constexpr const char* ipv6_destination = "2001:db8::5";
constexpr std::uint8_t hop_by_hop = 0, routing = 43, fragment_header = 44, authentication = 51,
                       destination_options = 60;

test::Packet ipv4_packet() {
    return {
        .source = "192.0.2.33", .destination = "203.0.113.10", .source_port = 443, .destination_port = 61000};
}
test::Packet ipv6_packet() {
    return {
        .source = ipv6_source, .destination = ipv6_destination, .source_port = 443, .destination_port = 5000};
}

/// Of every kind that has a counterpart.
void expect_crossed(const test::Packet& before, const test::Packet& after,
                    std::optional<std::uint16_t> ipv4_id = {}) {
    for (const auto build : {test::udp, test::tcp, test::echo_request, test::echo_reply}) {
        EXPECT_EQ(crossed(build(before), ends_of(build(after)), ipv4_id), build(after));
    }
    const Bytes gre = test::ip_protocol(after, 47);
    EXPECT_EQ(crossed(test::ip_protocol(before, 47), ends_of(gre), ipv4_id), gre);
}

bool has_counterpart(const Bytes& frame) {
    const auto across = view_across(test::parse(frame).ip);
    return across.has_value();
}

Bytes payload_of(std::size_t bytes) {
    Bytes payload(bytes);
    for (std::size_t i = 0; i < bytes; ++i) payload[i] = static_cast<std::uint8_t>(i * 7);
    return payload;
}

TEST(FourToSix, GivesThePacketThatWouldHaveBeenBuilt) {
    test::Packet before = ipv4_packet(), after = ipv6_packet();
    before.ttl = after.ttl = 17;  // copied: routing has decremented it, or will (4.1)
    before.tos = after.tos = 0xb9;
    before.identifier = 77;
    after.identifier = 4711;
    before.payload = after.payload = payload_of(51);
    expect_crossed(before, after);
}

TEST(FourToSix, WritesTheseVeryBytes) {
    const Bytes frame = test::udp({.source = "192.0.2.33",
                                   .destination = "203.0.113.10",
                                   .source_port = 0x1234,
                                   .destination_port = 0x0035,
                                   .payload = {0xca, 0xfe},
                                   .ttl = 9,
                                   .tos = 0x28});
    const CrossedEnds ends{parse_ip("64:ff9b::192.0.2.33")->ip, parse_ip("2001:db8::5")->ip, 0x1234, 0x5678};
    const Bytes packet = test::ip_packet(crossed(frame, ends));
    const Bytes expected = {0x62, 0x80, 0,    0,    0, 10, 17,   9,  // no flow label
                            0,    0x64, 0xff, 0x9b, 0, 0,  0,    0,    0,    0,   0, 0, 0xc0, 0, 2, 0x21,  //
                            0x20, 1,    0x0d, 0xb8, 0, 0,  0,    0,    0,    0,   0, 0, 0,    0, 0, 5,     //
                            0x12, 0x34, 0x56, 0x78, 0, 10, 0xdc, 0x4f, 0xca, 0xfe};
    EXPECT_EQ(packet, expected);
}

TEST(FourToSix, LeavesOptionsOut) {  // 4.1
    test::Packet before = ipv4_packet();
    before.ip_options = {0x94, 4, 0, 0, 7, 7, 4, 0, 0, 0, 0, 0};
    expect_crossed(before, ipv6_packet());
}

TEST(FourToSix, FortyBytesOfOptionsNeedNoHeadroom) {
    test::Packet before = ipv4_packet();
    before.ip_options = Bytes(40, 1);
    test::Crossing crossing(test::udp(before), 0);
    ASSERT_TRUE(translate_across(crossing.packet, ends_of(test::udp(ipv6_packet())), {}, {}));
    EXPECT_EQ(crossing.frame(), test::udp(ipv6_packet()));
    EXPECT_EQ(crossing.packet.frame.headroom, 20);
}

TEST(FourToSix, KeepsLayer2InFrontButForItsEthertype) {
    test::Packet before = ipv4_packet(), after = ipv6_packet();
    before.outer_vlan = after.outer_vlan = 7;
    before.vlan = after.vlan = 99;
    expect_crossed(before, after);
}

TEST(FourToSix, CutsEthernetPadding) {
    test::Packet before = ipv4_packet(), after = ipv6_packet();
    before.payload = after.payload = {1};
    EXPECT_EQ(crossed(test::padded(test::udp(before)), ends_of(test::udp(after))), test::udp(after));
}

TEST(FourToSix, WithoutHeadroomThePacketStaysAsItWas) {
    const Bytes frame = test::udp(ipv4_packet());
    test::Crossing crossing(frame, 19);
    EXPECT_FALSE(translate_across(crossing.packet, ends_of(test::udp(ipv6_packet())), {}, {}));
    EXPECT_EQ(crossing.frame(), frame);
    EXPECT_EQ(crossing.packet.ip.family, Family::v4);
}

TEST(FourToSix, TheNewViewIsThatOfTheNewPacket) {
    for (const Bytes& frame : {test::tcp(ipv4_packet()), test::echo_request(ipv4_packet()),
                               test::fragments(test::udp(ipv4_packet()), 16)[1]}) {
        test::Crossing crossing(frame);
        const CrossedEnds ends{parse_ip(ipv6_source)->ip, parse_ip(ipv6_destination)->ip, 0, 0};
        ASSERT_TRUE(translate_across(crossing.packet, ends, whole_datagram({&crossing.packet, 1}), {}));
        const IpView read = test::parse(crossing.frame()).ip;
        const IpView& made = crossing.packet.ip;
        EXPECT_EQ(made.family, read.family);
        EXPECT_EQ(made.protocol, read.protocol);
        EXPECT_EQ(made.l4_kind, read.l4_kind);
        EXPECT_EQ(made.tcp_flags, read.tcp_flags);
        EXPECT_EQ(made.tcp_sequence, read.tcp_sequence);
        EXPECT_EQ(made.tcp_acknowledgement, read.tcp_acknowledgement);
        EXPECT_EQ(made.icmp_type, read.icmp_type);
        EXPECT_EQ(made.header_length, read.header_length);
        EXPECT_EQ(made.total_length, read.total_length);
        EXPECT_EQ(made.fragment_header_offset, read.fragment_header_offset);
        EXPECT_EQ(made.fragment_offset, read.fragment_offset);
        EXPECT_EQ(made.fragment, read.fragment);
        EXPECT_EQ(made.dont_fragment, read.dont_fragment);
        EXPECT_EQ(made.id, read.id);
        EXPECT_EQ(made.source_port, read.source_port);
        EXPECT_EQ(made.source, read.source);
    }
}

TEST(FourToSix, FragmentsGetAFragmentHeaderWithTheirId) {  // 4.1
    for (const auto build : {test::udp, test::tcp, test::echo_request}) {
        test::Packet before = ipv4_packet(), after = ipv6_packet();
        before.payload = after.payload = payload_of(200);
        before.id = 0xbeef;
        const auto sent = test::fragments(build(before), 64);
        EXPECT_EQ(crossed(sent, ends_of(build(after))), test::fragments(build(after), 64, 0xbeef));
    }
}

TEST(FourToSix, UdpWithoutChecksumGetsOne) {  // 4.5
    for (const std::size_t bytes : {0, 1, 2, 51}) {
        test::Packet before = ipv4_packet(), after = ipv6_packet();
        before.no_udp_checksum = true;
        before.payload = after.payload = payload_of(bytes);
        EXPECT_EQ(crossed(test::udp(before), ends_of(test::udp(after))), test::udp(after)) << bytes;
    }
}

TEST(FourToSix, UdpFragmentsWithoutChecksumGetOneOverAllOfThem) {  // 4.5
    for (const std::size_t bytes : {57, 58, 200, 251}) {
        test::Packet before = ipv4_packet(), after = ipv6_packet();
        before.no_udp_checksum = true;
        before.payload = after.payload = payload_of(bytes);
        EXPECT_EQ(crossed(test::fragments(test::udp(before), 48), ends_of(test::udp(after))),
                  test::fragments(test::udp(after), 48, before.id))
            << bytes;
    }
}

TEST(FourToSix, WhatFollowsAUdpDatagramIsNotSummed) {  // RFC 768: its own length ends it
    test::Packet before = ipv4_packet(), after = ipv6_packet();
    before.no_udp_checksum = true;
    before.payload = after.payload = payload_of(50);
    const Bytes shorter6 = test::ip_packet(test::udp(after));
    // Behind the UDP header comes what is 20 bytes longer than it says.
    const auto longer = [](const test::Packet& packet, const Bytes& shorter, std::size_t header) {
        test::Packet fields = packet;
        fields.payload.assign(shorter.begin() + static_cast<std::ptrdiff_t>(header), shorter.end());
        test::append(fields.payload, Bytes(20, 0xee));
        return test::ip_protocol(fields, 17);
    };
    const Bytes longer4 = longer(before, test::ip_packet(test::udp(before)), 20);
    const Bytes longer6 = longer(after, shorter6, 40);
    EXPECT_EQ(crossed(longer4, ends_of(longer6)), longer6);
    for (const std::size_t piece : {24, 56, 64}) {
        EXPECT_EQ(crossed(test::fragments(longer4, piece), ends_of(longer6)),
                  test::fragments(longer6, piece, before.id))
            << piece;
    }
}

TEST(FourToSix, AUdpChecksumThatComesOutAsZeroIsAllOnes) {
    test::Packet after = ipv6_packet();
    while (test::get16(test::udp(after), 14 + 40 + 6) != 0xffff) ++after.source_port;
    for (const bool none : {false, true}) {
        test::Packet before = ipv4_packet();
        before.no_udp_checksum = none;
        EXPECT_EQ(crossed(test::udp(before), ends_of(test::udp(after))), test::udp(after)) << none;
    }
}

TEST(FourToSix, WrongChecksumsStayAsWrong) {
    test::Packet before = ipv4_packet(), after = ipv6_packet();
    before.l4_checksum_error = after.l4_checksum_error = 0x0101;
    for (const auto build : {test::udp, test::tcp, test::echo_request, test::echo_reply}) {
        EXPECT_EQ(crossed(build(before), ends_of(build(after))), build(after));
    }
}

TEST(FourToSix, TimestampsAndOtherQueriesHaveNoCounterpart) {  // 4.2
    for (const std::uint8_t type : {4, 5, 6, 9, 10, 13, 14, 15, 16, 17, 18, 40, 128, 255}) {
        test::Packet packet = ipv4_packet();
        packet.icmp_type = type;
        EXPECT_FALSE(has_counterpart(test::icmp(packet))) << int{type};
        EXPECT_EQ(crossed(test::icmp(packet), {}), Bytes{}) << int{type};
    }
}

TEST(FourToSix, ProtocolsThatAreHeadersOrIcmpInIpv6HaveNoCounterpart) {
    for (const std::uint8_t protocol : {hop_by_hop, std::uint8_t{2}, routing, fragment_header, authentication,
                                        std::uint8_t{58}, destination_options}) {
        EXPECT_FALSE(has_counterpart(test::ip_protocol(ipv4_packet(), protocol))) << int{protocol};
    }
}

TEST(SixToFour, GivesThePacketThatWouldHaveBeenBuilt) {
    test::Packet before = ipv6_packet(), after = ipv4_packet();
    before.ttl = after.ttl = 17;
    before.tos = after.tos = 0xb9;  // 5.1: the traffic class
    before.identifier = 77;
    after.identifier = 4711;
    after.id = 0xabcd;
    before.payload = after.payload = payload_of(51);
    expect_crossed(before, after, 0xabcd);
}

TEST(SixToFour, WritesTheseVeryBytes) {
    Bytes frame = test::udp({.source = "2001:db8::5",
                             .destination = "64:ff9b::192.0.2.33",
                             .source_port = 0x5678,
                             .destination_port = 0x0035,
                             .payload = {0xca, 0xfe},
                             .ttl = 9,
                             .tos = 0x28});
    frame[14 + 3] = 0x99;  // of the flow label, which goes
    const CrossedEnds ends{parse_ip("203.0.113.10")->ip, parse_ip("192.0.2.33")->ip, 0x1234, 0x35};
    const Bytes packet = test::ip_packet(crossed(frame, ends, 0x4242));
    const Bytes expected = {0x45, 0x28, 0, 30, 0x42, 0x42, 0,    0,    9,    17, 0x71, 0x39, 203,  0,    113,
                            10,   192,  0, 2,  33,   0x12, 0x34, 0x00, 0x35, 0,  10,   0x24, 0x46, 0xca, 0xfe};
    EXPECT_EQ(packet, expected);
}

TEST(SixToFour, DfFollowsTheLength) {  // 5.1
    for (const std::size_t total : {1260, 1261}) {
        test::Packet before = ipv6_packet(), after = ipv4_packet();
        before.payload = after.payload = payload_of(total - 28);
        after.dont_fragment = total > 1260;
        after.id = total > 1260 ? 0 : 0xabcd;
        EXPECT_EQ(crossed(test::udp(before), ends_of(test::udp(after)), 0xabcd), test::udp(after)) << total;
        EXPECT_EQ(view_across(test::parse(test::udp(before)).ip)->dont_fragment, total > 1260);
    }
}

TEST(SixToFour, WithoutAnIdDfIsSet) {  // RFC 6864 4.1
    test::Packet after = ipv4_packet();
    after.dont_fragment = true;
    after.id = 0;
    expect_crossed(ipv6_packet(), after);
}

TEST(SixToFour, FragmentsKeepTheLowHalfOfTheirId) {  // 5.1.1
    for (const auto build : {test::udp, test::tcp, test::echo_request}) {
        test::Packet before = ipv6_packet(), after = ipv4_packet();
        before.payload = after.payload = payload_of(1400);
        after.id = 0xbeef;
        const auto sent = test::fragments(build(before), 1240, 0xdeadbeef);
        EXPECT_EQ(crossed(sent, ends_of(build(after))), test::fragments(build(after), 1240));
        after.id = 0x7777;
        EXPECT_EQ(crossed(sent, ends_of(build(after)), 0x7777), test::fragments(build(after), 1240));
    }
}

TEST(SixToFour, AnAtomicFragmentIsNoFragment) {  // 5.1.1
    test::Packet before = ipv6_packet(), after = ipv4_packet();
    before.payload = after.payload = payload_of(1400);
    before.extensions = {{fragment_header, {0, 0, 0, 0xde, 0xad, 0xbe, 0xef}}};
    after.id = 0xbeef;
    expect_crossed(before, after);
}

TEST(SixToFour, LeavesExtensionHeadersOut) {  // 5.1
    test::Packet before = ipv6_packet(), after = ipv4_packet();
    after.id = 5;
    before.extensions = {{hop_by_hop, {0, 1, 4, 0, 0, 0, 0}},
                         {destination_options, {0, 1, 4, 0, 0, 0, 0}},
                         {routing, {0, 4, 0, 0, 0, 0, 0}}};
    expect_crossed(before, after, 5);
}

TEST(SixToFour, ARoutingHeaderWithSegmentsLeftHasNoCounterpart) {  // 5.1
    test::Packet packet = ipv6_packet();
    packet.extensions = {{routing, {0, 4, 1, 0, 0, 0, 0}}};
    EXPECT_FALSE(has_counterpart(test::udp(packet)));
    EXPECT_EQ(crossed(test::udp(packet), {}), Bytes{});
}

TEST(SixToFour, AnAuthenticationHeaderHasNoCounterpart) {
    test::Packet packet = ipv6_packet();
    packet.extensions = {{authentication, Bytes(23)}};
    packet.extensions[0].body[0] = 4;
    EXPECT_FALSE(has_counterpart(test::udp(packet)));
}

TEST(SixToFour, ExtensionHeadersInsideTheFragmentsHaveNoCounterpart) {
    test::Packet packet = ipv6_packet();
    packet.extensions = {{fragment_header, {0, 0, 1, 0, 0, 0, 9}},
                         {destination_options, {0, 1, 4, 0, 0, 0, 0}}};
    EXPECT_FALSE(has_counterpart(test::udp(packet)));
    packet.extensions = {{destination_options, {0, 1, 4, 0, 0, 0, 0}},
                         {fragment_header, {0, 0, 1, 0, 0, 0, 9}}};
    EXPECT_TRUE(has_counterpart(test::udp(packet)));
    packet.extensions = {{fragment_header, {0, 1, 0, 0, 0, 0, 9}}};  // a later one
    EXPECT_FALSE(has_counterpart(test::ip_protocol(packet, destination_options)));
    EXPECT_TRUE(has_counterpart(test::ip_protocol(packet, 17)));
}

TEST(SixToFour, NeighbourDiscoveryMldAndOtherQueriesHaveNoCounterpart) {  // 5.2
    for (const std::uint8_t type : {130, 131, 132, 133, 134, 135, 136, 137, 138, 143, 200, 255}) {
        test::Packet packet = ipv6_packet();
        packet.icmp_type = type;
        EXPECT_FALSE(has_counterpart(test::icmp(packet))) << int{type};
    }
}

TEST(SixToFour, OtherFamiliesProtocolsHaveNoCounterpart) {
    for (const std::uint8_t protocol : {1, 2}) {
        EXPECT_FALSE(has_counterpart(test::ip_protocol(ipv6_packet(), protocol))) << int{protocol};
    }
}

TEST(SixToFour, UdpWithoutChecksumStaysSo) {  // RFC 6935
    test::Packet before = ipv6_packet(), after = ipv4_packet();
    before.no_udp_checksum = after.no_udp_checksum = true;
    after.id = 5;
    EXPECT_EQ(crossed(test::udp(before), ends_of(test::udp(after)), 5), test::udp(after));
}

TEST(SixToFour, WrongChecksumsStayAsWrong) {
    test::Packet before = ipv6_packet(), after = ipv4_packet();
    after.id = 5;
    before.l4_checksum_error = after.l4_checksum_error = 0x0101;
    for (const auto build : {test::udp, test::tcp, test::echo_request, test::echo_reply}) {
        EXPECT_EQ(crossed(build(before), ends_of(build(after)), 5), build(after));
    }
}

TEST(SixToFour, WhatIpv4CannotCountHasNoCounterpart) {
    IpView view = test::parse(test::udp(ipv6_packet())).ip;
    view.total_length = 65535 + 20;
    EXPECT_TRUE(view_across(view));
    ++view.total_length;
    EXPECT_FALSE(view_across(view));
    view.total_length = 48 + 8;
    view.header_length = 48;
    view.fragment = true;
    view.fragment_header_offset = 40;
    view.fragment_offset = 65504;
    EXPECT_TRUE(view_across(view));
    view.fragment_offset = 65512;
    EXPECT_FALSE(view_across(view));
}

}  // namespace
}  // namespace sluice
