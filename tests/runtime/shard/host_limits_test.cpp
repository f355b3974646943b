// SPDX-License-Identifier: Apache-2.0
//
// What one host may do (RFC 6888 REQ-4, REQ-5): sessions at a time, new ones a second; and how many connections
// to one host may wait to be completed (RFC 4987).
#include "tests/runtime/shard/one_tenant.h"
#include "tests/support/decoded.h"

namespace sluice::test {
namespace {

constexpr std::uint8_t syn = 0x02, ack = 0x10, rst = 0x04;

std::unique_ptr<const Image> policy(const std::string& limits) {
    return one_tenant(R"(nat:
  - {snat: 10.1.1.0/24, out: internet, to: 203.0.113.10}
  - {dnat: "tcp 203.0.113.11:80", on: internet, to: "10.1.1.5:8080"}
  - {dnat: "tcp 203.0.113.12:80", on: internet, to: "10.1.1.6:8080"}
firewall:
  rules:
    - {name: out, from: lan, to: internet, action: allow}
    - {name: in, from: internet, to: lan, action: allow}
)" + limits);
}

class HostLimits : public OneTenant {
  protected:
    void start(const std::string& limits) { run(policy(limits)); }

    bool passes(const std::string& host, std::uint16_t flow) {
        const bool six = host.find(':') != std::string::npos;
        const auto sent = gateway_->inject("lan0", udp({.vlan = 1,
                                                        .source = host,
                                                        .destination = six ? "2001:db8:9::1" : "198.18.0.9",
                                                        .source_port = static_cast<std::uint16_t>(1000 + flow),
                                                        .destination_port = 7}));
        return gateway_->count_by("uplink0", sent) == 1;
    }
    /// A segment from the Internet to one of the two servers.
    bool comes_in(const std::string& server, std::uint16_t port, std::uint8_t flags,
                  std::uint32_t acknowledgement = 2000) {
        return gateway_
                   ->inject("uplink0", tcp({.vlan = 1,
                                            .source = "198.18.0.9",
                                            .destination = server,
                                            .source_port = port,
                                            .destination_port = 80,
                                            .tcp_flags = flags,
                                            .acknowledgement = acknowledgement,
                                            .payload = {}}))
                   .size() == 1;
    }
    bool answers(const std::string& server, std::uint16_t port, std::uint8_t flags) {
        return gateway_
                   ->inject("lan0", tcp({.vlan = 1,
                                         .source = server,
                                         .destination = "198.18.0.9",
                                         .source_port = 8080,
                                         .destination_port = port,
                                         .tcp_flags = flags,
                                         .payload = {}}))
                   .size() == 1;
    }
};
INSTANTIATE_TEST_SUITE_P(Cached, HostLimits, testing::ValuesIn(all_cache_tiers),
                         [](const auto& instance) { return name_of(instance.param); });

TEST_P(HostLimits, a_host_has_so_many_sessions_and_others_have_their_own) {
    start("limits: {host-sessions: 4}\n");
    for (std::uint16_t flow = 0; flow < 4; ++flow) EXPECT_TRUE(passes("10.1.1.5", flow));
    EXPECT_FALSE(passes("10.1.1.5", 4));
    EXPECT_FALSE(passes("10.1.1.5", 4));
    EXPECT_EQ(refused(DropReason::HOST_LIMIT), 2u);
    for (std::uint16_t flow = 0; flow < 4; ++flow) EXPECT_TRUE(passes("10.1.1.5", flow)) << "it keeps those";
    for (std::uint16_t flow = 0; flow < 4; ++flow) EXPECT_TRUE(passes("10.1.1.6", flow));
    for (std::uint16_t flow = 0; flow < 4; ++flow) EXPECT_TRUE(passes("2001:db8:1::5", flow));
    EXPECT_FALSE(passes("2001:db8:1::5", 4));
    EXPECT_TRUE(comes_in("203.0.113.11", 999, syn)) << "what comes from outside is not the host's";
    gateway_->advance(seconds(301));
    EXPECT_TRUE(passes("10.1.1.5", 4));
}

TEST_P(HostLimits, a_host_begins_so_many_a_second) {
    start("limits: {host-new-sessions: 10/s}\n");
    for (std::uint16_t flow = 0; flow < 10; ++flow) EXPECT_TRUE(passes("10.1.1.5", flow));
    EXPECT_FALSE(passes("10.1.1.5", 10));
    EXPECT_TRUE(passes("10.1.1.5", 0));
    for (std::uint16_t flow = 0; flow < 10; ++flow) EXPECT_TRUE(passes("10.1.1.6", flow));
    gateway_->advance(nanoseconds_per_second / 5);
    EXPECT_TRUE(passes("10.1.1.5", 10));
    EXPECT_TRUE(passes("10.1.1.5", 11));
    EXPECT_FALSE(passes("10.1.1.5", 12));
    EXPECT_EQ(refused(DropReason::HOST_LIMIT), 2u);
}

TEST_P(HostLimits, a_burst_gets_no_more_than_is_left) {
    start("limits: {host-sessions: 4}\n");
    EXPECT_TRUE(passes("10.1.1.5", 0));
    std::vector<Bytes> burst;
    for (std::uint16_t flow = 1; flow < 9; ++flow) {
        burst.push_back(
            udp({.vlan = 1, .source_port = static_cast<std::uint16_t>(1000 + flow), .destination_port = 7}));
    }
    EXPECT_EQ(gateway_->count_by("uplink0", gateway_->inject("lan0", burst)), 3u);
    EXPECT_EQ(refused(DropReason::HOST_LIMIT), 5u);
}

TEST_P(HostLimits, come_with_a_change_of_the_policy_and_a_restart_keeps_the_count) {
    start("");
    for (std::uint16_t flow = 0; flow < 6; ++flow) EXPECT_TRUE(passes("10.1.1.5", flow));
    const auto next = policy("limits: {host-sessions: 4, host-half-open: 1}\n");
    gateway_->activate(*next);
    for (std::uint16_t flow = 10; flow < 14; ++flow) EXPECT_TRUE(passes("10.1.1.5", flow)) << "from now on";
    EXPECT_FALSE(passes("10.1.1.5", 14));
    EXPECT_TRUE(comes_in("203.0.113.11", 1, syn));
    gateway_ = gateway_->restart(*next);
    EXPECT_FALSE(passes("10.1.1.5", 14));
    EXPECT_TRUE(passes("10.1.1.5", 10));
    EXPECT_FALSE(comes_in("203.0.113.11", 2, syn));
    const auto without = policy("");
    gateway_->activate(*without);
    EXPECT_TRUE(passes("10.1.1.5", 14));
    gateway_->advance(seconds(301));
    gateway_->activate(*next);
    for (std::uint16_t flow = 20; flow < 24; ++flow) EXPECT_TRUE(passes("10.1.1.5", flow));
    EXPECT_FALSE(passes("10.1.1.5", 24));
}

TEST_P(HostLimits, half_open_connections_of_one_server_leave_the_other_alone) {
    start("limits: {host-half-open: 3}\n");
    for (std::uint16_t port = 1; port <= 3; ++port) EXPECT_TRUE(comes_in("203.0.113.11", port, syn));
    EXPECT_FALSE(comes_in("203.0.113.11", 4, syn));
    EXPECT_EQ(refused(DropReason::SYN_LIMIT), 1u);
    EXPECT_TRUE(comes_in("203.0.113.11", 1, syn)) << "the same one again";
    for (std::uint16_t port = 1; port <= 3; ++port) EXPECT_TRUE(comes_in("203.0.113.12", port, syn));
    // The server's answer alone completes nothing: a flood of SYNs gets it as well.
    EXPECT_TRUE(answers("10.1.1.5", 1, syn | ack));
    EXPECT_FALSE(comes_in("203.0.113.11", 4, syn));
    EXPECT_TRUE(comes_in("203.0.113.11", 1, ack, 900'000'000)) << "it passes";
    EXPECT_FALSE(comes_in("203.0.113.11", 4, syn)) << "but it was guessed";
    EXPECT_TRUE(comes_in("203.0.113.11", 1, ack));
    EXPECT_TRUE(comes_in("203.0.113.11", 4, syn));
    EXPECT_FALSE(comes_in("203.0.113.11", 5, syn));
    // A reset is an end as well.
    EXPECT_TRUE(answers("10.1.1.5", 2, rst | ack));
    EXPECT_TRUE(comes_in("203.0.113.11", 5, syn));
    EXPECT_EQ(refused(DropReason::SYN_LIMIT), 4u);
}

TEST_P(HostLimits, what_nobody_completes_goes_with_the_time_for_opening) {
    start("limits: {host-half-open: 1}\ntimeouts: {tcp-opening: 240s}\n");
    EXPECT_TRUE(comes_in("203.0.113.11", 1, syn));
    EXPECT_TRUE(answers("10.1.1.5", 1, syn | ack));
    EXPECT_FALSE(comes_in("203.0.113.11", 2, syn));
    gateway_->advance(seconds(239));
    EXPECT_FALSE(comes_in("203.0.113.11", 2, syn));
    gateway_->advance(seconds(2));
    EXPECT_TRUE(comes_in("203.0.113.11", 2, syn));
    EXPECT_EQ(gateway_->shard().sessions().size(), 1u);
}

}  // namespace
}  // namespace sluice::test
