// SPDX-License-Identifier: Apache-2.0
//
// For acceptance tests with tenants behind VXLAN on port V0 (endpoints .21 and .22) and an uplink on port U0,
// VLAN 100, where R is. Each runs over an IPv4 underlay, as it is written, and over an IPv6 one (underlay.h),
// with the cache off, with the flow table alone and with all tiers, and ends with the balance of C8 and no
// buffer lost.
#pragma once

#include <map>
#include <memory>

#include "tests/acceptance/underlay.h"
#include "tests/support/bytes.h"
#include "tests/support/compile.h"
#include "tests/support/vxlan.h"

namespace sluice::test {

struct OverlayCase {
    CacheTiers cache;
    Family outside;
};
inline std::string name_of(const OverlayCase& overlay_case) {
    return name_of(overlay_case.cache) + (overlay_case.outside == Family::v4 ? "_over_ipv4" : "_over_ipv6");
}

class Tunnelled : public testing::TestWithParam<OverlayCase> {
  protected:
    /// `texts`: of an underlay that is IPv4.
    explicit Tunnelled(Texts (*texts)()) : gateway(image_of(texts), settings(), GetParam().outside) {}
    void TearDown() override {
        EXPECT_TRUE(gateway.counters().balanced());
        EXPECT_EQ(gateway.frames_in_use(), gateway.counters().held);
    }
    static ShardSettings settings() {
        ShardSettings settings;
        settings.cache = GetParam().cache;
        return settings;
    }
    static bool cached() { return GetParam().cache != CacheTiers::none; }
    static std::unique_ptr<const Image> compiled(Texts texts) {
        return compile_texts(over(GetParam().outside, std::move(texts)));
    }
    static Ip endpoint(const std::string& ipv4) { return test::endpoint(GetParam().outside, ipv4); }

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

    UnderlayGateway gateway;

  private:
    /// Compiled once a process.
    static const Image& image_of(Texts (*texts)()) {
        static std::map<std::pair<Texts (*)(), Family>, std::unique_ptr<const Image>> images;
        auto& image = images[{texts, GetParam().outside}];
        if (!image) image = compiled(texts());
        return *image;
    }
};

constexpr OverlayCase all_overlay_cases[] = {
    {CacheTiers::none, Family::v4},        {CacheTiers::none, Family::v6},
    {CacheTiers::flow_table, Family::v4},  {CacheTiers::flow_table, Family::v6},
    {CacheTiers::trace_cache, Family::v4}, {CacheTiers::trace_cache, Family::v6}};
#define SLUICE_OVERLAY(Suite)                                                 \
    INSTANTIATE_TEST_SUITE_P(T1, Suite, testing::ValuesIn(all_overlay_cases), \
                             [](const auto& instance) { return name_of(instance.param); })

}  // namespace sluice::test
