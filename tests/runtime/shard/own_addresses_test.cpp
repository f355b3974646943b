// SPDX-License-Identifier: Apache-2.0
//
// What the gateway answers for itself: echo, refusals, ARP (RFC 826, RFC 5227) and neighbour discovery (RFC
// 4861).
#include "tests/runtime/shard/lab.h"

namespace sluice::test {
namespace {

using OwnAddresses = ShardTest;
SLUICE_SHARD_TEST(OwnAddresses);

TEST_P(OwnAddresses, echo_is_answered_in_both_families_from_either_side) {
    struct Case {
        Bytes frame;
        bool from_inside;
        const char *address, *asker;
    };
    const Case cases[] = {
        {echo_request(on_web({.destination = "10.1.1.1", .ttl = 1})), true, "10.1.1.1", "10.1.1.5"},
        {echo_request(on_web({.source = "2001:db8:b:1::5", .destination = "2001:db8:b:1::1"})), true,
         "2001:db8:b:1::1", "2001:db8:b:1::5"},
        // The subnet-router anycast address (RFC 4291 2.6.1) and an address of another interface.
        {echo_request(on_web({.source = "2001:db8:b:1::5", .destination = "2001:db8:b:1::"})), true,
         "2001:db8:b:1::", "2001:db8:b:1::5"},
        {echo_request(on_db({.source = "10.1.2.5", .destination = "10.1.1.1"})), true, "10.1.1.1", "10.1.2.5"},
        {echo_request(on_net({.source = "198.18.0.9", .destination = "203.0.113.2"})), false, "203.0.113.2",
         "198.18.0.9"},
        {echo_request(on_lan({.source = "10.3.1.5", .destination = "10.3.2.1"})), true, "10.3.2.1", "10.3.1.5"},
    };
    for (const Case& one : cases) {
        const Decoded reply = only(one.from_inside ? inside(one.frame) : outside(one.frame));
        EXPECT_EQ(reply.kind(), Kind::echo_reply);
        EXPECT_EQ(from(reply), one.address);
        EXPECT_EQ(to(reply), one.asker);
        EXPECT_EQ(reply.ttl, 64);
        EXPECT_EQ(reply.destination_port(), 77);
    }
    EXPECT_EQ(counters().consumed, std::size(cases));
    EXPECT_EQ(counters().originated, std::size(cases));
    EXPECT_EQ(counters().sessions.created, 0u);
}

TEST_P(OwnAddresses, an_echo_in_fragments_is_answered_as_a_whole) {
    const Bytes request = echo_request(on_web({.destination = "10.1.1.1", .payload = Bytes(100, 7)}));
    auto pieces = fragments(request, 40);
    std::swap(pieces[0], pieces[2]);
    const auto sent = inside(pieces);
    ASSERT_EQ(sent.size(), 3u);
    Bytes reply;
    for (const SentFrame& frame : sent) {
        const Decoded piece = decode(frame.bytes);
        EXPECT_EQ(piece.fault, "");
        EXPECT_EQ(to(piece), "10.1.1.5");
        EXPECT_EQ(piece.fragment_offset, reply.size());
        reply.insert(reply.end(), piece.l4.begin(), piece.l4.end());
    }
    EXPECT_EQ(reply, decode(echo_reply(on_web({.payload = Bytes(100, 7)}))).l4);
}

TEST_P(OwnAddresses, a_link_local_asker_is_answered_on_its_link) {
    const auto sent = inside(echo_request(on_web({.source = "fe80::5", .destination = "2001:db8:b:1::1"})));
    ASSERT_EQ(sent.size(), 1u);  // who is fe80::5?
    const Decoded question = decode(sent[0].bytes);
    EXPECT_EQ(question.byte(0), 135);
    EXPECT_EQ(question.vids, std::vector<std::uint16_t>{110});
    const Decoded reply = only(inside(neighbour_advertisement({.destination_mac = "02:00:5e:00:01:01",
                                                               .vlan = 110,
                                                               .source = "fe80::5",
                                                               .destination = from(question),
                                                               .target = "fe80::5",
                                                               .link_layer = "02:b1:00:00:01:05",
                                                               .solicited = true})));
    EXPECT_EQ(reply.kind(), Kind::echo_reply);
    EXPECT_EQ(to(reply), "fe80::5");
}

TEST_P(OwnAddresses, other_questions_are_refused_inside_and_met_with_silence_outside) {
    const Decoded reset =
        only(inside(tcp(on_web({.destination = "10.1.1.1", .tcp_flags = syn, .payload = {}}))));
    EXPECT_EQ(reset.tcp_flags(), rst | ack);
    EXPECT_EQ(from(reset), "10.1.1.1");
    const Decoded error = only(inside(udp(on_web({.destination = "10.1.1.1"}))));
    EXPECT_EQ(error.word(0), 0x0303);  // port unreachable
    EXPECT_EQ(from(error), "10.1.1.1");
    const Decoded error6 =
        only(inside(udp(on_web({.source = "2001:db8:b:1::5", .destination = "2001:db8:b:1::1"}))));
    EXPECT_EQ(error6.word(0), 0x0104);
    EXPECT_EQ(counters().consumed, 3u);

    EXPECT_TRUE(
        outside(tcp(on_net({.source = "198.18.0.9", .destination = "203.0.113.2", .tcp_flags = syn}))).empty());
    EXPECT_TRUE(outside(udp(on_net({.source = "198.18.0.9", .destination = "203.0.113.2"}))).empty());
    EXPECT_TRUE(inside(ip_protocol(on_web({.destination = "10.1.1.1"}), 253)).empty());
    EXPECT_EQ(drops("blue.sr", DropReason::FW_DENY), 3u);
}

// ---- ARP ----

ArpFrame question(const char* sender, const char* target) {
    return {.source_mac = "02:b1:00:00:01:09",
            .vlan = 110,
            .sender_mac = "02:b1:00:00:01:09",
            .sender_ip = sender,
            .target_ip = target};
}
std::size_t known(TestGateway& gateway) {
    std::size_t count = 0;
    gateway.shard().neighbours().for_each(
        [&](const Neighbour& neighbour) { count += neighbour.state != NeighbourState::permanent; });
    return count;
}

TEST_P(OwnAddresses, arp_requests_for_our_addresses_are_answered_and_remembered) {
    const auto sent = inside(arp(question("10.1.1.9", "10.1.1.1")));
    ASSERT_EQ(sent.size(), 1u);
    Bytes reply = arp({.source_mac = "02:00:5e:00:01:01",
                       .destination_mac = "02:b1:00:00:01:09",
                       .vlan = 110,
                       .operation = 2,
                       .sender_mac = "02:00:5e:00:01:01",
                       .sender_ip = "10.1.1.1",
                       .target_mac = "02:b1:00:00:01:09",
                       .target_ip = "10.1.1.9"});
    EXPECT_EQ(sent[0].bytes, padded(reply));
    EXPECT_EQ(known(*gateway), 1u);
    // So the next packet to it needs no question.
    EXPECT_EQ(
        to_string(only(inside(udp(on_db({.source = "10.1.2.5", .destination = "10.1.1.9"})))).destination_mac),
        "02:b1:00:00:01:09");
}

TEST_P(OwnAddresses, arp_for_others_probes_conflicts_and_announcements) {
    EXPECT_TRUE(inside(arp(question("10.1.1.9", "10.1.1.8"))).empty());
    EXPECT_EQ(drops("blue.web", DropReason::NOT_OURS), 1u);
    EXPECT_EQ(inside(arp(question("0.0.0.0", "10.1.1.1"))).size(), 1u);    // a probe: taken
    EXPECT_TRUE(inside(arp(question("10.1.1.1", "10.1.1.1"))).empty());    // somebody claims our address
    EXPECT_TRUE(inside(arp(question("10.1.1.9", "10.1.1.9"))).empty());    // an announcement makes no entry
    EXPECT_EQ(inside(arp(question("192.0.2.9", "10.1.1.1"))).size(), 1u);  // nor does a stranger to the subnet
    EXPECT_EQ(known(*gateway), 0u);
    EXPECT_TRUE(
        inside(arp({.vlan = 110, .operation = 2, .sender_ip = "10.1.1.8", .target_ip = "10.1.1.1"})).empty());
    EXPECT_EQ(known(*gateway), 0u);
    EXPECT_TRUE(gateway->shard().neighbours().held_packets() == 0);
    // An announcement moves an entry there is.
    inside(arp(question("10.1.1.9", "10.1.1.1")));
    ArpFrame moved = question("10.1.1.9", "10.1.1.9");
    moved.sender_mac = "02:b1:00:00:01:99";
    inside(arp(moved));
    EXPECT_EQ(
        to_string(only(inside(udp(on_db({.source = "10.1.2.5", .destination = "10.1.1.9"})))).destination_mac),
        "02:b1:00:00:01:99");
}

TEST_P(OwnAddresses, nat_addresses_on_the_uplink_are_answered_for) {
    for (const char* address : {"203.0.113.2", "203.0.113.10", "203.0.113.20", "203.0.113.30"}) {
        EXPECT_EQ(outside(arp({.sender_ip = "203.0.113.1", .target_ip = address})).size(), 1u) << address;
    }
    EXPECT_TRUE(outside(arp({.sender_ip = "203.0.113.1", .target_ip = "203.0.113.11"})).empty());
    // Somebody else who claims one of them is not believed.
    EXPECT_TRUE(outside(arp({.sender_ip = "203.0.113.20", .target_ip = "203.0.113.20"})).empty());
    EXPECT_EQ(known(*gateway), 0u);
}

TEST_P(OwnAddresses, broken_arp_is_refused) {
    Bytes frame = arp(question("10.1.1.9", "10.1.1.1"));
    frame.resize(frame.size() - 1);
    EXPECT_TRUE(inside(frame).empty());
    EXPECT_EQ(drops("blue.web", DropReason::BAD_ETHERTYPE), 1u);
}

// ---- neighbour discovery ----

TEST_P(OwnAddresses, neighbour_solicitations_are_answered) {
    const Decoded answer = only(inside(
        neighbour_solicitation({.vlan = 110, .source = "2001:db8:b:1::9", .link_layer = "02:b1:00:00:01:09"})));
    EXPECT_EQ(answer.byte(0), 136);
    EXPECT_EQ(answer.byte(4), 0xe0);  // router, solicited, override
    EXPECT_EQ(from(answer), "2001:db8:b:1::1");
    EXPECT_EQ(to(answer), "2001:db8:b:1::9");
    EXPECT_EQ(answer.ttl, 255);
    EXPECT_EQ(known(*gateway), 1u);

    // Duplicate address detection: everybody is told that it is taken.
    const Decoded all = only(inside(neighbour_solicitation({.vlan = 110, .source = "::"})));
    EXPECT_EQ(to(all), "ff02::1");
    EXPECT_EQ(to_string(all.destination_mac), "33:33:00:00:00:01");
    EXPECT_EQ(all.byte(4), 0xa0);  // not solicited
    EXPECT_EQ(known(*gateway), 1u);

    EXPECT_TRUE(inside(neighbour_solicitation({.vlan = 110, .target = "2001:db8:b:1::7"})).empty());
    EXPECT_EQ(drops("blue.web", DropReason::NOT_OURS), 1u);
    EXPECT_TRUE(inside(neighbour_solicitation({.vlan = 110, .hop_limit = 254})).empty());
    EXPECT_EQ(drops("blue.web", DropReason::L4_SHORT), 1u);
    EXPECT_EQ(
        outside(neighbour_solicitation({.source = "2001:db8:ffff::1", .target = "2001:db8:ffff::10"})).size(),
        1u)
        << "an external NAT address";
}

}  // namespace
}  // namespace sluice::test
