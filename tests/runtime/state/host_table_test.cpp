// SPDX-License-Identifier: Apache-2.0
#include "runtime/state/host_table.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

HostKey host(std::uint32_t number, std::uint16_t tenant = 0, HostRole role = HostRole::opens) {
    return {.ip = Ip::from_v4(number), .tenant = tenant, .family = Family::v4, .role = role};
}

TEST(HostTable, CountsEachHostOfEachTenantAndRoleAlone) {
    HostTable hosts(16, {});
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(hosts.count(host(1), 0, 0));
    EXPECT_TRUE(hosts.count(host(2), 0, 0));
    EXPECT_TRUE(hosts.count(host(1, 1), 0, 0));
    EXPECT_TRUE(hosts.count(host(1, 0, HostRole::is_half_open), 0, 0));
    HostKey six = host(1);
    six.family = Family::v6;
    EXPECT_EQ(hosts.counted(host(1)), 3u);
    EXPECT_EQ(hosts.counted(host(2)), 1u);
    EXPECT_EQ(hosts.counted(host(1, 1)), 1u);
    EXPECT_EQ(hosts.counted(host(1, 0, HostRole::is_half_open)), 1u);
    EXPECT_EQ(hosts.counted(six), 0u);
    EXPECT_FALSE(hosts.allows(host(1), 0, 3, 0));
    EXPECT_TRUE(hosts.allows(host(1), 0, 4, 0));
    EXPECT_TRUE(hosts.allows(host(1), 0, 0, 0));
    EXPECT_TRUE(hosts.allows(host(9), 0, 1, 0));
}

TEST(HostTable, ForgetsAHostWithItsLastSession) {
    HostTable hosts(4, {});
    for (std::uint32_t round = 0; round < 100; ++round) {
        for (std::uint32_t i = 0; i < 4; ++i) EXPECT_TRUE(hosts.count(host(round * 4 + i), 0, 0));
        EXPECT_EQ(hosts.size(), 4u);
        EXPECT_FALSE(hosts.count(host(1'000'000), 0, 0)) << "there is no room";
        for (std::uint32_t i = 0; i < 4; ++i) hosts.release(host(round * 4 + i), 0);
        EXPECT_EQ(hosts.size(), 0u);
    }
}

TEST(HostTable, RemembersARateBeyondTheLastSession) {
    HostTable hosts(16, {});
    const Time now = seconds(5);
    for (int i = 0; i < 10; ++i) {
        EXPECT_TRUE(hosts.allows(host(1), now, 0, 10));
        hosts.count(host(1), now, 10);
        hosts.release(host(1), now);
    }
    EXPECT_FALSE(hosts.allows(host(1), now, 0, 10));
    EXPECT_TRUE(hosts.allows(host(2), now, 0, 10));
    EXPECT_TRUE(hosts.allows(host(1), now + seconds(1), 0, 10));
}

TEST(HostTable, HostsWithoutSessionsMakeRoom) {
    HostTable hosts(8, {});
    // Each leaves a rate behind that a second wears off.
    for (std::uint32_t i = 0; i < 1000; ++i) {
        const Time now = seconds(i);
        EXPECT_TRUE(hosts.count(host(i), now, 1)) << i;
        hosts.release(host(i), now);
    }
    EXPECT_LE(hosts.size(), 8u);
    // In one moment: a rate is given up before a session goes uncounted.
    for (std::uint32_t i = 0; i < 100; ++i) {
        EXPECT_TRUE(hosts.count(host(5000 + i), seconds(2000), 1)) << i;
        hosts.release(host(5000 + i), seconds(2000));
    }
    // Those with sessions stay.
    for (std::uint32_t i = 0; i < 6; ++i) EXPECT_TRUE(hosts.count(host(7000 + i), seconds(3000), 1));
    for (std::uint32_t i = 0; i < 50; ++i) {
        hosts.count(host(8000 + i), seconds(3000), 1);
        hosts.release(host(8000 + i), seconds(3000));
    }
    for (std::uint32_t i = 0; i < 6; ++i) EXPECT_EQ(hosts.counted(host(7000 + i)), 1u);
}

}  // namespace
}  // namespace sluice
