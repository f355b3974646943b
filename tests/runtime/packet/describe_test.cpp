// SPDX-License-Identifier: Apache-2.0
#include "runtime/packet/describe.h"

#include <gtest/gtest.h>

#include "tests/support/packets.h"

namespace sluice {
namespace {

constexpr const char* from_to = "02:00:00:00:00:01 > 02:00:5e:00:01:01 ";

TEST(Describe, SaysWhatAPersonLooksFor) {
    EXPECT_EQ(describe(test::udp({.vlan = 110, .payload = test::Bytes(72), .ttl = 63})),
              std::string("vlan 110 ") + from_to + "10.1.1.5:5000 > 198.18.0.9:80 udp ttl 63 len 100");
    EXPECT_EQ(
        describe(test::tcp({.outer_vlan = 9,
                            .vlan = 110,
                            .source = "2001:db8::5",
                            .destination = "2001:db8::9",
                            .tcp_flags = 0x12,
                            .payload = {}})),
        std::string("vlan 9.110 ") + from_to + "[2001:db8::5]:5000 > [2001:db8::9]:80 tcp SA ttl 64 len 60");
    EXPECT_EQ(describe(test::echo_reply({.payload = {}})),
              std::string(from_to) + "10.1.1.5 > 198.18.0.9 icmp 0/0 id 77 ttl 64 len 28");
    EXPECT_EQ(describe(test::fragments(test::udp({.payload = test::Bytes(24)}), 16)[1]),
              std::string(from_to) + "10.1.1.5 > 198.18.0.9 udp ttl 64 len 36 fragment 16 id 4660");
    EXPECT_EQ(describe(test::arp({})),
              "02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff arp request 10.1.1.5 02:00:00:00:00:01 > 10.1.1.1 "
              "00:00:00:00:00:00");
    EXPECT_EQ(describe(test::udp({.payload = {}, .ip_checksum_error = 1})),
              std::string(from_to) + "ipv4 IP_CSUM len 28");
    EXPECT_EQ(describe(test::Bytes(5)), "SHORT len 5");
}

}  // namespace
}  // namespace sluice
