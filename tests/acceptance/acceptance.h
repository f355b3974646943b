// SPDX-License-Identifier: Apache-2.0
//
// Topology T1 (seed-systems 1.2, with VLANs where it says VXLAN) for the tests that carry acceptance ids. Every
// test runs with the cache off, with the flow table alone and with all tiers, and ends with the balance of C8
// and no buffer lost.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/support/decoded.h"
#include "tests/support/test_gateway.h"

namespace sluice::test {

/// The T1 policy compiled; once a process.
const Image& topology_t1();

class Acceptance : public testing::TestWithParam<CacheTiers> {
  protected:
    Acceptance() : gateway(topology_t1(), settings()) {}
    void TearDown() override;

    static ShardSettings settings() {
        ShardSettings settings;
        settings.cache = GetParam();
        return settings;
    }
    static bool cached() { return GetParam() != CacheTiers::none; }

    /// A frame as station a5 (10.1.1.5 of tenant a, VLAN 501) or another one sends it to its router.
    static Packet from_a5(Packet packet) { return station(std::move(packet), 501, "02:aa:00:00:00:05"); }
    static Packet from_a12(Packet packet) {
        packet.source = "10.1.1.12";
        return station(std::move(packet), 501, "02:aa:00:00:00:12");
    }
    static Packet from_b5(Packet packet) { return station(std::move(packet), 601, "02:bb:00:00:00:05"); }
    /// A frame as R sends it: VLAN 100 to tenant a, 101 to tenant b.
    static Packet from_r(Packet packet, std::uint16_t vlan = 100) {
        packet.source_mac = "02:00:00:00:09:01";
        packet.destination_mac = "02:00:00:00:01:01";
        packet.vlan = vlan;
        return packet;
    }
    std::vector<SentFrame> from_inside(const Bytes& frame) { return gateway.inject("V0", frame); }
    std::vector<SentFrame> from_outside(const Bytes& frame) { return gateway.inject("U0", frame); }
    std::uint64_t uncacheable(NoCacheReason why) {
        return gateway.counters().cache.uncacheable[static_cast<std::size_t>(why)];
    }
    const RuleCount& rule(std::uint16_t tenant, std::string_view name);

    TestGateway gateway;

  private:
    static Packet station(Packet packet, std::uint16_t vlan, std::string mac) {
        packet.source_mac = std::move(mac);
        packet.destination_mac = vlan == 602 ? "02:00:00:00:01:01" : "02:50:56:56:44:52";
        packet.vlan = vlan;
        return packet;
    }
};

/// The one frame that was sent, taken apart; fails the test where there is not exactly one.
Decoded only(const std::vector<SentFrame>& sent);
std::string text(Ip ip);  // IPv4
/// What station 10.1.2.9 of tenant a, which has no static entry, says when it is asked for its MAC.
Bytes answer_of_a9();

#define SLUICE_ACCEPTANCE(Suite)                                            \
    INSTANTIATE_TEST_SUITE_P(T1, Suite, testing::ValuesIn(all_cache_tiers), \
                             [](const auto& instance) { return name_of(instance.param); })

}  // namespace sluice::test
