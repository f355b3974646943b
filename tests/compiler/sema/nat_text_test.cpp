// SPDX-License-Identifier: Apache-2.0
#include "compiler/sema/nat_text.h"

namespace sluice::sema {
namespace {

TEST(NatText, AddressesWithAndWithoutPorts) {
    EXPECT_FALSE(parse_address_and_ports("203.0.113.10")->ports);
    EXPECT_FALSE(parse_address_and_ports("2001:db8::1")->ports);
    EXPECT_EQ(parse_address_and_ports("203.0.113.10:443")->ports->low, 443);
    const auto range = parse_address_and_ports("[2001:db8::1]:5000-5010");
    ASSERT_TRUE(range);
    EXPECT_EQ(range->ip.family, Family::v6);
    EXPECT_EQ(range->ports->high, 5010);
    for (const char* text : {"", ":80", "203.0.113.10:", "[203.0.113.10]:80", "[2001:db8::1]",
                             "203.0.113.10:80:90", "203.0.113.10:65536"}) {
        EXPECT_FALSE(parse_address_and_ports(text)) << text;
    }
}

TEST(NatText, RangesCountWithoutBeingExpanded) {
    const auto all = parse_address_range("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    ASSERT_TRUE(all);
    EXPECT_EQ(address_count(*all, 4096), 4097U);
    const auto carried = parse_address_range("2001:db8::ffff:ffff:ffff:ffff-2001:db8:0:1::1");
    ASSERT_TRUE(carried);
    EXPECT_EQ(address_count(*carried, 4096), 3U);
    EXPECT_EQ(advance(carried->first, 2), carried->last.ip);
    EXPECT_EQ(address_count(*parse_address_range("0.0.0.0-255.255.255.255"), 4096), 4097U);
    EXPECT_EQ(address_count(*parse_address_range("192.0.2.1"), 4096), 1U);
    for (const char* text : {"192.0.2.2-192.0.2.1", "192.0.2.1-::1", "192.0.2.1-", "-"})
        EXPECT_FALSE(parse_address_range(text)) << text;
}

}  // namespace
}  // namespace sluice::sema
