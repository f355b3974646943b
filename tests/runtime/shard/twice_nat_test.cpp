// SPDX-License-Identifier: Apache-2.0
//
// NAT on segments: a flow of which both ends change, and addresses that only a segment sees. Two tenants that
// are the same but for their uplinks' addresses.
#include "tests/support/compile.h"
#include "tests/support/decoded.h"
#include "tests/support/test_gateway.h"

namespace sluice::test {
namespace {

std::string tenant(const std::string& name, unsigned vlan) {
    const std::string net = "203.0." + std::to_string(112 + vlan) + ".";
    return "tenant: " + name + "\nsegments:\n  web: {vlan: {port: lan0, id: " + std::to_string(vlan) +
           "}, gateway: [10.1.1.1/24, \"2001:db8:1::1/64\"], neighbours: {10.1.1.5: \"02:00:00:00:00:05\", "
           "\"2001:db8:1::5\": \"02:00:00:00:00:05\"}}\nuplinks:\n  internet: {vlan: {port: uplink0, id: " +
           std::to_string(vlan) + "}, address: [" + net + "2/24, \"2001:db8:f" + std::to_string(vlan) +
           "::2/64\"], neighbours: {" + net + "1: \"02:00:00:00:09:01\", \"2001:db8:f" + std::to_string(vlan) +
           "::1\": \"02:00:00:00:09:01\"}}\nroutes:\n  - {to: 0.0.0.0/0, via: " + net +
           "1}\n  - {to: \"::/0\", via: \"2001:db8:f" + std::to_string(vlan) +
           "::1\"}\nnat:\n  - {dnat: \"tcp " + net +
           "10:80\", on: internet, to: \"10.1.1.5:8080\"}\n  - {dnat: \"udp " + net +
           "10:53\", on: internet, to: 10.1.1.5}\n  - {dnat: \"udp [2001:db8:f" + std::to_string(vlan) +
           "::10]:53\", on: internet, to: \"2001:db8:1::5\"}\n  - {snat: any, out: web, to: 10.1.1.1}\n  - "
           "{snat: any, out: web, to: "
           "\"2001:db8:1::1\"}\n  - {dnat: 172.20.1.7, on: web, to: 198.18.0.7}\n  - {snat: 10.1.1.0/24, out: "
           "internet, to: " +
           net + "10}\nfirewall: {default: allow}\n";
}

class TwiceNat : public testing::TestWithParam<CacheTiers> {
  protected:
    void SetUp() override {
        image_ =
            compile_texts({{"gateway.yaml",
                            "gateway: edge\nmac: 02:00:5e:00:01:01\nports: {lan0: {}, uplink0: {}}\ntenants: "
                            "[blue.yaml, red.yaml]\n"},
                           {"blue.yaml", tenant("blue", 1)},
                           {"red.yaml", tenant("red", 2)}});
        ShardSettings settings;
        settings.cache = GetParam();
        gateway_ = std::make_unique<TestGateway>(*image_, settings);
        gateway_->advance(nanoseconds_per_second);
    }
    void TearDown() override { EXPECT_TRUE(gateway_->counters().balanced()); }
    Decoded through(const char* port, const Bytes& frame) {
        const auto sent = gateway_->inject(port, frame);
        if (sent.size() != 1) return {};
        const Decoded packet = decode(sent[0].bytes);
        const std::uint16_t residue = l4_residue(packet);
        EXPECT_TRUE(residue == 0 || residue == 0xffff) << describe(packet);
        return packet;
    }
    static std::string text(Ip ip, Family family = Family::v4) { return to_string(ip, family); }

