// SPDX-License-Identifier: Apache-2.0
#include "compiler/sema/services.h"

namespace sluice::sema {
namespace {

void expect_service(std::string_view text, int protocol, int family, int low, int high) {
    const auto service = parse_service(text);
    ASSERT_TRUE(service) << text;
    EXPECT_EQ(service->protocol, protocol) << text;
    EXPECT_EQ(service->family, family) << text;
    EXPECT_EQ(service->low, low) << text;
    EXPECT_EQ(service->high, high) << text;
}

TEST(Services, EveryForm) {
    expect_service("tcp", 6, 0, 0, 65535);
    expect_service("tcp/80", 6, 0, 80, 80);
    expect_service("udp/1000-2000", 17, 0, 1000, 2000);
    expect_service("icmp", 1, 4, 0, 65535);
    expect_service("icmp/8", 1, 4, 0x0800, 0x08ff);
    expect_service("icmp/3/4", 1, 4, 0x0304, 0x0304);
    expect_service("icmpv6/128", 58, 6, 0x8000, 0x80ff);
    expect_service("ip/47", 47, 0, 0, 65535);
    expect_service("ip/1", 1, 4, 0, 65535);
}

TEST(Services, RefusesTheRest) {
    for (const char* text : {"", "tcp/", "tcp/65536", "tcp/90-80", "tcp/80-", "tcp/+80", "icmp/256", "icmp/3/",
                             "ip", "ip/256", "sctp", "tcp/80/81", "TCP"}) {
        EXPECT_FALSE(parse_service(text)) << text;
    }
}

}  // namespace
}  // namespace sluice::sema
