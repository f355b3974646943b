// SPDX-License-Identifier: Apache-2.0
#include "runtime/packet/build.h"

#include <gtest/gtest.h>

#include "tests/runtime/packet/parsing.h"
#include "tests/support/bytes.h"

namespace sluice {
namespace {

using test::address;
using test::Bytes;

Bytes built(std::uint32_t length, const Bytes& buffer) {
    return Bytes(buffer.begin(), buffer.begin() + length);
}

/// An Ethernet header in front, so that the checkers of tests/support read it.
Bytes framed(const Bytes& packet) {
    Bytes frame(12, 2);
    test::append16(frame, packet.at(0) >> 4 == 4 ? 0x0800 : 0x86dd);
    test::append(frame, packet);
    return frame;
}

TEST(Arp, IsReadAndWrittenAlike) {
    const Bytes frame = test::arp({.operation = 2,
                                   .sender_mac = "02:00:00:00:00:05",
                                   .sender_ip = "10.1.1.5",
                                   .target_mac = "02:00:00:00:00:01",
                                   .target_ip = "10.1.1.1"});
    const Bytes body(frame.begin() + 14, frame.end());
    const auto arp = parse_arp(body);
    ASSERT_TRUE(arp);
    EXPECT_EQ(arp->operation, 2);
    EXPECT_EQ(to_string(arp->sender_mac), "02:00:00:00:00:05");
    EXPECT_EQ(to_string(arp->target_ip, Family::v4), "10.1.1.1");
    Bytes out(arp_bytes);
    ASSERT_EQ(build_arp(*arp, out), arp_bytes);
    EXPECT_EQ(out, body);
    EXPECT_EQ(build_arp(*arp, std::span(out).first(27)), 0u);
}

TEST(Arp, RefusesOtherHardwareAndShortBodies) {
    const Bytes frame = test::arp({});
    Bytes body(frame.begin() + 14, frame.end());
    EXPECT_FALSE(parse_arp(std::span(body).first(27)));
    for (std::size_t at : {0u, 1u, 2u, 3u, 4u, 5u}) {
        Bytes other = body;
        other[at] ^= 1;
        EXPECT_FALSE(parse_arp(other)) << at;
    }
}

TEST(NeighbourMessage, BuildsWhatTheTestBuilderBuilds) {
    const Bytes expected = test::neighbour_solicitation({.link_layer = "02:00:00:00:00:01"});
    NeighbourMessage message{.solicitation = true,
                             .source = address("2001:db8:b:1::5").ip,
                             .destination = address("ff02::1:ff00:1").ip,
                             .target = address("2001:db8:b:1::1").ip,
                             .link_layer = test::mac("02:00:00:00:00:01")};
    Bytes out(longest_built_packet, 0xee);
    EXPECT_EQ(built(build_neighbour_message(message, out), out), test::ip_packet(expected));

    const test::NeighbourFrame answer{.link_layer = "02:00:00:00:00:02", .router = true, .override_flag = true};
    message.solicitation = false;
    message.link_layer = test::mac("02:00:00:00:00:02");
    message.router = message.override_flag = true;
    EXPECT_EQ(built(build_neighbour_message(message, out), out),
              test::ip_packet(test::neighbour_advertisement(answer)));
}

std::optional<NeighbourMessage> parsed(Bytes frame) {
    const PacketView packet = test::packet_view(frame);
    return parse_neighbour_message(packet);
}

TEST(NeighbourMessage, ReadsItsFields) {
    const auto advertisement = parsed(test::neighbour_advertisement(
        {.destination = "2001:db8::1", .link_layer = "02:00:00:00:00:02", .router = true, .solicited = true}));
    ASSERT_TRUE(advertisement);
    EXPECT_FALSE(advertisement->solicitation);
    EXPECT_TRUE(advertisement->router);
    EXPECT_TRUE(advertisement->solicited);
    EXPECT_FALSE(advertisement->override_flag);
    EXPECT_EQ(advertisement->link_layer, test::mac("02:00:00:00:00:02"));
    EXPECT_EQ(advertisement->target, address("2001:db8:b:1::1").ip);
    EXPECT_TRUE(parsed(test::neighbour_solicitation({})));
    EXPECT_TRUE(parsed(test::neighbour_solicitation({.source = "::"}))) << "duplicate address detection";
}

TEST(NeighbourMessage, RefusesWhatRfc4861Refuses) {
    EXPECT_FALSE(parsed(test::neighbour_solicitation({.hop_limit = 254})));
    EXPECT_FALSE(parsed(test::neighbour_solicitation({.target = "ff02::1"})));
    EXPECT_FALSE(parsed(test::neighbour_solicitation({.source = "::", .destination = "ff02::1"})));
    EXPECT_FALSE(parsed(test::neighbour_solicitation({.source = "::", .link_layer = "02:00:00:00:00:01"})));
    EXPECT_FALSE(parsed(test::neighbour_advertisement({.destination = "ff02::1", .solicited = true})));
    Bytes wrong_checksum = test::neighbour_solicitation({});
    wrong_checksum.back() ^= 1;
    EXPECT_FALSE(parsed(wrong_checksum));

    const test::Packet base{
        .source = "2001:db8::5", .destination = "2001:db8::1", .icmp_type = 136, .ttl = 255};
    test::Packet packet = base;
    packet.payload = Bytes(15, 0x20);
    EXPECT_FALSE(parsed(test::icmp(packet))) << "too short";
    packet.payload = Bytes(16, 0x20);
    EXPECT_TRUE(parsed(test::icmp(packet)));
    packet.icmp_code = 1;
    EXPECT_FALSE(parsed(test::icmp(packet))) << "code";
    packet.icmp_code = 0;
    test::append(packet.payload, Bytes{2, 0, 0, 0, 0, 0, 0, 0});
    EXPECT_FALSE(parsed(test::icmp(packet))) << "option of length zero";
    packet.payload[17] = 2;
    EXPECT_FALSE(parsed(test::icmp(packet))) << "option longer than the message";
    packet.payload.resize(17);
    EXPECT_FALSE(parsed(test::icmp(packet))) << "half an option";
}

TEST(NeighbourMessage, RefusesAFragmentHeader) {
    const test::Packet packet{.source = "2001:db8::5",
                              .destination = "2001:db8::1",
                              .icmp_type = 136,
                              .payload = Bytes(16, 0x20),
                              .ttl = 255,
                              .extensions = {{.type = 44, .body = Bytes(7)}}};
    EXPECT_FALSE(parsed(test::icmp(packet)));
}

TEST(MulticastAddresses, FollowTheirRfcs) {
    EXPECT_EQ(solicited_node_group(address("2001:db8::12ab:cdef").ip), address("ff02::1:ffab:cdef").ip);
    EXPECT_EQ(to_string(multicast_mac(address("ff02::1:ffab:cdef").ip, Family::v6)), "33:33:ff:ab:cd:ef");
    EXPECT_EQ(to_string(multicast_mac(address("224.129.2.3").ip, Family::v4)), "01:00:5e:01:02:03");
}

TEST(EchoReply, IsTheRequestTurnedRound) {
    for (const bool six : {false, true}) {
        const std::string here = six ? "2001:db8::1" : "10.1.1.1", there = six ? "2001:db8::5" : "10.1.1.5";
        Bytes frame = test::echo_request({.source = there, .destination = here, .ttl = 3});
        const PacketView packet = test::packet_view(frame);
        echo_request_to_reply(packet.l3(), packet.ip);
        EXPECT_EQ(frame, test::echo_reply({.source = here, .destination = there, .ttl = 64})) << here;
    }
}

TEST(EchoReply, TurnsEachFragmentAsItStands) {
    const auto requests =
        test::fragments(test::echo_request({.source = "10.1.1.5", .destination = "10.1.1.1"}), 16);
    const auto replies =
        test::fragments(test::echo_reply({.source = "10.1.1.1", .destination = "10.1.1.5"}), 16);
    ASSERT_EQ(requests.size(), 3u);
    for (std::size_t i = 0; i < requests.size(); ++i) {
        Bytes frame = requests[i];
        const PacketView packet = test::packet_view(frame);
        echo_request_to_reply(packet.l3(), packet.ip);
        EXPECT_EQ(frame, replies[i]) << i;
    }
}

TEST(IcmpError, QuotesAShortPacketWhole) {
    const Bytes offending = test::ip_packet(test::udp({.ttl = 1}));
    Bytes out(longest_built_packet, 0xee);
    const auto length = build_icmp_error(IcmpError::ttl_exceeded, Family::v4, address("10.1.1.1").ip,
                                         address("10.1.1.5").ip, 0, offending, out);
    const Bytes expected = test::ip_packet(test::icmp_error({.source = "10.1.1.1",
                                                             .destination = "10.1.1.5",
                                                             .icmp_type = 11,
                                                             .tos = 0xc0,
                                                             .id = 0,
                                                             .dont_fragment = true},
                                                            offending));
    EXPECT_EQ(built(length, out), expected);
}

TEST(IcmpError, StaysWithinItsLimits) {
    const Bytes offending(1500, 0x45);
    Bytes out(2000);
    const Ip four = address("10.1.1.1").ip, six = address("2001:db8::1").ip;
    EXPECT_EQ(build_icmp_error(IcmpError::host_unreachable, Family::v4, four, four, 0, offending, out), 576u);
    EXPECT_EQ(build_icmp_error(IcmpError::host_unreachable, Family::v6, six, six, 0, offending, out), 1280u);
    EXPECT_TRUE(test::checksums_valid(framed(built(1280, out))));
    EXPECT_EQ(build_icmp_error(IcmpError::host_unreachable, Family::v4, four, four, 0, offending,
                               std::span(out).first(27)),
              0u);
}

TEST(IcmpError, CarriesTheMtu) {
    const Bytes offending(100, 0x45);
    Bytes out(longest_built_packet);
    const Ip four = address("10.1.1.1").ip, six = address("2001:db8::1").ip;
    build_icmp_error(IcmpError::packet_too_big, Family::v4, four, four, 1400, offending, out);
    EXPECT_EQ(Bytes(out.begin() + 20, out.begin() + 22), (Bytes{3, 4}));
    EXPECT_EQ(test::get32(out, 24), 1400u);
    build_icmp_error(IcmpError::packet_too_big, Family::v6, six, six, 1400, offending, out);
    EXPECT_EQ(Bytes(out.begin() + 40, out.begin() + 42), (Bytes{2, 0}));
    EXPECT_EQ(test::get32(out, 44), 1400u);
}

TEST(TcpReset, AnswersAnAcknowledgementWithItsNumber) {
    Bytes frame = test::tcp({.tcp_flags = tcp_ack, .sequence = 1000, .acknowledgement = 5555});
    Bytes out(longest_built_packet);
    const auto length = build_tcp_reset(test::packet_view(frame), out);
    EXPECT_EQ(built(length, out), test::ip_packet(test::tcp({.source = "198.18.0.9",
                                                             .destination = "10.1.1.5",
                                                             .source_port = 80,
                                                             .destination_port = 5000,
                                                             .tcp_flags = tcp_rst,
                                                             .sequence = 5555,
                                                             .acknowledgement = 0,
                                                             .window = 0,
                                                             .payload = {},
                                                             .id = 0,
                                                             .dont_fragment = true})));
}

TEST(TcpReset, AcknowledgesWhatASegmentWithoutAckTook) {
    Bytes frame = test::tcp({.source = "2001:db8::5",
                             .destination = "2001:db8::9",
                             .tcp_flags = tcp_syn | tcp_fin,
                             .sequence = 1000,
                             .tcp_options = {1, 1, 1, 1},
                             .payload = Bytes(10)});
    Bytes out(longest_built_packet);
    const auto length = build_tcp_reset(test::packet_view(frame), out);
    EXPECT_EQ(built(length, out), test::ip_packet(test::tcp({.source = "2001:db8::9",
                                                             .destination = "2001:db8::5",
                                                             .source_port = 80,
                                                             .destination_port = 5000,
                                                             .tcp_flags = tcp_rst | tcp_ack,
                                                             .sequence = 0,
                                                             .acknowledgement = 1012,
                                                             .window = 0,
                                                             .payload = {}})));
}

TEST(TcpReset, IsNeverAnswered) {
    Bytes frame = test::tcp({.tcp_flags = tcp_rst});
    Bytes out(longest_built_packet);
    EXPECT_EQ(build_tcp_reset(test::packet_view(frame), out), 0u);
}

std::vector<Bytes> fragments_of(Bytes frame, std::uint16_t mtu) {
    const PacketView packet = test::packet_view(frame);
    std::vector<Bytes> result;
    const auto count = ipv4_fragment_count(packet.ip, mtu);
    for (std::uint32_t i = 0; i < count; ++i) {
        Bytes out(packet.ip.total_length);
        result.push_back(built(build_ipv4_fragment(packet.ip_bytes(), packet.ip, mtu, i, out), out));
    }
    return result;
}

TEST(FragmentIpv4, CutsAtMultiplesOfEight) {
    const Bytes frame = test::udp({.payload = Bytes(2000, 9)});
    const auto expected = test::fragments(frame, 576);
    const auto pieces = fragments_of(frame, 600);  // 580 bytes of room
    ASSERT_EQ(pieces.size(), expected.size());
    for (std::size_t i = 0; i < pieces.size(); ++i) EXPECT_EQ(pieces[i], test::ip_packet(expected[i])) << i;
}

TEST(FragmentIpv4, LetsTheLastPieceFillTheMtu) {
    const Bytes frame = test::udp({.payload = Bytes(576 + 580 - 8)});
    const auto pieces = fragments_of(frame, 600);
    ASSERT_EQ(pieces.size(), 2u);
    EXPECT_EQ(pieces[0].size(), 596u);
    EXPECT_EQ(pieces[1].size(), 600u);
}

TEST(FragmentIpv4, LeavesAPacketThatFits) {
    const Bytes frame = test::udp({});
    EXPECT_EQ(fragments_of(frame, 60), std::vector<Bytes>{test::ip_packet(frame)});
    EXPECT_TRUE(fragments_of(frame, 27).empty()) << "no room for 8 bytes";
}

TEST(FragmentIpv4, CutsAFragmentFurther) {
    const Bytes frame = test::udp({.payload = Bytes(120, 9)});
    const auto middle = fragments_of(test::fragments(frame, 64)[0], 52);
    ASSERT_EQ(middle.size(), 2u);
    EXPECT_EQ(test::get16(middle[1], 6), 0x2000 | 32 / 8) << "more fragments follow still";
    const auto last = fragments_of(test::fragments(frame, 64)[1], 52);
    ASSERT_EQ(last.size(), 2u);
    EXPECT_EQ(test::get16(last[0], 6), 0x2000 | 64 / 8);
    EXPECT_EQ(test::get16(last[1], 6), 96 / 8);
}

TEST(FragmentIpv4, CopiesOnlyOptionsWithTheCopiedFlag) {
    const Bytes record_route = {7, 7, 4, 0, 0, 0, 0}, router_alert = {0x94, 4, 0, 0};
    Bytes options = record_route;
    test::append(options, router_alert);
    options.push_back(0);
    const auto pieces = fragments_of(test::udp({.payload = Bytes(100), .ip_options = options}), 96);
    ASSERT_EQ(pieces.size(), 2u);
    EXPECT_EQ(pieces[0][0], 0x48);
    EXPECT_EQ(Bytes(pieces[0].begin() + 20, pieces[0].begin() + 32), options);
    EXPECT_EQ(pieces[1][0], 0x46);
    EXPECT_EQ(Bytes(pieces[1].begin() + 20, pieces[1].begin() + 24), router_alert);
    EXPECT_TRUE(test::checksums_valid(framed(pieces[1])));
}

}  // namespace
}  // namespace sluice
