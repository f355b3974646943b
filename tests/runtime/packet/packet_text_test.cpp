// SPDX-License-Identifier: Apache-2.0
#include "runtime/packet/packet_text.h"

namespace sluice {
namespace {

std::optional<PacketText> parse(std::string_view text, Wildcards wildcards = Wildcards::refused) {
    PacketTextError error;
    return parse_packet_text(text, wildcards, error);
}

TEST(PacketText, EveryFormComesBackAsItWas) {
    for (const char* text :
         {"tcp 198.18.0.9:40000 > 203.0.113.10:443", "udp [2001:db8::1]:53 > [2001:db8::2]:5353",
          "icmp 10.0.0.1 > 10.0.0.2", "icmp/3/4 10.0.0.1 > 10.0.0.2", "icmpv6 2001:db8::1 > 2001:db8::2",
          "icmpv6/129/0 2001:db8::1 > 2001:db8::2", "ip/47 10.0.0.1 > 10.0.0.2"}) {
        const auto packet = parse(text);
        ASSERT_TRUE(packet) << text;
        EXPECT_EQ(to_string(*packet), text);
    }
}

TEST(PacketText, MeaningOfTheParts) {
    const auto tcp = parse("tcp 198.18.0.9:40000 > 203.0.113.10:443");
    ASSERT_TRUE(tcp);
    EXPECT_EQ(tcp->protocol, 6);
    EXPECT_EQ(tcp->source, Ip::from_v4(0xc6120009));
    EXPECT_EQ(tcp->source_port, 40000);
    EXPECT_EQ(tcp->destination_port, 443);
    EXPECT_EQ(parse("icmp 10.0.0.1 > 10.0.0.2")->icmp_type, 8);
    EXPECT_EQ(parse("icmpv6 ::1 > ::2")->icmp_type, 128);
    EXPECT_EQ(parse("icmp/3 10.0.0.1 > 10.0.0.2")->icmp_code, 0);
}

TEST(PacketText, WildcardPortsOnlyWhereAllowed) {
    const auto packet = parse("tcp 10.0.0.1:* > 10.0.0.2:80", Wildcards::allowed);
    ASSERT_TRUE(packet);
    EXPECT_TRUE(packet->any_source_port);
    EXPECT_FALSE(packet->any_destination_port);
    EXPECT_EQ(to_string(*packet), "tcp 10.0.0.1:* > 10.0.0.2:80");
    EXPECT_FALSE(parse("tcp 10.0.0.1:* > 10.0.0.2:80"));
}

TEST(PacketText, WhatIsWrongIsNamedWhereItStands) {
    const std::pair<const char*, const char*> cases[] = {
        {"tcp 10.0.0.1:1 > 10.0.0.2", "10.0.0.2"},
        {"tpc 10.0.0.1:1 > 10.0.0.2:2", "tpc"},
        {"tcp 10.0.0.1:1 > 10.0.0.2:65536", "10.0.0.2:65536"},
        {"udp 10.0.0.1:1 > [2001:db8::1]:2", "[2001:db8::1]:2"},
        {"icmp 2001:db8::1 > 2001:db8::2", "icmp"},
        {"icmp/256 10.0.0.1 > 10.0.0.2", "icmp/256"},
        {"ip/6 10.0.0.1 > 10.0.0.2", "ip/6"},
        {"icmp 10.0.0.1:5 > 10.0.0.2", "10.0.0.1:5"},
        {"tcp [2001:db8::1:1 > [2001:db8::2]:2", "[2001:db8::1:1"},
        {"tcp 10.0.0.300:1 > 10.0.0.2:2", "10.0.0.300"},
        {"tcp/80 10.0.0.1:1 > 10.0.0.2:2", "tcp/80"},
        {"", ""},
        {"tcp 10.0.0.1:1 10.0.0.2:2", "tcp 10.0.0.1:1 10.0.0.2:2"},
    };
    for (const auto& [text, part] : cases) {
        PacketTextError error;
        EXPECT_FALSE(parse_packet_text(text, Wildcards::refused, error)) << text;
        EXPECT_EQ(std::string_view(text).substr(error.begin, error.end - error.begin), part) << text;
        EXPECT_FALSE(error.words.empty());
    }
}

}  // namespace
}  // namespace sluice
