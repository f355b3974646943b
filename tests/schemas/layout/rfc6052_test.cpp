// SPDX-License-Identifier: Apache-2.0
#include "schemas/layout/rfc6052.h"

#include <gtest/gtest.h>

#include "tests/support/random.h"

namespace sluice {
namespace {

struct Example {
    const char* prefix;
    const char* ipv6;
};
/// RFC 6052 2.4: 192.0.2.33 behind each length, and 3.1's well-known prefix.
constexpr Example examples[] = {
    {"2001:db8::/32", "2001:db8:c000:221::"},
    {"2001:db8:100::/40", "2001:db8:1c0:2:21::"},
    {"2001:db8:122::/48", "2001:db8:122:c000:2:2100::"},
    {"2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"},
    {"2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100:0"},
    {"2001:db8:122:344::/96", "2001:db8:122:344::c000:221"},
    {"64:ff9b::/96", "64:ff9b::c000:221"},
};

TEST(Rfc6052, EmbedsAsItsExamplesDo) {
    const Ip ipv4 = Ip::from_v4(0xc0000221);
    for (const Example& example : examples) {
        const Prefix prefix = *parse_prefix(example.prefix);
        EXPECT_TRUE(can_embed_ipv4(prefix)) << example.prefix;
        EXPECT_EQ(to_string(embed_ipv4(prefix, ipv4), Family::v6),
                  to_string(parse_ip(example.ipv6)->ip, Family::v6))
            << example.prefix;
        EXPECT_EQ(embedded_ipv4(prefix, parse_ip(example.ipv6)->ip), ipv4) << example.prefix;
    }
}

TEST(Rfc6052, EveryAddressComesBackAndKeepsThePrefixAndBits64To71) {
    test::Random random(1);
    for (const Example& example : examples) {
        const Prefix prefix = *parse_prefix(example.prefix);
        for (int i = 0; i < 1000; ++i) {
            const Ip ipv4 = Ip::from_v4(static_cast<std::uint32_t>(random.next()));
            const Ip ipv6 = embed_ipv4(prefix, ipv4);
            ASSERT_TRUE(prefix.contains(ipv6)) << example.prefix;
            ASSERT_EQ(ipv6.lo >> 56, 0u) << example.prefix;
            ASSERT_EQ(embedded_ipv4(prefix, ipv6), ipv4) << example.prefix;
        }
    }
}

TEST(Rfc6052, DoesNotReadTheSuffix) {
    for (const Example& example : examples) {
        const Prefix prefix = *parse_prefix(example.prefix);
        if (prefix.length == 96) continue;
        Ip ipv6 = parse_ip(example.ipv6)->ip;
        ipv6.lo |= (std::uint64_t{1} << (88 - prefix.length)) - 1;
        EXPECT_EQ(embedded_ipv4(prefix, ipv6), Ip::from_v4(0xc0000221)) << example.prefix;
    }
}

TEST(Rfc6052, OtherPrefixesCannotEmbed) {
    for (const char* prefix : {"::/0", "2000::/16", "2001:db8::/33", "2001:db8::/80", "2001:db8::/128",
                               "10.0.0.0/32", "2001:db8:0:0:100::/96"}) {
        EXPECT_FALSE(can_embed_ipv4(*parse_prefix(prefix))) << prefix;
    }
    EXPECT_FALSE(can_embed_ipv4({parse_ip("2001:db8::1")->ip, 64, Family::v6}));
}

}  // namespace
}  // namespace sluice
