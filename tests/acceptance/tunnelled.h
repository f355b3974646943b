// SPDX-License-Identifier: Apache-2.0
//
// For acceptance tests with tenants behind VXLAN on port V0 (endpoints .21 and .22) and an uplink on port U0,
// VLAN 100, where R is. Every test ends with the balance of C8 and no buffer lost.
#pragma once

#include "tests/acceptance/acceptance.h"
#include "tests/support/bytes.h"
#include "tests/support/vxlan.h"

namespace sluice::test {

class Tunnelled : public testing::TestWithParam<CacheTiers> {
  protected:
    explicit Tunnelled(const Image& image) : gateway(image, settings()) {}
    void TearDown() override {
        EXPECT_TRUE(gateway.counters().balanced());
        EXPECT_EQ(gateway.frames_in_use(), gateway.counters().held);
    }
    static ShardSettings settings() {
        ShardSettings settings;
        settings.cache = GetParam();
        return settings;
    }
    static bool cached() { return GetParam() != CacheTiers::none; }

    static Packet from_r(Packet packet) {
        packet.source_mac = "02:00:00:00:09:01";
        packet.destination_mac = "02:00:00:00:01:01";
        packet.vlan = 100;
        return packet;
    }
    /// To the web server that tenant a publishes.
    static Packet to_web(Packet packet = {}) {
        packet.source = "203.0.113.9";
        packet.destination = "192.0.2.11";
        packet.source_port = 4000;
        packet.destination_port = 80;
        return from_r(packet);
    }
    std::vector<SentFrame> from_tunnel(const Bytes& inner, const Outer& outer = {}) {
        return gateway.inject("V0", in_vxlan(outer, inner));
    }
    std::vector<SentFrame> from_outside(const Bytes& frame) { return gateway.inject("U0", frame); }
    /// The one packet that went into a tunnel; the one inside must be sound as well.
    static Opened only_tunnelled(const std::vector<SentFrame>& sent,
                                 Opened (*open)(const Bytes&) = open_vxlan) {
        EXPECT_EQ(sent.size(), 1u);
        if (sent.size() != 1) return {};
        Opened opened = open(sent[0].bytes);
        EXPECT_EQ(opened.fault, "");
        EXPECT_TRUE(checksums_valid(opened.inner));
        return opened;
    }

    TestGateway gateway;
};

}  // namespace sluice::test
