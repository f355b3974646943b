// SPDX-License-Identifier: Apache-2.0
//
// A tenant's own limits: of sessions at a time, of new ones a second, of packets, and of packets on the slow
// path.
#include "tests/support/compile.h"
#include "tests/support/decoded.h"
#include "tests/support/test_gateway.h"

namespace sluice::test {
namespace {

constexpr const char* gateway_text = R"(gateway: edge
mac: 02:00:5e:00:01:01
ports: {lan0: {}, uplink0: {}}
tenants: [blue.yaml, red.yaml]
)";

std::string tenant_text(const std::string& name, unsigned vlan, const std::string& limits) {
    const std::string vid = std::to_string(vlan);
    return "tenant: " + name + "\nsegments:\n  lan: {vlan: {port: lan0, id: " + vid +
           "}, gateway: [10.1.1.1/24, \"2001:db8:1::1/64\"]}\nuplinks:\n  internet: {vlan: {port: uplink0, "
           "id: " +
           vid + "}, address: [203.0.113." + std::to_string(vlan * 8 + 2) +
           "/29, \"2001:db8:f::2/64\"], neighbours: {203.0.113." + std::to_string(vlan * 8 + 1) +
           ": \"02:00:00:00:09:01\", \"2001:db8:f::1\": \"02:00:00:00:09:01\"}}\nroutes:\n  - {to: 0.0.0.0/0, "
           "via: 203.0.113." +
           std::to_string(vlan * 8 + 1) +
           "}\n  - {to: \"::/0\", via: \"2001:db8:f::1\"}\nfirewall:\n  rules: [{name: no, from: lan, to: "
           "internet, service: udp/9, action: drop}, {name: out, from: lan, to: internet, action: allow}]\n" +
           limits;
}

std::unique_ptr<const Image> policy(const std::string& limits_of_blue) {
    return compile_texts({{"gateway.yaml", gateway_text},
                          {"blue.yaml", tenant_text("blue", 1, limits_of_blue)},
                          {"red.yaml", tenant_text("red", 2, "")}});
}

class SessionLimits : public testing::TestWithParam<CacheTiers> {
  protected:
    void start(const std::string& limits) {
        image_ = policy(limits);
        ShardSettings settings;
        settings.cache = GetParam();
        gateway_ = std::make_unique<TestGateway>(*image_, settings);
        gateway_->advance(nanoseconds_per_second);
    }
    void TearDown() override {
        EXPECT_TRUE(gateway_->counters().balanced());
        std::uint64_t sessions = 0;
        for (const TenantCount& tenant : gateway_->counters().tenants) sessions += tenant.sessions;
        EXPECT_EQ(sessions, gateway_->shard().sessions().size());
    }
    bool passes(std::uint16_t flow, std::uint16_t vlan = 1, std::uint16_t port = 53) {
        const Packet packet{.destination_mac = "02:00:5e:00:01:01",
                            .vlan = vlan,
                            .source_port = static_cast<std::uint16_t>(1000 + flow),
                            .destination_port = port};
        return leaving(gateway_->inject("lan0", udp(packet))) == 1;
    }
    std::size_t leaving(std::span<const SentFrame> sent) const { return gateway_->count_by("uplink0", sent); }
    std::uint64_t refused(DropReason reason) { return gateway_->drops("blue.sr", reason); }

