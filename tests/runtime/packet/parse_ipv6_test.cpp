// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/runtime/packet/parsing.h"
#include "tests/support/bytes.h"

namespace sluice {
namespace {

using test::Bytes;
using test::Extension;
using test::parse;
using test::reason_of;

constexpr std::size_t l3 = 14;

test::Packet packet_between(const char* source, const char* destination) {
    return {.source = source, .destination = destination};
}
test::Packet packet() {
    return packet_between("2001:db8::5", "2001:db8:9::9");
}
test::Packet packet_with(std::vector<Extension> extensions) {
    test::Packet result = packet();
    result.extensions = std::move(extensions);
    return result;
}

const Extension hop_by_hop{.type = 0, .body = {0, 5, 2, 0, 0, 1, 0}};  // router alert
const Extension routing_type_0{.type = 43, .body = {0, 0, 0, 0, 0, 0, 0}};
const Extension routing_type_4{.type = 43, .body = {0, 4, 0, 0, 0, 0, 0}};
const Extension destination_options{.type = 60, .body = {1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}};
const Extension authentication{.type = 51, .body = Bytes{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}};
const Extension atomic_fragment{.type = 44, .body = {0, 0, 0, 0, 0, 0, 7}};

TEST(ParseIpv6, ReadsAUdpPacket) {
    test::Packet fields = packet();
    fields.ttl = 9;
    fields.tos = 0xb8;
    const auto [reason, l2, view] = parse(test::udp(fields));
    ASSERT_FALSE(reason);
    EXPECT_EQ(view.family, Family::v6);
    EXPECT_EQ(to_string(view.source, view.family), "2001:db8::5");
    EXPECT_EQ(to_string(view.destination, view.family), "2001:db8:9::9");
    EXPECT_EQ(view.l4_kind, L4Kind::udp);
    EXPECT_EQ(view.source_port, 5000);
    EXPECT_EQ(view.ttl, 9);
    EXPECT_EQ(view.tos, 0xb8);
    EXPECT_TRUE(view.dont_fragment);
    EXPECT_EQ(view.header_length, 40);
    EXPECT_EQ(view.total_length, 80u);
}

TEST(ParseIpv6, NamesWhatIsWrongWithTheHeader) {
    const Bytes good = test::udp(packet());
    EXPECT_EQ(reason_of(Bytes(good.begin(), good.begin() + l3 + 39)), "SHORT");
    EXPECT_EQ(reason_of(Bytes(good.begin(), good.end() - 1)), "IP_TOTLEN");
    Bytes version = good;
    version[l3] = 0x40;
    EXPECT_EQ(reason_of(version), "IP_VERSION");
}

TEST(ParseIpv6, RefusesJumbograms) {
    Bytes frame = test::udp(packet_with({{.type = 0, .body = {0, 0xc2, 4, 0, 1, 0, 0}}}));
    frame[l3 + 4] = frame[l3 + 5] = 0;
    EXPECT_EQ(reason_of(frame), "IP_TOTLEN");
}

TEST(ParseIpv6, RefusesMartians) {
    for (const char* source : {"ff02::1", "::1", "::ffff:10.0.0.1", "::"}) {
        EXPECT_EQ(reason_of(test::udp(packet_between(source, "2001:db8::1"))), "MARTIAN_SRC") << source;
    }
    for (const char* destination : {"::", "::1", "::ffff:10.0.0.1"}) {
        EXPECT_EQ(reason_of(test::udp(packet_between("2001:db8::1", destination))), "MARTIAN_DST")
            << destination;
    }
    EXPECT_EQ(reason_of(test::udp(packet_between("fe80::1", "ff02::1"))), "");
}

TEST(ParseIpv6, LetsIcmpv6SpeakWithoutAnAddress) {
    EXPECT_EQ(reason_of(test::neighbour_solicitation({.source = "::"})), "");
    test::Packet report = packet_between("::", "ff02::16");
    report.icmp_type = 143;
    report.extensions = {hop_by_hop};
    EXPECT_EQ(reason_of(test::icmp(report)), "") << "MLD has a hop-by-hop header in front";
}

TEST(ParseIpv6, WalksExtensionHeaders) {
    const auto chain = parse(test::tcp(packet_with({hop_by_hop, destination_options, routing_type_4,
                                                    atomic_fragment, authentication, destination_options})));
    ASSERT_FALSE(chain.reason);
    EXPECT_EQ(chain.ip.protocol, protocol_tcp);
    EXPECT_EQ(chain.ip.header_length, 40 + 8 + 16 + 8 + 8 + 12 + 16);
    EXPECT_EQ(chain.ip.source_port, 5000);
    EXPECT_TRUE(chain.ip.has_options);
    EXPECT_FALSE(chain.ip.source_route);
    EXPECT_FALSE(chain.ip.fragment) << "an atomic fragment";
    EXPECT_EQ(chain.ip.id, 7u);
    EXPECT_EQ(chain.ip.fragment_header_offset, 40 + 8 + 16 + 8);
    EXPECT_FALSE(parse(test::tcp(packet_with({authentication}))).ip.has_options);
}

TEST(ParseIpv6, FlagsRoutingHeadersOfTypeZero) {
    EXPECT_TRUE(parse(test::udp(packet_with({routing_type_0}))).ip.source_route);
    EXPECT_FALSE(parse(test::udp(packet_with({routing_type_4}))).ip.source_route);
}

TEST(ParseIpv6, FlagsWhatCannotBecomeIpv4) {
    test::Extension used_up = routing_type_4, ahead = routing_type_4;
    used_up.body[2] = 0;
    ahead.body[2] = 1;
    EXPECT_FALSE(parse(test::udp(packet_with({used_up}))).ip.segments_left);
    EXPECT_TRUE(parse(test::udp(packet_with({ahead}))).ip.segments_left);
    EXPECT_TRUE(parse(test::udp(packet_with({authentication}))).ip.authenticated);
    EXPECT_FALSE(parse(test::udp(packet_with({destination_options}))).ip.authenticated);
}

TEST(ParseIpv6, BoundsTheChain) {
    EXPECT_EQ(reason_of(test::udp(packet_with(std::vector<Extension>(8, destination_options)))), "");
    EXPECT_EQ(reason_of(test::udp(packet_with(std::vector<Extension>(9, destination_options)))), "IP_HDRLEN");
}

TEST(ParseIpv6, RefusesBrokenChains) {
    EXPECT_EQ(reason_of(test::udp(packet_with({destination_options, hop_by_hop}))), "IP_HDRLEN");
    EXPECT_EQ(reason_of(test::udp(packet_with({atomic_fragment, atomic_fragment}))), "IP_HDRLEN");
    test::Packet fields = packet_with({{.type = 60, .body = {9, 1, 4, 0, 0, 0, 0}}});
    EXPECT_EQ(reason_of(test::udp(fields)), "IP_HDRLEN") << "longer than the packet";
    fields.extensions = {{.type = 60, .body = {0, 1}}};
    fields.payload = {};
    EXPECT_EQ(reason_of(test::ip_protocol(fields, 59)), "IP_HDRLEN") << "shorter than any";
}

TEST(ParseIpv6, ReadsFragments) {
    const auto pieces = test::fragments(test::udp(packet()), 24, 0x01020304);
    const auto first = parse(pieces[0]);
    ASSERT_FALSE(first.reason);
    EXPECT_TRUE(first.ip.first_fragment());
    EXPECT_EQ(first.ip.id, 0x01020304u);
    EXPECT_EQ(first.ip.source_port, 5000);
    const auto last = parse(pieces[1]);
    ASSERT_FALSE(last.reason);
    EXPECT_EQ(last.ip.fragment_offset, 24);
    EXPECT_FALSE(last.ip.more_fragments);
    EXPECT_EQ(last.ip.header_length, 48);
    EXPECT_EQ(last.ip.protocol, protocol_udp);
    EXPECT_EQ(last.ip.source_port, 0);
}

TEST(ParseIpv6, ReadsNoHeadersInALaterFragment) {
    // Payload that would be a broken destination options header, did the walk go on.
    test::Packet fields = packet_with({{.type = 44, .body = {0, 0, 8, 0, 0, 0, 7}}});
    fields.payload = Bytes(8, 0xff);
    const auto parsed = parse(test::ip_protocol(fields, 60));
    ASSERT_FALSE(parsed.reason);
    EXPECT_EQ(parsed.ip.fragment_offset, 8);
    EXPECT_EQ(parsed.ip.header_length, 48);
    EXPECT_EQ(parsed.ip.protocol, 60);
}

TEST(ParseIpv6, SortsIcmpTypes) {
    for (unsigned type = 0; type < 256; ++type) {
        test::Packet fields = packet();
        fields.icmp_type = static_cast<std::uint8_t>(type);
        const L4Kind expected = type < 128                   ? L4Kind::icmp_error
                                : type == 128 || type == 129 ? L4Kind::icmp_query
                                                             : L4Kind::icmp_other;
        EXPECT_EQ(parse(test::icmp(fields)).ip.l4_kind, expected) << type;
    }
    EXPECT_EQ(parse(test::ip_protocol(packet(), protocol_icmp)).ip.l4_kind, L4Kind::other);
}

}  // namespace
}  // namespace sluice
