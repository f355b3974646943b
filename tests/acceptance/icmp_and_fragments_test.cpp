// SPDX-License-Identifier: Apache-2.0
//
// Acceptance: ICMP errors through NAT, fragments, padding (seed-systems 1.9).
#include "tests/acceptance/acceptance.h"

namespace sluice::test {
namespace {

using IpAcceptance = Acceptance;
SLUICE_ACCEPTANCE(IpAcceptance);

TEST_P(IpAcceptance, MT_A23_an_error_from_outside_reaches_who_sent_the_packet) {
    const Packet inside{.destination = "198.18.0.9", .source_port = 5000, .destination_port = 7};
    const auto out = from_inside(udp(from_a5(inside)));
    const Decoded left = only(out);
    const Bytes error = icmp_error(
        from_r({.source = "198.18.0.9", .destination = "192.0.2.10", .icmp_type = 3, .icmp_code = 3}),
        ip_packet(out[0].bytes));
    for (int i = 0; i < 2; ++i) {
        const auto sent = from_outside(error);
        const Decoded delivered = only(sent);
        EXPECT_EQ(text(delivered.destination), "10.1.1.5");
        EXPECT_EQ(text(delivered.source), "198.18.0.9");
        const Decoded quoted = decode_quoted(delivered);
        EXPECT_EQ(text(quoted.source), "10.1.1.5");
        EXPECT_EQ(quoted.source_port(), 5000);
        EXPECT_TRUE(quoted_checksums_valid(sent[0].bytes));
        EXPECT_EQ(delivered.vids, std::vector<std::uint16_t>{501});
    }
    EXPECT_EQ(gateway.counters().sessions.active, 1u);
    EXPECT_EQ(gateway.counters().cache.flow_hits, 0u);
    EXPECT_EQ(uncacheable(NoCacheReason::ICMP_ERROR), 2u);
    EXPECT_EQ(only(from_inside(udp(from_a5(inside)))).source_port(), left.source_port());
    gateway.advance(seconds(301));
    EXPECT_EQ(gateway.counters().sessions.active, 0u);
}

TEST_P(IpAcceptance, MT_A24_fragments_in_any_order_reach_the_published_service) {
    Packet query{
        .source = "198.18.0.9", .destination = "192.0.2.11", .source_port = 4000, .destination_port = 53};
    query.payload.assign(100, 0x42);
    const auto pieces = fragments(udp(from_r(query)), 40);
    ASSERT_EQ(pieces.size(), 3u);
    EXPECT_TRUE(from_outside(pieces[2]).empty());
    EXPECT_TRUE(from_outside(pieces[0]).empty());
    const auto sent = from_outside(pieces[1]);
    ASSERT_EQ(sent.size(), 3u);
    Bytes datagram;
    for (const SentFrame& frame : sent) {
        const Decoded piece = decode(frame.bytes);
        EXPECT_EQ(piece.fault, "");
        EXPECT_EQ(text(piece.destination), "10.1.1.5");
        EXPECT_EQ(piece.fragment_offset, datagram.size());
        datagram.insert(datagram.end(), piece.l4.begin(), piece.l4.end());
    }
    // Put together again it is the datagram a client would have sent to the inside address itself.
    query.destination = "10.1.1.5";
    EXPECT_EQ(datagram, decode(udp(query)).l4);
    EXPECT_EQ(gateway.counters().sessions.created, 1u);

    EXPECT_TRUE(from_outside(pieces[1]).empty());
    EXPECT_TRUE(from_outside(pieces[2]).empty());
    gateway.advance(seconds(29));
    EXPECT_EQ(gateway.drops("a.sr", DropReason::FRAG_TIMEOUT), 0u);
    EXPECT_TRUE(gateway.advance(seconds(2)).empty());  // no error: the first fragment is not there
    EXPECT_EQ(gateway.drops("a.sr", DropReason::FRAG_TIMEOUT), 2u);
}

TEST_P(IpAcceptance, MT_A34_padding_is_not_forwarded) {
    Bytes frame = ip_protocol(from_a12({.destination = "198.18.0.9", .payload = {}}), 253);
    frame.resize(18 + 46, 0xee);  // what a NIC pads with is not ours to pass on
    const auto sent = from_inside(frame);
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(text(decode(sent[0].bytes).source), "192.0.2.12");
    EXPECT_EQ(sent[0].bytes.size(), 60u);  // the Ethernet minimum, and no more
    for (std::size_t i = 18 + 20; i < sent[0].bytes.size(); ++i) EXPECT_EQ(sent[0].bytes[i], 0u) << i;
}

}  // namespace
}  // namespace sluice::test
