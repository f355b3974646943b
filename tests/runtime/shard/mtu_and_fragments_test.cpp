// SPDX-License-Identifier: Apache-2.0
//
// Packets too long for their way out (C4), and fragments through NAT in any order.
#include <algorithm>
#include <set>

#include "tests/runtime/shard/lab.h"

namespace sluice::test {
namespace {

using MtuAndFragments = ShardTest;
SLUICE_SHARD_TEST(MtuAndFragments);

/// The datagram behind fragments: their payloads by offset, which must fit together.
Bytes reassembled(const std::vector<SentFrame>& sent) {
    std::vector<Decoded> pieces;
    for (const SentFrame& frame : sent) pieces.push_back(decode(frame.bytes));
    std::sort(pieces.begin(), pieces.end(),
              [](const Decoded& a, const Decoded& b) { return a.fragment_offset < b.fragment_offset; });
    Bytes datagram;
    for (const Decoded& piece : pieces) {
        EXPECT_EQ(piece.fault, "");
        EXPECT_EQ(piece.fragment_offset, datagram.size());
        EXPECT_EQ(piece.more_fragments, &piece != &pieces.back());
        EXPECT_EQ(piece.id, pieces[0].id);
        datagram.insert(datagram.end(), piece.l4.begin(), piece.l4.end());
    }
    return datagram;
}

TEST_P(MtuAndFragments, what_may_not_be_cut_is_answered_with_the_mtu) {
    Packet packet = on_web({.payload = Bytes(1373, 1), .dont_fragment = true});
    const Bytes frame = udp(packet);  // 1401 bytes of IP
    only(inside(udp(on_web({}))));    // the flow is cached, where there is a cache
    for (int i = 0; i < 2; ++i) {
        const Decoded error = only(inside(frame));
        EXPECT_EQ(error.word(0), 0x0304);
        EXPECT_EQ(error.word(6), 1400);
        EXPECT_EQ(from(error), "10.1.1.1");
        const Bytes quoted = ip_packet(frame);
        EXPECT_TRUE(std::equal(error.l4.begin() + 8, error.l4.end(), quoted.begin()));
    }
    EXPECT_EQ(drops("blue.sr", DropReason::MTU_DF), 2u);
    packet.payload.pop_back();
    EXPECT_EQ(only(inside(udp(packet))).total_bytes, 1400u);

    const Decoded error6 = only(inside(udp(
        on_lan({.source = "2001:db8:3:1::5", .destination = "2001:db8:3:2::5", .payload = Bytes(1400, 1)}))));
    EXPECT_EQ(error6.word(0), 0x0200);
    EXPECT_EQ(error6.word(6), 1400);
    EXPECT_EQ(drops("plain.dr", DropReason::MTU_DF), 1u);
}

// A request that fits the way here and may not be cut; the way back is by the uplink.
TEST_P(MtuAndFragments, an_echo_reply_has_all_data_though_the_way_back_is_narrow) {
    Packet request = on_db(
        {.source = "198.18.0.9", .destination = "10.1.2.1", .payload = Bytes(1450, 0), .dont_fragment = true});
    for (std::size_t i = 0; i < request.payload.size(); ++i)
        request.payload[i] = static_cast<std::uint8_t>(i * 7);
    std::set<std::uint32_t> ids;
    for (int i = 0; i < 2; ++i) {
        const auto sent = inside(echo_request(request));
        ASSERT_EQ(sent.size(), 2u);
        const Decoded first = decode(sent[0].bytes);
        EXPECT_FALSE(first.dont_fragment);
        ids.insert(first.id);  // what is cut is told apart by more than the request's ID
        const Bytes message = reassembled(sent);
        EXPECT_EQ(message[0], 0);
        EXPECT_EQ(slow_checksum(message), 0);
        EXPECT_TRUE(
            std::equal(message.begin() + 8, message.end(), request.payload.begin(), request.payload.end()));
    }
    EXPECT_EQ(ids.size(), 2u);
    request.payload.resize(1372);  // it fits: DF and ID are the request's
    EXPECT_TRUE(only(inside(echo_request(request))).dont_fragment);
}

TEST_P(MtuAndFragments, what_may_be_cut_arrives_whole) {
    Packet packet = on_web({.source = "10.1.1.20", .payload = Bytes(1450, 0)});
    for (std::size_t i = 0; i < packet.payload.size(); ++i)
        packet.payload[i] = static_cast<std::uint8_t>(i * 7);
    only(inside(udp(on_web({.source = "10.1.1.20"}))));
    const auto sent = inside(udp(packet));
    ASSERT_EQ(sent.size(), 2u);
    packet.source = "203.0.113.20";  // as if it had come from the one-to-one address itself
    EXPECT_EQ(reassembled(sent), decode(udp(packet)).l4);
    EXPECT_EQ(counters().copies, 1u);
    for (const SentFrame& frame : sent) {
        EXPECT_LE(decode(frame.bytes).total_bytes, 1400u);
        EXPECT_EQ(decode(frame.bytes).ttl, 63);
    }
    EXPECT_EQ(only(inside(udp(on_web({.source = "10.1.1.20"})))).ttl, 63);  // the entry is still good
}

TEST_P(MtuAndFragments, fragments_pass_source_nat_in_any_order) {
    const Packet packet = on_web({.source_port = 4000, .payload = Bytes(100, 0x42)});
    const auto pieces = fragments(udp(packet), 40);
    ASSERT_EQ(pieces.size(), 3u);
    std::vector<std::size_t> order{0, 1, 2};
    std::set<std::uint32_t> ids;
    do {
        std::vector<Bytes> burst;
        for (const std::size_t i : order) burst.push_back(pieces[i]);
        const auto sent = inside(burst);
        ASSERT_EQ(sent.size(), 3u);
        const Decoded first = decode(sent[0].bytes);
        EXPECT_EQ(from(first), "203.0.113.10");
        ids.insert(first.id);
        Packet expected = packet;
        expected.source = "203.0.113.10";
        expected.source_port = first.source_port();
        EXPECT_EQ(reassembled(sent), decode(udp(expected)).l4);
    } while (std::next_permutation(order.begin(), order.end()));
    EXPECT_EQ(ids.size(), 6u) << "each datagram needs an identification of its own";
    EXPECT_EQ(counters().sessions.created, 1u);
}

TEST_P(MtuAndFragments, ipv6_fragments_with_extension_headers_pass_source_nat) {
    const Packet packet = on_db({.source = "fd00:2::5",
                                 .destination = "2001:db8:9::9",
                                 .source_port = 4000,
                                 .payload = Bytes(100, 0x42),
                                 .extensions = {{60, {0, 1, 4, 0, 0, 0, 0}}}});
    auto pieces = fragments(udp(packet), 48);
    ASSERT_GE(pieces.size(), 3u);
    std::reverse(pieces.begin(), pieces.end());
    const auto sent = inside(pieces);
    ASSERT_EQ(sent.size(), pieces.size());
    const Decoded first = decode(sent[0].bytes);
    Packet expected = packet;
    expected.source = "2001:db8:ffff::10";
    Bytes datagram;
    for (const SentFrame& frame : sent) {
        const Decoded piece = decode(frame.bytes);
        EXPECT_EQ(from(piece), expected.source);
        EXPECT_EQ(piece.ttl, 63);
    }
    // The checksum of the whole is that of the translated datagram.
    expected.source_port = static_cast<std::uint16_t>(first.l4[0] << 8 | first.l4[1]);
    for (const SentFrame& frame : sent) {
        const Bytes l4 = decode(frame.bytes).l4;
        datagram.insert(datagram.end(), l4.begin(), l4.end());
    }
    const Bytes whole = decode(udp(expected)).l4;
    ASSERT_GE(datagram.size(), whole.size());
    EXPECT_TRUE(std::equal(whole.rbegin(), whole.rend(), datagram.rbegin()));
}

TEST_P(MtuAndFragments, overlapping_fragments_drop_the_whole) {
    const auto pieces = fragments(udp(on_web({.payload = Bytes(100, 1)})), 40);
    EXPECT_TRUE(inside(pieces[0]).empty());
    EXPECT_TRUE(inside(pieces[0]).empty());
    EXPECT_EQ(drops("blue.sr", DropReason::FRAG_OVERLAP), 2u);
    EXPECT_TRUE(inside(pieces[1]).empty());
    EXPECT_TRUE(inside(pieces[2]).empty());
    EXPECT_EQ(drops("blue.sr", DropReason::FRAG_OVERLAP), 4u);
    EXPECT_EQ(counters().sessions.created, 0u);
}

TEST_P(MtuAndFragments, each_fragment_has_a_ttl_of_its_own) {
    auto pieces = fragments(udp(on_web({.payload = Bytes(100, 1)})), 40);
    auto low = fragments(udp(on_web({.payload = Bytes(100, 1), .ttl = 1})), 40);
    const auto sent = inside(std::vector<Bytes>{pieces[0], low[1], pieces[2]});
    EXPECT_EQ(sent.size(), 2u);
    EXPECT_EQ(drops("blue.sr", DropReason::TTL_EXPIRED), 1u);
}

TEST_P(MtuAndFragments, a_datagram_that_stays_incomplete_is_reported_if_its_start_is_known) {
    const auto pieces = fragments(udp(on_web({.payload = Bytes(100, 1)})), 40);
    inside(pieces[0]);
    inside(pieces[2]);
    EXPECT_EQ(counters().held, 2u);
    const Decoded error = only(gateway->advance(seconds(31)));
    EXPECT_EQ(error.word(0), 0x0b01);
    EXPECT_EQ(to(error), "10.1.1.5");
    EXPECT_EQ(drops("blue.sr", DropReason::FRAG_TIMEOUT), 2u);
}

TEST_P(MtuAndFragments, translated_datagrams_get_identifications_where_they_need_them) {
    Packet packet = on_web({});
    packet.id = 0x1234;
    std::set<std::uint32_t> ids{0x1234};
    for (int i = 0; i < 5; ++i) ids.insert(only(inside(udp(packet))).id);
    EXPECT_EQ(ids.size(), 6u);
    packet.dont_fragment = true;  // atomic: the ID means nothing and stays
    EXPECT_EQ(only(inside(udp(packet))).id, 0x1234u);
    // Nor is one made up where nothing is translated.
    Packet local = on_web({.destination = "10.1.2.5"});
    EXPECT_EQ(only(inside(udp(local))).id, 0x1234u);
}

TEST_P(MtuAndFragments, without_services_fragments_pass_as_they_come) {
    const auto pieces =
        fragments(udp(on_lan({.source = "10.3.1.5", .destination = "10.3.2.5", .payload = Bytes(100, 1)})), 40);
    EXPECT_EQ(only(inside(pieces[2])).fragment_offset, 80u);
    EXPECT_EQ(only(inside(pieces[0])).fragment_offset, 0u);
    EXPECT_EQ(counters().held, 0u);
}

}  // namespace
}  // namespace sluice::test