    std::unique_ptr<const Image> image_;
    std::unique_ptr<TestGateway> gateway_;
};
INSTANTIATE_TEST_SUITE_P(Cached, SessionLimits, testing::ValuesIn(all_cache_tiers),
                         [](const auto& instance) { return name_of(instance.param); });

TEST_P(SessionLimits, who_has_as_many_as_allowed_begins_no_more_and_keeps_those) {
    start("limits: {sessions: 4}\n");
    for (std::uint16_t flow = 0; flow < 4; ++flow) EXPECT_TRUE(passes(flow));
    EXPECT_FALSE(passes(4));
    EXPECT_FALSE(passes(5));
    EXPECT_EQ(refused(DropReason::SESSION_FULL), 2u);
    for (std::uint16_t flow = 0; flow < 4; ++flow) EXPECT_TRUE(passes(flow));
    for (std::uint16_t flow = 0; flow < 9; ++flow) EXPECT_TRUE(passes(flow, 2));  // red has no limit
    EXPECT_EQ(gateway_->counters().tenants[0].sessions, 4u);
    // What the firewall denies is no session.
    EXPECT_FALSE(passes(6, 1, 9));
    EXPECT_EQ(refused(DropReason::FW_DENY), 1u);
    EXPECT_EQ(refused(DropReason::SESSION_FULL), 2u);
    gateway_->advance(301 * nanoseconds_per_second);
    EXPECT_EQ(gateway_->counters().tenants[0].sessions, 0u);
    EXPECT_TRUE(passes(4));
}

TEST_P(SessionLimits, new_ones_come_at_their_rate_after_a_seconds_worth) {
    start("limits: {new-sessions: 10/s}\n");
    std::uint16_t flow = 0;
    for (; flow < 10; ++flow) EXPECT_TRUE(passes(flow)) << flow;
    EXPECT_FALSE(passes(flow));
    EXPECT_EQ(refused(DropReason::SESSION_RATE), 1u);
    EXPECT_TRUE(passes(0));  // a known one is none
    gateway_->advance(nanoseconds_per_second / 10);
    EXPECT_TRUE(passes(flow));
    EXPECT_FALSE(passes(flow + 1));
    gateway_->advance(nanoseconds_per_second / 4);
    EXPECT_TRUE(passes(flow + 1));
    EXPECT_TRUE(passes(flow + 2));
    EXPECT_FALSE(passes(flow + 3));
    EXPECT_EQ(refused(DropReason::SESSION_RATE), 3u);
    for (std::uint16_t other = 0; other < 30; ++other) EXPECT_TRUE(passes(other, 2));
    gateway_->advance(100 * nanoseconds_per_second);
    for (flow = 100; flow < 110; ++flow) EXPECT_TRUE(passes(flow));
    EXPECT_FALSE(passes(flow));
}

TEST_P(SessionLimits, ipv6_sessions_count_as_well) {
    start("limits: {sessions: 1}\n");
    const auto send = [&](std::uint16_t port) {
        return leaving(gateway_->inject("lan0", udp({.destination_mac = "02:00:5e:00:01:01",
                                                     .vlan = 1,
                                                     .source = "2001:db8:1::5",
                                                     .destination = "2001:db8:9::1",
                                                     .source_port = port})));
    };
    EXPECT_EQ(send(1), 1u);
    EXPECT_EQ(send(2), 0u);
    EXPECT_FALSE(passes(0));
    EXPECT_EQ(refused(DropReason::SESSION_FULL), 2u);
}

TEST_P(SessionLimits, another_policy_has_other_limits_and_the_sessions_are_counted_on) {
    start("");
    for (std::uint16_t flow = 0; flow < 6; ++flow) EXPECT_TRUE(passes(flow));
    const auto four = policy("limits: {sessions: 4}\n");
    gateway_->activate(*four);
    for (std::uint16_t flow = 0; flow < 6; ++flow) EXPECT_TRUE(passes(flow));  // none is ended
    EXPECT_FALSE(passes(6));
    const auto seven = policy("limits: {sessions: 7}\n");
    gateway_->activate(*seven);
    EXPECT_TRUE(passes(6));
    EXPECT_FALSE(passes(7));
    EXPECT_EQ(refused(DropReason::SESSION_FULL), 2u);
}

TEST_P(SessionLimits, the_next_process_counts_on) {
    start("limits: {sessions: 2}\n");
    EXPECT_TRUE(passes(0));
    EXPECT_TRUE(passes(1));
    gateway_ = gateway_->restart(*image_);
    EXPECT_EQ(gateway_->counters().tenants[0].sessions, 2u);
    EXPECT_FALSE(passes(2));
    EXPECT_TRUE(passes(1));
}

TEST_P(SessionLimits, a_policy_that_changes_refills_nobodys_bucket) {
    start("limits: {new-sessions: 10/s}\n");
    for (std::uint16_t flow = 0; flow < 10; ++flow) EXPECT_TRUE(passes(flow));
    const auto same = policy("limits: {new-sessions: 10/s}\n");
    gateway_->activate(*same);
    EXPECT_FALSE(passes(10));
    EXPECT_EQ(refused(DropReason::SESSION_RATE), 1u);
}

TEST_P(SessionLimits, a_burst_of_new_flows_gets_as_many_as_are_left) {
    start("limits: {sessions: 20, new-sessions: 12/s}\n");
    EXPECT_TRUE(passes(0));  // and its trace is known
    std::vector<Bytes> burst;
    for (std::uint16_t flow = 1; flow < 31; ++flow) {
        burst.push_back(udp({.destination_mac = "02:00:5e:00:01:01",
                             .vlan = 1,
                             .source_port = static_cast<std::uint16_t>(1000 + flow),
                             .destination_port = 53}));
    }
    EXPECT_EQ(leaving(gateway_->inject("lan0", burst)), 11u);
    EXPECT_EQ(refused(DropReason::SESSION_RATE), 19u);
    gateway_->advance(nanoseconds_per_second);
    EXPECT_EQ(leaving(gateway_->inject("lan0", burst)), 11u + 8u) << "the known ones, and up to twenty";
    EXPECT_EQ(refused(DropReason::SESSION_FULL), 11u);
}

TEST_P(SessionLimits, packets_beyond_their_rate_are_refused_whatever_they_are_of) {
    start("limits: {packets: 10/s}\n");
    for (int packet = 0; packet < 10; ++packet) EXPECT_TRUE(passes(0)) << packet;
    EXPECT_FALSE(passes(0));
    EXPECT_FALSE(passes(1));
    const auto ping =
        echo_request({.destination_mac = "02:00:5e:00:01:01", .vlan = 1, .destination = "10.1.1.1"});
    EXPECT_EQ(gateway_->inject("lan0", ping).size(), 0u);
    EXPECT_EQ(gateway_->drops("blue.lan", DropReason::PACKET_RATE), 3u);
    EXPECT_EQ(gateway_->counters().tenants[0].rx.packets, 13u);
    for (std::uint16_t flow = 0; flow < 30; ++flow) EXPECT_TRUE(passes(flow, 2));
    gateway_->advance(nanoseconds_per_second / 10);
    EXPECT_EQ(gateway_->inject("lan0", ping).size(), 1u);
    EXPECT_FALSE(passes(0));
}

/// Not a law between cache and no cache: how many packets run the stages is what the cache is for.
TEST_P(SessionLimits, the_slow_path_has_its_rate_and_known_flows_need_none_of_it) {
    start("limits: {slow-path: 5/s}\n");
    EXPECT_TRUE(passes(0));
    const auto expired = udp({.destination_mac = "02:00:5e:00:01:01", .vlan = 1, .ttl = 1});
    for (int packet = 0; packet < 20; ++packet) gateway_->inject("lan0", expired);
    EXPECT_EQ(gateway_->drops("blue.lan", DropReason::SLOW_PATH_RATE), 16u);
    EXPECT_EQ(passes(0), GetParam() != CacheTiers::none);
    for (std::uint16_t flow = 0; flow < 30; ++flow) EXPECT_TRUE(passes(flow, 2));
    // A flow that begins in a way that is known runs no stages.
    EXPECT_EQ(passes(1), GetParam() == CacheTiers::trace_cache);
    // A known flow is judged anew after a change, and loses nothing.
    const auto other = policy("limits: {slow-path: 6/s}\naddresses: {spare: [10.9.0.0/16]}\n");
    gateway_->activate(*other);
    EXPECT_EQ(passes(0), GetParam() != CacheTiers::none);
    gateway_->advance(nanoseconds_per_second);
    EXPECT_TRUE(passes(2));
}

}  // namespace
}  // namespace sluice::test
