// SPDX-License-Identifier: Apache-2.0
//
// What a policy exempts from NAT (RFC 6888 REQ-6), in all tiers of the cache.
#include "tests/runtime/shard/one_tenant.h"
#include "tests/support/decoded.h"

namespace sluice::test {
namespace {

std::unique_ptr<const Image> policy(const std::string& rules) {
    return one_tenant(R"(addresses: {vpn: [172.16.0.0/12, "2001:db8:aa::/48"]}
nat:
  - {snat: 10.1.1.0/24, out: internet, to: 203.0.113.10}
  - {snat: "2001:db8:1::/64", out: internet, to: "2001:db8:f::10"}
  - {one-to-one: 203.0.113.20, inside: 10.1.1.20, on: internet}
)" + rules + "firewall: {default: allow}\n");
}

class NatExemption : public OneTenant {
  protected:
    void start(const std::string& rules) { run(policy(rules)); }
    /// The source that a packet leaves with; each call is another flow.
    std::string seen(const std::string& source, const std::string& destination) {
        const auto sent = gateway_->inject("lan0", udp({.vlan = 1,
                                                        .source = source,
                                                        .destination = destination,
                                                        .source_port = next_port_++,
                                                        .destination_port = 7}));
        if (sent.size() != 1) return "nothing";
        const Decoded packet = decode(sent[0].bytes);
        return to_string(packet.source, packet.family);
    }

    std::uint16_t next_port_ = 2000;
};
INSTANTIATE_TEST_SUITE_P(Cached, NatExemption, testing::ValuesIn(all_cache_tiers),
                         [](const auto& instance) { return name_of(instance.param); });

TEST_P(NatExemption, keeps_sources_towards_its_destinations_alone) {
    start("  - {exempt: 10.1.1.0/24, out: internet, to: [10.200.0.0/16, 10.200.7.0/24]}\n");
    for (int round = 0; round < 3; ++round) {  // the later ones open as the first did
        EXPECT_EQ(seen("10.1.1.5", "10.200.1.1"), "10.1.1.5");
        EXPECT_EQ(seen("10.1.1.5", "10.200.7.1"), "10.1.1.5");
        EXPECT_EQ(seen("10.1.1.5", "10.201.1.1"), "203.0.113.10");
        EXPECT_EQ(seen("10.1.1.20", "10.200.1.1"), "10.1.1.20") << "one-to-one as well";
        EXPECT_EQ(seen("10.1.1.20", "10.201.1.1"), "203.0.113.20");
    }
    EXPECT_EQ(seen("2001:db8:1::5", "2001:db8:9::1"), "2001:db8:f::10");
}

TEST_P(NatExemption, takes_names_and_both_families) {
    start("  - {exempt: any, out: internet, to: vpn}\n");
    for (int round = 0; round < 2; ++round) {
        EXPECT_EQ(seen("10.1.1.5", "172.31.0.1"), "10.1.1.5");
        EXPECT_EQ(seen("10.1.1.5", "172.32.0.1"), "203.0.113.10");
        EXPECT_EQ(seen("2001:db8:1::5", "2001:db8:aa::1"), "2001:db8:1::5");
        EXPECT_EQ(seen("2001:db8:1::5", "2001:db8:ab::1"), "2001:db8:f::10");
    }
}

TEST_P(NatExemption, without_destinations_is_for_all) {
    start(
        "  - {exempt: [10.1.1.5, 10.1.1.20], out: internet}\n  - {exempt: 10.1.1.6, out: internet, to: "
        "198.18.0.0/15}\n");
    for (int round = 0; round < 2; ++round) {
        EXPECT_EQ(seen("10.1.1.5", "198.18.0.9"), "10.1.1.5");
        EXPECT_EQ(seen("10.1.1.20", "198.18.0.9"), "10.1.1.20");
        EXPECT_EQ(seen("10.1.1.6", "198.18.0.9"), "10.1.1.6");
        EXPECT_EQ(seen("10.1.1.6", "198.51.100.9"), "203.0.113.10");
        EXPECT_EQ(seen("10.1.1.7", "198.18.0.9"), "203.0.113.10");
    }
}

TEST_P(NatExemption, answers_come_back_and_errors_show_what_was_sent) {
    start("  - {exempt: 10.1.1.0/24, out: internet, to: 10.200.0.0/16}\n");
    EXPECT_EQ(seen("10.1.1.5", "10.200.1.1"), "10.1.1.5");
    for (int round = 0; round < 2; ++round) {
        const auto answer = gateway_->inject("uplink0", udp({.vlan = 1,
                                                             .source = "10.200.1.1",
                                                             .destination = "10.1.1.5",
                                                             .source_port = 7,
                                                             .destination_port = 2000}));
        ASSERT_EQ(answer.size(), 1u);
        EXPECT_EQ(decode(answer[0].bytes).destination_port(), 2000);
    }
}

TEST_P(NatExemption, a_new_one_leaves_sessions_alone) {
    start("");
    const auto send = [&](std::uint16_t port) {
        const auto sent = gateway_->inject("lan0", udp({.vlan = 1,
                                                        .source = "10.1.1.5",
                                                        .destination = "10.200.1.1",
                                                        .source_port = port,
                                                        .destination_port = 7}));
        return sent.size() == 1 ? to_string(decode(sent[0].bytes).source, Family::v4) : "nothing";
    };
    EXPECT_EQ(send(1), "203.0.113.10");
    const auto next = policy("  - {exempt: 10.1.1.0/24, out: internet, to: 10.200.0.0/16}\n");
    gateway_->activate(*next);
    EXPECT_EQ(send(1), "203.0.113.10") << "it is a NAT rule's change: sessions go on as they began";
    EXPECT_EQ(send(2), "10.1.1.5");
    EXPECT_EQ(send(2), "10.1.1.5");
}

}  // namespace
}  // namespace sluice::test
