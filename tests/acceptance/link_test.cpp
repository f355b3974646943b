// SPDX-License-Identifier: Apache-2.0
//
// Acceptance: two uplinks of the provider share the traffic; one loses its link.
#include <map>

#include "tests/acceptance/acceptance.h"
#include "tests/support/compile.h"

namespace sluice::test {
namespace {

constexpr const char* gateway_text = R"(gateway: edge
mac: 02:00:00:00:01:01
ports: {V0: {}, U0: {}, U1: {}}
provider:
  uplinks:
    first: {vlan: {port: U0, id: 100}, address: 203.0.113.2/29, neighbours: {203.0.113.1: "02:00:00:00:09:01"}}
    second: {vlan: {port: U1, id: 100}, address: 198.51.100.2/29, neighbours: {198.51.100.1: "02:00:00:00:09:02"}}
  links: {a: 100.64.0.0/31}
  routes:
    - {to: 0.0.0.0/0, via: [203.0.113.1, 198.51.100.1]}
    - {to: 198.19.0.0/16, via: 198.51.100.1}
    - {to: 192.0.2.8/29, tenant: a}
tenants: [a.yaml]
)";
constexpr const char* tenant_text = R"(tenant: a
segments:
  a1: {vlan: {port: V0, id: 501}, gateway: 10.1.1.1/24, neighbours: {10.1.1.5: "02:aa:00:00:00:05"}}
  a2: {vlan: {port: V0, id: 502}, gateway: 10.1.2.1/24, neighbours: {10.1.2.5: "02:aa:00:00:02:05"}}
routes:
  - {to: 0.0.0.0/0, via: provider}
nat:
  - {snat: 10.1.0.0/16, out: provider, to: 192.0.2.10}
)";

constexpr std::uint16_t flows = 64;

class Links : public testing::TestWithParam<CacheTiers> {
  protected:
    void TearDown() override { EXPECT_TRUE(gateway.counters().balanced()); }
    static ShardSettings settings() {
        ShardSettings settings;
        settings.cache = GetParam();
        return settings;
    }
    std::vector<SentFrame> send(std::uint16_t flow, const std::string& to = "198.18.0.9") {
        Packet packet{.destination_mac = "02:00:00:00:01:01", .vlan = 501, .destination = to};
        packet.source_port = static_cast<std::uint16_t>(5000 + flow);
        return gateway.inject("V0", udp(packet));
    }
    struct Way {
        std::uint16_t port = 0;
        std::uint16_t external_port = 0;
        friend bool operator==(const Way&, const Way&) = default;
    };
    /// By flow: which uplink it took, and as whom.
    std::map<std::uint16_t, Way> ways() {
        std::map<std::uint16_t, Way> result;
        for (std::uint16_t flow = 0; flow < flows; ++flow) {
            const auto sent = send(flow);
            const Decoded packet = only(sent);
            if (sent.size() == 1) result[flow] = {sent[0].port, packet.source_port()};
            EXPECT_EQ(text(packet.source), "192.0.2.10");
        }
        return result;
    }
    /// The reply to a flow by either uplink reaches its sender.
    void expect_reply(const std::string& uplink, const Way& way, std::uint16_t flow) {
        Packet reply{.source_mac = uplink == "U0" ? "02:00:00:00:09:01" : "02:00:00:00:09:02",
                     .destination_mac = "02:00:00:00:01:01",
                     .vlan = 100,
                     .source = "198.18.0.9",
                     .destination = "192.0.2.10",
                     .source_port = 80};
        reply.destination_port = way.external_port;
        const Decoded got = only(gateway.inject(uplink, udp(reply)));
        EXPECT_EQ(text(got.destination), "10.1.1.5");
        EXPECT_EQ(got.destination_port(), 5000 + flow);
    }
    void set_link(const char* port, bool up) { gateway.shard().set_link(gateway.port_of(port), up); }

    std::unique_ptr<const Image> image =
        compile_texts({{"gateway.yaml", gateway_text}, {"a.yaml", tenant_text}});
    TestGateway gateway{*image, settings()};
};
SLUICE_ACCEPTANCE(Links);

TEST_P(Links, MT_A36_a_lost_link_moves_its_own_flows_and_replies_find_them) {
    const std::uint16_t first = gateway.port_of("U0"), second = gateway.port_of("U1");
    const auto before = ways();
    const auto on_second = static_cast<std::size_t>(
        std::ranges::count_if(before, [&](const auto& row) { return row.second.port == second; }));
    ASSERT_GT(on_second, flows / 4u);
    ASSERT_LT(on_second, flows * 3u / 4);
    ASSERT_EQ(ways(), before);  // from the cache
    const std::uint64_t sessions = gateway.counters().sessions.created;

    set_link("U1", false);
    const auto without = ways();
    for (const auto& [flow, way] : before) {
        EXPECT_EQ(without.at(flow), (Way{first, way.external_port})) << flow;
        expect_reply("U0", way, flow);
    }
    ASSERT_EQ(ways(), without);

    set_link("U1", true);
    EXPECT_EQ(ways(), before);
    EXPECT_EQ(gateway.counters().sessions.created, sessions);
}

TEST_P(Links, what_only_the_lost_link_led_to_has_no_route) {
    EXPECT_EQ(send(0, "198.19.0.9").size(), 1u);
    EXPECT_EQ(send(0, "198.19.0.9").size(), 1u);
    set_link("U1", false);
    for (std::uint16_t flow = 0; flow < 3; ++flow) {  // known and new ones; the sender is told
        const Decoded error = only(send(flow, "198.19.0.9"));
        EXPECT_EQ(error.byte(0), 3);
        EXPECT_EQ(error.byte(1), 0);
    }
    EXPECT_EQ(gateway.drops("provider.dr", DropReason::NO_ROUTE), 3u);
    // Between the tenant's own segments nothing changes.
    Packet inside{.destination_mac = "02:00:00:00:01:01", .vlan = 501, .destination = "10.1.2.5"};
    EXPECT_EQ(gateway.inject("V0", udp(inside)).size(), 1u);
    set_link("U1", true);
    EXPECT_EQ(send(0, "198.19.0.9").size(), 1u);
    EXPECT_EQ(send(5, "198.19.0.9").size(), 1u);
}

TEST_P(Links, a_link_that_was_lost_is_lost_under_the_next_policy_too) {
    set_link("U1", false);
    const auto next = compile_texts({{"gateway.yaml", gateway_text},
                                     {"a.yaml", std::string(tenant_text) + "firewall: {default: allow}\n"}});
    gateway.activate(*next);
    const std::uint16_t first = gateway.port_of("U0");
    for (const auto& [flow, way] : ways()) EXPECT_EQ(way.port, first) << flow;
}

}  // namespace
}  // namespace sluice::test
