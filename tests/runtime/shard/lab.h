// SPDX-License-Identifier: Apache-2.0
//
// A gateway with one of everything, for tests of the shard that the acceptance ids do not cover. Every test
// runs with the cache off, with the flow table alone and with all tiers, and ends with the balance of C8 and no
// buffer lost.
//
//   blue   stateful: web (access0 VLAN 110, 10.1.1.1/24, 2001:db8:b:1::1/64), db (access0 QinQ
//   100.7, 10.1.2.1/24,
//          fd00:2::1/64), internet (uplink0 untagged, 203.0.113.2/24, 2001:db8:ffff::2/64, MTU 1400), peer red
//   red    stateful: web (access0 VLAN 210, 10.1.1.1/24: blue's addresses), peer blue; nobody else
//   plain  no services: lan (access0 VLAN 310, 10.3.1.1/24), far (uplink0 VLAN 311, 10.3.2.1/24),
//          wan (uplink0 VLAN 930, 198.51.100.2/24)
// Stations: .5 and .6 of each segment are known (static), .9 is not. The routers outside are known.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/support/decoded.h"
#include "tests/support/test_gateway.h"

namespace sluice::test {

/// Compiled once a process.
const Image& lab();
const Image& lab_per_stage();  // ttl: per-stage

constexpr std::uint16_t blue = 0, red = 1, plain = 2;
constexpr std::uint8_t fin = 0x01, syn = 0x02, rst = 0x04, ack = 0x10;

class ShardTest : public testing::TestWithParam<CacheTiers> {
  protected:
    ShardTest() { restart(); }
    void TearDown() override { check(); }

    /// A new gateway; what the test set in `settings` counts.
    void restart(const Image& image = lab());
    void check();
    static bool cached() { return GetParam() != CacheTiers::none; }

    // Frames as stations send them: the layer 2 part of `packet` is filled in.
    static Packet on_web(Packet packet);  // blue's, from the MAC of 10.1.1.5
    static Packet on_db(Packet packet);   // blue's, from the MAC of 10.1.2.5
    static Packet on_net(Packet packet);  // blue's uplink, from its router
    static Packet on_red(Packet packet);  // red's web
    static Packet on_lan(Packet packet);  // plain's
    static Packet on_far(Packet packet);
    static Packet on_wan(Packet packet);

    using Sent = std::vector<SentFrame>;
    Sent inside(const Bytes& frame) { return gateway->inject("access0", frame); }
    Sent inside(std::span<const Bytes> burst) { return gateway->inject("access0", burst); }
    Sent outside(const Bytes& frame) { return gateway->inject("uplink0", frame); }
    Sent outside(std::span<const Bytes> burst) { return gateway->inject("uplink0", burst); }
    std::uint64_t drops(std::string_view component, DropReason reason) {
        return gateway->drops(component, reason);
    }
    const Counters& counters() { return gateway->counters(); }
    std::size_t live_flows() const;
    const RuleCount& rule(std::uint16_t tenant, std::string_view name);

    ShardSettings settings;
    std::unique_ptr<TestGateway> gateway;

  private:
    const Image* image_ = nullptr;
};

/// The one frame that was sent, taken apart, its checksums valid; fails the test where there is not exactly
/// one.
Decoded only(const std::vector<SentFrame>& sent);
/// The addresses of a decoded packet.
std::string from(const Decoded& packet);
std::string to(const Decoded& packet);

#define SLUICE_SHARD_TEST(Suite)                                                \
    INSTANTIATE_TEST_SUITE_P(Cached, Suite, testing::ValuesIn(all_cache_tiers), \
                             [](const auto& instance) { return name_of(instance.param); })

}  // namespace sluice::test
