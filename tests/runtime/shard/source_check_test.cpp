// SPDX-License-Identifier: Apache-2.0
//
// Unicast reverse path forwarding: strict on segments unless they say otherwise, off on uplinks.
#include "tests/support/all_tiers.h"
#include "tests/support/compile.h"
#include "tests/support/decoded.h"
#include "tests/support/test_gateway.h"

namespace sluice::test {
namespace {

constexpr const char* gateway_text = R"(gateway: edge
mac: 02:00:5e:00:01:01
ports: {lan0: {}, uplink0: {}}
tenants: [blue.yaml]
)";

constexpr const char* blue_text = R"(tenant: blue
router: {urpf: ROUTER}
segments:
  web: {vlan: {port: lan0, id: 1}, gateway: [10.1.1.1/24, "2001:db8:1::1/64"], neighbours: {10.1.1.5: "02:00:00:00:01:05"}}
  db:  {vlan: {port: lan0, id: 2}, gateway: 10.1.2.1/24, neighbours: {10.1.2.5: "02:00:00:00:02:05"}}
uplinks:
  internet: {vlan: {port: uplink0, id: 3}, address: 203.0.113.2/24, neighbours: {203.0.113.1: "02:00:00:00:09:01"}UPLINK}
routes:
  - {to: 198.18.0.0/16, via: 203.0.113.1}
  - {to: 10.9.0.0/16, via: [10.1.1.5, 10.1.2.5]}
  - {to: 10.8.0.0/16, blackhole: true}
FIREWALL)";

std::string with(std::string text, const std::string& what, const std::string& by) {
    return text.replace(text.find(what), what.size(), by);
}

class SourceCheck : public testing::TestWithParam<CacheTiers> {
  protected:
    void start(const std::string& router, const std::string& uplink = "", bool firewall = true) {
        std::string text = with(with(blue_text, "ROUTER", router), "UPLINK", uplink);
        text = with(text, "FIREWALL", firewall ? "firewall: {default: allow}\n" : "");
        image_ = compile_texts({{"gateway.yaml", gateway_text}, {"blue.yaml", text}});
        ShardSettings settings;
        settings.cache = GetParam();
        gateway_ = std::make_unique<TestGateway>(*image_, settings);
    }
    std::size_t passes(std::uint16_t vlan, const std::string& source) {
        const bool outside = vlan == 3;
        Packet packet{.destination_mac = "02:00:5e:00:01:01", .vlan = vlan, .source = source};
        packet.destination = outside ? "10.1.2.5" : "198.18.0.1";
        packet.source_port = next_port_++;
        return gateway_->inject(outside ? "uplink0" : "lan0", udp(packet)).size();
    }
    std::uint64_t refused() {
        return gateway_->drops("blue.sr", DropReason::URPF) + gateway_->drops("blue.dr", DropReason::URPF);
    }

    std::unique_ptr<const Image> image_;
    std::unique_ptr<TestGateway> gateway_;
    std::uint16_t next_port_ = 1000;
};
INSTANTIATE_TEST_SUITE_P(Cached, SourceCheck, testing::ValuesIn(all_cache_tiers),
                         [](const auto& instance) { return name_of(instance.param); });

TEST_P(SourceCheck, strict_wants_the_way_back_to_lead_where_the_packet_came_from) {
    for (const bool firewall : {true, false}) {
        start("strict", "", firewall);
        for (int i = 0; i < 3; ++i) {  // from the third on, the way is known
            EXPECT_EQ(passes(1, "10.1.1.7"), 1u);
            EXPECT_EQ(passes(1, "10.9.1.1"), 1u);
            EXPECT_EQ(passes(2, "10.9.1.1"), 1u);
            EXPECT_EQ(passes(3, "198.18.0.1"), 1u);
            EXPECT_EQ(passes(3, "172.16.0.1"), 1u);  // nothing is asked on uplinks
        }
        EXPECT_EQ(refused(), 0u);
        for (int i = 0; i < 3; ++i) {
            EXPECT_EQ(passes(1, "10.1.2.5"), 0u);
            EXPECT_EQ(passes(2, "10.1.1.5"), 0u);
            EXPECT_EQ(passes(1, "198.18.0.2"), 0u);
            EXPECT_EQ(passes(1, "172.16.0.1"), 0u);
            EXPECT_EQ(passes(1, "10.8.0.1"), 0u);
            EXPECT_EQ(passes(1, "10.1.1.255"), 0u);
        }
        EXPECT_EQ(refused(), 18u);
        EXPECT_TRUE(gateway_->counters().balanced());
    }
}

TEST_P(SourceCheck, loose_wants_a_way_back) {
    start("loose");
    EXPECT_EQ(passes(1, "10.1.2.5"), 1u);
    EXPECT_EQ(passes(1, "198.18.0.2"), 1u);
    EXPECT_EQ(refused(), 0u);
    EXPECT_EQ(passes(1, "172.16.0.1"), 0u);
    EXPECT_EQ(passes(1, "10.8.0.1"), 0u);
    EXPECT_EQ(refused(), 2u);
}

TEST_P(SourceCheck, off_wants_nothing) {
    start("off");
    EXPECT_EQ(passes(1, "172.16.0.1"), 1u);
    EXPECT_EQ(passes(1, "10.8.0.1"), 1u);
    EXPECT_EQ(refused(), 0u);
}

TEST_P(SourceCheck, an_uplink_may_ask_too) {
    start("off", ", urpf: strict");
    EXPECT_EQ(passes(3, "198.18.0.1"), 1u);
    EXPECT_EQ(passes(3, "10.1.1.7"), 0u);
    EXPECT_EQ(refused(), 1u);
    start("off", ", urpf: loose");
    EXPECT_EQ(passes(3, "10.1.1.7"), 1u);
    EXPECT_EQ(passes(3, "172.16.0.1"), 0u);
    EXPECT_EQ(refused(), 1u);
}

TEST_P(SourceCheck, a_link_local_source_is_of_its_link) {
    start("strict");
    Packet packet{.destination_mac = "02:00:5e:00:01:01", .vlan = 1, .source = "fe80::5"};
    packet.destination = "2001:db8:1::1";
    gateway_->inject("lan0", echo_request(packet));
    EXPECT_EQ(refused(), 0u);
    EXPECT_EQ(gateway_->counters().originated, 2u);  // the reply, and a solicitation of who is to have it
    gateway_->release_held();
}

TEST_P(SourceCheck, a_policy_that_begins_to_ask_ends_what_it_would_not_let_pass) {
    start("off");
    const Packet forged{
        .destination_mac = "02:00:5e:00:01:01", .vlan = 1, .source = "10.1.2.5", .destination = "198.18.0.1"};
    EXPECT_EQ(gateway_->inject("lan0", udp(forged)).size(), 1u);
    EXPECT_EQ(gateway_->inject("lan0", udp(forged)).size(), 1u);
    const std::string text = with(with(with(blue_text, "ROUTER", "strict"), "UPLINK", ""), "FIREWALL",
                                  "firewall: {default: allow}\n");
    const auto strict = compile_texts({{"gateway.yaml", gateway_text}, {"blue.yaml", text}});
    gateway_->activate(*strict);
    EXPECT_TRUE(gateway_->inject("lan0", udp(forged)).empty());
    EXPECT_EQ(refused(), 1u);
}

}  // namespace
}  // namespace sluice::test
