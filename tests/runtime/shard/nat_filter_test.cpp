// SPDX-License-Identifier: Apache-2.0
//
// Who may send to a mapping, and from which addresses mappings are given: what a policy says of it (RFC 4787
// REQ-8, RFC 5382 REQ-3, RFC 6888 REQ-3 and REQ-7).
#include <set>

#include "runtime/state/nat_table.h"
#include "tests/support/compile.h"
#include "tests/support/decoded.h"
#include "tests/support/test_gateway.h"

namespace sluice::test {
namespace {

std::unique_ptr<const Image> policy(const std::string& snat, const std::string& service = "udp") {
    return compile_texts(
        {{"gateway.yaml",
          "gateway: edge\nmac: 02:00:5e:00:01:01\nports: {lan0: {}, uplink0: {}}\ntenants: [blue.yaml]\n"},
         {"blue.yaml",
          "tenant: blue\nsegments:\n  lan: {vlan: {port: lan0, id: 1}, gateway: 10.1.1.1/24, neighbours: "
          "{10.1.1.5: \"02:00:00:00:00:01\"}}\nuplinks:\n  internet: {vlan: {port: uplink0, id: 1}, "
          "address: 203.0.113.2/24, neighbours: {203.0.113.1: \"02:00:00:00:09:01\"}}\nroutes:\n  - "
          "{to: 0.0.0.0/0, via: 203.0.113.1}\nnat:\n  - {snat: 10.1.1.0/24, out: internet, " +
              snat +
              "}\nfirewall:\n  rules:\n    - {name: out, from: lan, to: internet, action: allow}\n    - "
              "{name: in, from: internet, to: lan, service: " +
              service + ", action: allow}\n"}});
}

class NatFilter : public testing::TestWithParam<CacheTiers> {
  protected:
    void start(const std::string& snat, const std::string& service = "udp") {
        image_ = policy(snat, service);
        ShardSettings settings;
        settings.cache = GetParam();
        gateway_ = std::make_unique<TestGateway>(*image_, settings);
        gateway_->advance(nanoseconds_per_second);
    }
    void TearDown() override { EXPECT_TRUE(gateway_->counters().balanced()); }

    Decoded go_out(const std::string& host = "10.1.1.5", std::uint16_t port = 4000) {
        const auto sent = gateway_->inject(
            "lan0", udp({.vlan = 1, .source = host, .source_port = port, .destination_port = 7}));
        return sent.size() == 1 ? decode(sent[0].bytes) : Decoded{};
    }
    /// From anybody to where `sent` came from.
    std::vector<SentFrame> come_in(const Decoded& sent, const std::string& from, std::uint16_t port) {
        return gateway_->inject("uplink0", udp({.vlan = 1,
                                                .source = from,
                                                .destination = text(sent.source),
                                                .source_port = port,
                                                .destination_port = sent.source_port()}));
    }
    static std::string text(Ip ip) { return to_string(ip, Family::v4); }
    std::uint64_t use_of_pool() { return gateway_->shard().live_use_of_pool(0, 0).mappings; }
    std::uint64_t refused(DropReason reason) { return gateway_->drops("blue.sr", reason); }

