// SPDX-License-Identifier: Apache-2.0
//
// Who may send to a mapping, and from which addresses mappings are given: what a policy says of it (RFC 4787
// REQ-8, RFC 5382 REQ-3, RFC 6888 REQ-3 and REQ-7).
#include <set>

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
