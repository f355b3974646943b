// SPDX-License-Identifier: Apache-2.0
//
// How long sessions may be idle, as a policy says (RFC 4787 REQ-5, RFC 5508 REQ-2, RFC 7857 2.1).
#include "tests/support/compile.h"
#include "tests/support/test_gateway.h"

namespace sluice::test {
namespace {

constexpr std::uint8_t syn = 0x02, ack = 0x10, fin = 0x01;

std::string tenant(const std::string& name, unsigned vlan, const std::string& timeouts) {
    const std::string id = std::to_string(vlan);
    return "tenant: " + name + "\nsegments:\n  lan: {vlan: {port: lan0, id: " + id +
           "}, gateway: 10.1.1.1/24, neighbours: {10.1.1.5: \"02:00:00:00:00:01\"}}\nuplinks:\n  internet: "
           "{vlan: {port: uplink0, id: " +
           id +
           "}, address: 203.0.113.2/24, neighbours: {203.0.113.1: \"02:00:00:00:09:01\"}}\nroutes:\n  - {to: "
           "0.0.0.0/0, via: 203.0.113.1}\nfirewall: {default: allow}\n" +
           timeouts;
}

std::unique_ptr<const Image> policy(const std::string& timeouts) {
    return compile_texts({{"gateway.yaml",
                           "gateway: edge\nmac: 02:00:5e:00:01:01\nports: {lan0: {}, uplink0: {}}\ntenants: "
                           "[blue.yaml, red.yaml]\n"},
                          {"blue.yaml", tenant("blue", 1, timeouts)},
                          {"red.yaml", tenant("red", 2, "")}});
}

class Timeouts : public testing::TestWithParam<CacheTiers> {
  protected:
    void start(const std::string& timeouts) {
        image_ = policy(timeouts);
        ShardSettings settings;
        settings.cache = GetParam();
        gateway_ = std::make_unique<TestGateway>(*image_, settings);
        gateway_->advance(nanoseconds_per_second);
    }
    void send(const Bytes& frame, const char* port = "lan0") {
        EXPECT_EQ(gateway_->inject(port, frame).size(), 1u);
    }
    void segment(std::uint8_t flags, bool back = false) {
        send(tcp({.vlan = 1,
                  .source = back ? "198.18.0.9" : "10.1.1.5",
                  .destination = back ? "10.1.1.5" : "198.18.0.9",
                  .source_port = static_cast<std::uint16_t>(back ? 80 : 5000),
                  .destination_port = static_cast<std::uint16_t>(back ? 5000 : 80),
                  .tcp_flags = flags,
                  .payload = {}}),
             back ? "uplink0" : "lan0");
    }
    /// The one session that there is ends in the second behind `idle` ones.
    void expect_end_after(unsigned idle) {
        gateway_->advance(seconds(idle) - nanoseconds_per_second / 2);
        EXPECT_EQ(gateway_->shard().sessions().size(), 1u) << idle;
        gateway_->advance(nanoseconds_per_second);
        EXPECT_EQ(gateway_->shard().sessions().size(), 0u) << idle;
    }

    std::unique_ptr<const Image> image_;
    std::unique_ptr<TestGateway> gateway_;
};
INSTANTIATE_TEST_SUITE_P(Cached, Timeouts, testing::ValuesIn(all_cache_tiers),
                         [](const auto& instance) { return name_of(instance.param); });

TEST_P(Timeouts, each_kind_has_its_own) {
    start(
        "timeouts: {udp: 150s, dns: 10s, icmp: 2m, other: 1h, tcp-opening: 5m, tcp-established: 3h, "
        "tcp-closing: 250s}\n");
    send(udp({.vlan = 1, .destination_port = 7}));
    expect_end_after(150);
    send(udp({.vlan = 1, .destination_port = 53}));
    expect_end_after(10);
    send(echo_request({.vlan = 1}));
    expect_end_after(120);
    segment(syn);
    expect_end_after(300);
    segment(syn);
    segment(syn | ack, true);
    expect_end_after(300);
    segment(syn);
    segment(syn | ack, true);
    segment(ack);
    expect_end_after(3 * 3600);
    segment(syn);
    segment(syn | ack, true);
    segment(ack);
    segment(fin | ack);
    segment(fin | ack, true);
    expect_end_after(250);
}

TEST_P(Timeouts, what_is_not_said_and_other_tenants_keep_theirs) {
    start("timeouts: {dns: 10s}\n");
    send(udp({.vlan = 1, .destination_port = 7}));
    expect_end_after(300);
    send(udp({.vlan = 2, .destination_port = 53}));
    expect_end_after(120);
}

TEST_P(Timeouts, a_change_of_the_policy_counts_from_then_on) {
    start("timeouts: {udp: 200s}\n");
    send(udp({.vlan = 1, .destination_port = 7}));
    const auto longer = policy("timeouts: {udp: 400s}\n");
    gateway_->activate(*longer);
    gateway_->advance(seconds(399));
    EXPECT_EQ(gateway_->shard().sessions().size(), 1u);
    gateway_->advance(seconds(2));
    EXPECT_EQ(gateway_->shard().sessions().size(), 0u);
    send(udp({.vlan = 1, .destination_port = 7}));
    const auto shorter = policy("timeouts: {udp: 130s}\n");
    gateway_->activate(*shorter);
    send(udp({.vlan = 1, .destination_port = 7}));
    gateway_->advance(seconds(401));
    EXPECT_EQ(gateway_->shard().sessions().size(), 0u) << "at the latest when the old time is over";
    send(udp({.vlan = 1, .destination_port = 7}));
    expect_end_after(130);
}

}  // namespace
}  // namespace sluice::test