    std::unique_ptr<const Image> image_;
    std::unique_ptr<TestGateway> gateway_;
};
INSTANTIATE_TEST_SUITE_P(Cached, NatFilter, testing::ValuesIn(all_cache_tiers),
                         [](const auto& instance) { return name_of(instance.param); });

TEST_P(NatFilter, an_endpoint_independent_one_lets_anybody_in_and_their_answers_out) {
    start("to: 203.0.113.10, filter: endpoint-independent");
    const Decoded sent = go_out();
    ASSERT_EQ(text(sent.source), "203.0.113.10");
    for (const char* stranger : {"198.18.7.7", "198.18.7.8"}) {
        const auto received = come_in(sent, stranger, 9000);
        ASSERT_EQ(received.size(), 1u) << stranger;
        EXPECT_EQ(text(decode(received[0].bytes).destination), "10.1.1.5");
        EXPECT_EQ(decode(received[0].bytes).destination_port(), 4000);
        const auto answer = gateway_->inject(
            "lan0", udp({.vlan = 1, .destination = stranger, .source_port = 4000, .destination_port = 9000}));
        ASSERT_EQ(answer.size(), 1u);
        EXPECT_EQ(decode(answer[0].bytes).source_port(), sent.source_port()) << "one mapping to all";
        EXPECT_EQ(come_in(sent, stranger, 9000).size(), 1u);
    }
    EXPECT_EQ(refused(DropReason::NAT_FILTERED), 0u);
    // Where there is no mapping, nobody stands behind the address.
    Decoded elsewhere = sent;
    EXPECT_TRUE(gateway_
                    ->inject("uplink0", udp({.vlan = 1,
                                             .source = "198.18.7.7",
                                             .destination = text(elsewhere.source),
                                             .destination_port = static_cast<std::uint16_t>(
                                                 sent.source_port() == 5000 ? 5001 : 5000)}))
                    .empty());
    EXPECT_EQ(refused(DropReason::NAT_FILTERED), 1u);
}

TEST_P(NatFilter, the_firewall_judges_who_is_let_in) {
    start("to: 203.0.113.10, filter: endpoint-independent", "tcp");
    const Decoded sent = go_out();
    EXPECT_TRUE(come_in(sent, "198.18.7.7", 9000).empty());
    EXPECT_EQ(refused(DropReason::FW_DENY), 1u);
    EXPECT_EQ(come_in(sent, "198.18.0.9", 7).size(), 1u) << "what answers belongs to the session";
}

TEST_P(NatFilter, without_a_word_only_who_was_spoken_to_is_let_in) {
    for (const char* words : {"to: 203.0.113.10", "to: 203.0.113.10, filter: address-dependent"}) {
        start(words);
        const Decoded sent = go_out();
        EXPECT_TRUE(come_in(sent, "198.18.7.7", 9000).empty());
        EXPECT_EQ(refused(DropReason::NAT_FILTERED), 1u);
        EXPECT_EQ(come_in(sent, "198.18.0.9", 9000).size(), 1u) << "by whatever port";
    }
}

TEST_P(NatFilter, a_policy_that_closes_it_keeps_the_sessions_and_refuses_new_ones) {
    start("to: 203.0.113.10, filter: endpoint-independent");
    const Decoded sent = go_out();
    ASSERT_EQ(come_in(sent, "198.18.7.7", 9000).size(), 1u);
    const auto closed = policy("to: 203.0.113.10");
    gateway_->activate(*closed);
    EXPECT_EQ(come_in(sent, "198.18.7.7", 9000).size(), 1u);
    EXPECT_TRUE(come_in(sent, "198.18.7.8", 9000).empty());
    EXPECT_EQ(refused(DropReason::NAT_FILTERED), 1u);
    const auto open = policy("to: 203.0.113.10, filter: endpoint-independent");
    gateway_->activate(*open);
    EXPECT_EQ(come_in(sent, "198.18.7.8", 9000).size(), 1u);
}

// RFC 6888 REQ-8.
TEST_P(NatFilter, a_port_of_an_endpoint_independent_one_rests_two_minutes) {
    start("to: 203.0.113.10, ports: 2000-2000, filter: endpoint-independent");
    const Time idle = seconds(300);
    EXPECT_EQ(go_out().source_port(), 2000);
    gateway_->advance(idle + seconds(1));
    EXPECT_EQ(gateway_->counters().sessions.active, 0u);
    EXPECT_EQ(use_of_pool(), 1u) << "a port that rests counts as used";
    gateway_->advance(seconds(118));
    go_out("10.1.1.5", 4001);
    EXPECT_EQ(refused(DropReason::NAT_NO_PORT), 1u);
    gateway_->advance(seconds(2));
    EXPECT_EQ(use_of_pool(), 0u);
    EXPECT_EQ(go_out("10.1.1.5", 4001).source_port(), 2000);
    // While one rests others are given, and each in its turn.
    start("to: 203.0.113.10, ports: 2000-2001, filter: endpoint-independent");
    const std::uint16_t first = go_out().source_port();
    gateway_->advance(idle + seconds(1));
    const std::uint16_t second = go_out("10.1.1.5", 4001).source_port();
    EXPECT_EQ(std::set<std::uint16_t>({first, second}), (std::set<std::uint16_t>{2000, 2001}));
    gateway_->advance(idle + seconds(1));
    EXPECT_EQ(go_out("10.1.1.5", 4002).source_port(), first);
    EXPECT_EQ(go_out("10.1.1.5", 4003).source_port(), 0);
}

TEST_P(NatFilter, a_port_of_an_address_dependent_one_and_of_tcp_needs_no_rest) {
    start("to: 203.0.113.10, ports: 2000-2000");
    EXPECT_EQ(go_out().source_port(), 2000);
    gateway_->advance(seconds(301));
    EXPECT_EQ(use_of_pool(), 0u);
    EXPECT_EQ(go_out("10.1.1.5", 4001).source_port(), 2000);
    start("to: 203.0.113.10, ports: 2000-2000, filter: endpoint-independent", "tcp");
    for (std::uint16_t port = 4000; port < 4003; ++port) {
        const auto sent = gateway_->inject("lan0", tcp({.vlan = 1, .source_port = port, .tcp_flags = 2}));
        ASSERT_EQ(sent.size(), 1u);
        EXPECT_EQ(decode(sent[0].bytes).source_port(), 2000);
        gateway_->advance(seconds(241));
    }
}

TEST_P(NatFilter, a_change_of_the_policy_leaves_ports_at_rest) {
    const std::string snat = "to: 203.0.113.10, ports: 2000-2000, filter: endpoint-independent";
    start(snat);
    go_out();
    gateway_->advance(seconds(301));
    const auto next = policy(snat, "udp/9");
    gateway_->activate(*next);
    go_out("10.1.1.5", 4001);
    EXPECT_EQ(refused(DropReason::NAT_NO_PORT), 1u);
    const auto dependent = policy("to: 203.0.113.10, ports: 2000-2000");
    gateway_->activate(*dependent);
    gateway_->advance(seconds(120));
    EXPECT_EQ(use_of_pool(), 0u);
    EXPECT_EQ(go_out("10.1.1.5", 4001).source_port(), 2000);
    gateway_->advance(seconds(301));
    EXPECT_EQ(go_out("10.1.1.5", 4002).source_port(), 2000);
}

TEST_P(NatFilter, a_port_of_a_flow_that_another_router_refuses_needs_no_rest) {
    image_ = compile_texts(
        {{"gateway.yaml",
          "gateway: edge\nmac: 02:00:5e:00:01:01\nports: {lan0: {}}\ntenants: [blue.yaml, red.yaml]\n"},
         {"blue.yaml", R"(tenant: blue
peers: [red]
segments: {lan: {vlan: {port: lan0, id: 1}, gateway: 10.1.1.1/24}}
routes: [{to: 10.2.0.0/16, tenant: red}]
nat: [{snat: 10.1.1.0/24, out: red, to: 172.16.0.1, ports: 2000-2000, filter: endpoint-independent}]
firewall: {default: allow}
)"},
         {"red.yaml", R"(tenant: red
peers: [blue]
segments: {lan: {vlan: {port: lan0, id: 2}, gateway: 10.2.1.1/24, neighbours: {10.2.1.5: "02:00:00:00:00:01"}}}
firewall: {default: allow}
limits: {new-sessions: 1/s}
)"}});
    ShardSettings settings;
    settings.cache = GetParam();
    gateway_ = std::make_unique<TestGateway>(*image_, settings);
    const auto ask = [&](std::uint8_t kind) {
        const Packet packet{.vlan = 1,
                            .destination = "10.2.1.5",
                            .source_port = 4000,
                            .destination_port = 7,
                            .identifier = 4000};
        return gateway_->inject("lan0", kind == 0 ? udp(packet) : echo_request(packet));
    };
    EXPECT_EQ(decode(ask(1).at(0).bytes).source_port(), 2000);
    ask(0);  // red refuses it
    EXPECT_EQ(gateway_->drops("red.sr", DropReason::SESSION_RATE), 1u);
    EXPECT_EQ(use_of_pool(), 1u) << "that of the first";
    gateway_->advance(seconds(2));
    EXPECT_EQ(decode(ask(0).at(0).bytes).source_port(), 2000);
}

TEST_P(NatFilter, a_port_that_another_policy_freed_stays_with_who_has_it_then) {
    const std::string snat = "to: 203.0.113.10, ports: 2000-2000, filter: endpoint-independent";
    start(snat);
    go_out();
    gateway_->advance(seconds(301));
    const auto published =
        policy(snat + "}\n  - {dnat: \"udp 203.0.113.10:2000\", on: internet, to: \"10.1.1.5:7\"");
    gateway_->activate(*published);
    const auto again = policy(snat);
    gateway_->activate(*again);
    EXPECT_EQ(go_out("10.1.1.5", 4001).source_port(), 2000);
    gateway_->advance(seconds(121));
    EXPECT_EQ(go_out("10.1.1.5", 4001).source_port(), 2000);
    const Packet other{.vlan = 1, .destination = "198.18.0.77", .source_port = 4002, .destination_port = 7};
    EXPECT_EQ(gateway_->count_by("uplink0", gateway_->inject("lan0", udp(other))), 0u);
    EXPECT_EQ(refused(DropReason::NAT_NO_PORT), 1u);
}

TEST_P(NatFilter, a_pool_in_pieces_gives_all_its_addresses_and_no_other) {
    start("to: [203.0.113.10-203.0.113.11, 203.0.113.20, 203.0.113.30-203.0.113.32]");
    std::set<std::string> seen;
    for (unsigned host = 5; host < 200; ++host) {
        const std::string address = "10.1.1." + std::to_string(host);
        const Decoded sent = go_out(address);
        seen.insert(text(sent.source));
        const auto back = come_in(sent, "198.18.0.9", 7);
        if (host == 5) {
            ASSERT_EQ(back.size(), 1u);
            EXPECT_EQ(text(decode(back[0].bytes).destination), address);
        }
    }
    EXPECT_EQ(seen, (std::set<std::string>{"203.0.113.10", "203.0.113.11", "203.0.113.20", "203.0.113.30",
                                           "203.0.113.31", "203.0.113.32"}));
}

}  // namespace
}  // namespace sluice::test
