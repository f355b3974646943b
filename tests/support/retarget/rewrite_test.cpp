// SPDX-License-Identifier: Apache-2.0
#include "tests/support/retarget/rewrite.h"

#include "tests/support/bytes.h"
#include "tests/support/packets.h"

namespace sluice::test {
namespace {

Retarget to_gateway() {
    return {.gateway = mac("02:00:5e:00:00:99"),
            .vids = {110},
            .sources = {},
            .destinations = {},
            .only_from = std::nullopt,
            .only_to = std::nullopt};
}
Prefix prefix(const char* text) {
    return *parse_prefix(text);
}

TEST(Retarget, ReplacesTagsAndUnicastDestination) {
    const Bytes before = tcp({.destination_mac = "02:aa:aa:aa:aa:aa", .outer_vlan = 7, .vlan = 8});
    const auto after = retarget(to_gateway(), before);
    EXPECT_EQ(after, tcp({.destination_mac = "02:00:5e:00:00:99", .vlan = 110}));

    Retarget untagged = to_gateway();
    untagged.vids.clear();
    EXPECT_EQ(retarget(untagged, before), tcp({.destination_mac = "02:00:5e:00:00:99"}));
    Retarget double_tagged = to_gateway();
    double_tagged.vids = {100, 200};
    EXPECT_EQ(retarget(double_tagged, before),
              tcp({.destination_mac = "02:00:5e:00:00:99", .outer_vlan = 100, .vlan = 200}));
}

TEST(Retarget, KeepsGroupDestinations) {
    EXPECT_EQ(retarget(to_gateway(), arp({})), arp({.vlan = 110}));
}

TEST(Retarget, MapsAddressesAndKeepsChecksumsRight) {
    Retarget how = to_gateway();
    how.sources = {{prefix("192.168.7.0/24"), prefix("10.1.1.0/24")}};
    how.destinations = {{prefix("8.8.0.0/16"), prefix("198.18.0.0/16")}};
    const Packet before{.source = "192.168.7.9", .destination = "8.8.4.4"};
    Packet after = before;
    after.destination_mac = "02:00:5e:00:00:99";
    after.vlan = 110;
    after.source = "10.1.1.9";
    after.destination = "198.18.4.4";
    EXPECT_EQ(retarget(how, udp(before)), udp(after));
    EXPECT_EQ(retarget(how, tcp(before)), tcp(after));
    EXPECT_EQ(retarget(how, echo_request(before)), echo_request(after));
}

TEST(Retarget, MapsIpv6BehindExtensionHeaders) {
    Retarget how = to_gateway();
    how.sources = {{prefix("2001:db8:1::/64"), prefix("2001:db8:2::/64")}};
    const Packet packet{.source = "2001:db8:1::5",
                        .destination = "2001:db8:9::1",
                        .extensions = {{.type = 60, .body = Bytes(7, 0)}}};
    const auto after = retarget(how, udp(packet));
    ASSERT_TRUE(after.has_value());
    EXPECT_NE(*after, udp(packet));
    EXPECT_TRUE(checksums_valid(*after));
}

TEST(Retarget, KeepsWrongChecksumsWrongByTheSame) {
    Retarget how = to_gateway();
    how.sources = {{prefix("192.168.7.0/24"), prefix("10.1.1.0/24")}};
    EXPECT_EQ(retarget(how, tcp({.source = "192.168.7.9", .l4_checksum_error = 5})),
              tcp({.destination_mac = "02:00:5e:00:00:99",
                   .vlan = 110,
                   .source = "10.1.1.9",
                   .l4_checksum_error = 5}));
    EXPECT_EQ(retarget(how, udp({.source = "192.168.7.9", .no_udp_checksum = true})),
              udp({.destination_mac = "02:00:5e:00:00:99",
                   .vlan = 110,
                   .source = "10.1.1.9",
                   .no_udp_checksum = true}));
}

TEST(Retarget, HashesIntoShorterNetworks) {
    Retarget how = to_gateway();
    how.sources = {{prefix("0.0.0.0/0"), prefix("10.1.1.0/24")}};
    for (int host = 1; host < 200; ++host) {
        const auto after = retarget(how, udp({.source = "192.0.2." + std::to_string(host)}));
        ASSERT_TRUE(after.has_value());
        const std::uint32_t source = get32(*after, 18 + 12);
        EXPECT_EQ(source >> 8, 0x0a0101u);
        EXPECT_GE(source & 255, 16u);
        EXPECT_LT(source & 255, 255u);
        EXPECT_TRUE(checksums_valid(*after));
    }
}

TEST(Retarget, LeavesOutWhatWasNotAskedFor) {
    Retarget how = to_gateway();
    how.only_from = prefix("10.1.1.0/24");
    EXPECT_TRUE(retarget(how, udp({.source = "10.1.1.5"})).has_value());
    EXPECT_FALSE(retarget(how, udp({.source = "10.1.2.5"})).has_value());
    EXPECT_FALSE(retarget(how, arp({})).has_value());
    how.only_from.reset();
    how.only_to = prefix("2001:db8::/32");
    EXPECT_FALSE(retarget(how, udp({.source = "10.1.1.5"})).has_value());
    EXPECT_TRUE(retarget(how, udp({.source = "2001:db8::1", .destination = "2001:db8::2"})).has_value());
}

TEST(Retarget, TakesEveryPrefixOfAFrame) {
    Retarget how = to_gateway();
    how.sources = {{prefix("0.0.0.0/0"), prefix("10.1.1.0/24")}, {prefix("::/0"), prefix("2001:db8::/64")}};
    for (const Bytes& frame : {tcp({.vlan = 5}), udp({.source = "2001:db8::1",
                                                 .destination = "2001:db8::2",
                                                 .extensions = {{.type = 0, .body = Bytes(7, 0)}}})})
        for (std::size_t length = 0; length <= frame.size(); ++length) {
            // Exactly as long as what was captured, so that a sanitizer sees a read behind it.
            const Bytes cut(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(length));
            EXPECT_TRUE(retarget(how, cut).has_value()) << length;
        }
}

}  // namespace
}  // namespace sluice::test