    std::unique_ptr<const Image> image_;
    std::unique_ptr<TestGateway> gateway_;
};
INSTANTIATE_TEST_SUITE_P(Cached, TwiceNat, testing::ValuesIn(all_cache_tiers),
                         [](const auto& instance) { return name_of(instance.param); });

TEST_P(TwiceNat, both_ends_change_there_and_back) {
    for (const std::uint16_t vlan : {1, 2}) {
        const std::string external = "203.0." + std::to_string(112 + vlan) + ".10";
        std::uint16_t port = 0;
        for (int round = 0; round < 3; ++round) {
            const Decoded in = through("uplink0", udp({.vlan = vlan,
                                                       .source = "198.18.0.9",
                                                       .destination = external,
                                                       .source_port = 4000,
                                                       .destination_port = 53}));
            EXPECT_EQ(text(in.source), "10.1.1.1");
            EXPECT_EQ(text(in.destination), "10.1.1.5");
            EXPECT_EQ(in.destination_port(), 53);
            EXPECT_TRUE(round == 0 || in.source_port() == port);
            port = in.source_port();
            const Decoded back = through("lan0", udp({.vlan = vlan,
                                                      .source = "10.1.1.5",
                                                      .destination = "10.1.1.1",
                                                      .source_port = 53,
                                                      .destination_port = port}));
            EXPECT_EQ(text(back.source), external);
            EXPECT_EQ(text(back.destination), "198.18.0.9");
            EXPECT_EQ(back.source_port(), 53);
            EXPECT_EQ(back.destination_port(), 4000);
        }
    }
}

TEST_P(TwiceNat, of_a_connection) {
    constexpr std::uint8_t syn = 2, ack = 16;
    std::uint16_t port = 0;
    for (const std::uint8_t flags : {syn, ack, ack}) {
        const Decoded in = through("uplink0", tcp({.vlan = 1,
                                                   .source = "198.18.0.9",
                                                   .destination = "203.0.113.10",
                                                   .source_port = 4000,
                                                   .destination_port = 80,
                                                   .tcp_flags = flags}));
        EXPECT_EQ(text(in.source), "10.1.1.1");
        EXPECT_EQ(in.destination_port(), 8080);
        port = in.source_port();
        const Decoded back = through("lan0", tcp({.vlan = 1,
                                                  .source = "10.1.1.5",
                                                  .destination = "10.1.1.1",
                                                  .source_port = 8080,
                                                  .destination_port = port,
                                                  .tcp_flags = static_cast<std::uint8_t>(flags | ack)}));
        EXPECT_EQ(text(back.source), "203.0.113.10");
        EXPECT_EQ(back.source_port(), 80);
        EXPECT_EQ(back.destination_port(), 4000);
    }
}

TEST_P(TwiceNat, of_ipv6) {
    for (int round = 0; round < 3; ++round) {
        const Decoded in = through("uplink0", udp({.vlan = 1,
                                                   .source = "2001:db8:99::9",
                                                   .destination = "2001:db8:f1::10",
                                                   .source_port = 4000,
                                                   .destination_port = 53}));
        EXPECT_EQ(text(in.source, Family::v6), "2001:db8:1::1");
        EXPECT_EQ(text(in.destination, Family::v6), "2001:db8:1::5");
    }
}

TEST_P(TwiceNat, a_segment_knows_a_peer_by_another_address) {
    for (int round = 0; round < 3; ++round) {
        const Decoded out = through("lan0", udp({.vlan = 1,
                                                 .source = "10.1.1.5",
                                                 .destination = "172.20.1.7",
                                                 .source_port = 5000,
                                                 .destination_port = 7}));
        EXPECT_EQ(text(out.destination), "198.18.0.7");
        EXPECT_EQ(text(out.source), "203.0.113.10");
        const Decoded back = through("uplink0", udp({.vlan = 1,
                                                     .source = "198.18.0.7",
                                                     .destination = "203.0.113.10",
                                                     .source_port = 7,
                                                     .destination_port = out.source_port()}));
        EXPECT_EQ(text(back.source), "172.20.1.7");
        EXPECT_EQ(text(back.destination), "10.1.1.5");
        EXPECT_EQ(back.destination_port(), 5000);
    }
    EXPECT_TRUE(
        gateway_->inject("uplink0", udp({.vlan = 1, .source = "198.18.0.9", .destination = "172.20.1.7"}))
            .empty())
        << "nobody else may use it";
}

TEST_P(TwiceNat, a_neighbour_may_not_use_what_another_was_opened) {
    const Decoded in = through("uplink0", udp({.vlan = 1,
                                               .source = "198.18.0.9",
                                               .destination = "203.0.113.10",
                                               .source_port = 4000,
                                               .destination_port = 53}));
    EXPECT_TRUE(gateway_
                    ->inject("lan0", udp({.vlan = 1,
                                          .source = "10.1.1.6",
                                          .destination = "10.1.1.1",
                                          .source_port = 53,
                                          .destination_port = in.source_port()}))
                    .empty());
    EXPECT_EQ(gateway_->drops("blue.sr", DropReason::NAT_FILTERED), 1u);
}

TEST_P(TwiceNat, an_error_is_translated_at_both_ends) {
    const Decoded in = through("uplink0", udp({.vlan = 1,
                                               .source = "198.18.0.9",
                                               .destination = "203.0.113.10",
                                               .source_port = 4000,
                                               .destination_port = 53}));
    const Bytes quoted = ip_packet(udp({.source = "10.1.1.1",
                                        .destination = "10.1.1.5",
                                        .source_port = in.source_port(),
                                        .destination_port = 53}));
    const Decoded error = through(
        "lan0",
        icmp_error({.vlan = 1, .source = "10.1.1.5", .destination = "10.1.1.1", .icmp_type = 3, .icmp_code = 3},
                   quoted));
    EXPECT_EQ(text(error.source), "203.0.113.10");
    EXPECT_EQ(text(error.destination), "198.18.0.9");
}

}  // namespace
}  // namespace sluice::test
