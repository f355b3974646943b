// SPDX-License-Identifier: Apache-2.0
//
// Ports in blocks (RFC 6888 REQ-14), from the policy to the log's events, in all tiers of the cache.
#include <map>
#include <set>

#include "runtime/state/nat_table.h"
#include "tests/runtime/shard/one_tenant.h"
#include "tests/support/decoded.h"

namespace sluice::test {
namespace {

std::unique_ptr<const Image> policy(const std::string& pool) {
    return one_tenant("nat:\n  - {snat: 10.1.1.0/24, out: internet, to: 203.0.113.10, " + pool +
                      "}\nfirewall: {default: allow}\n");
}

class NatBlocks : public OneTenant {
  protected:
    void start(const std::string& pool) { run(policy(pool)); }
    /// The external port of a packet; 0: it was dropped.
    std::uint16_t port_of(const std::string& host, std::uint16_t port) {
        const auto sent = gateway_->inject("lan0", frame(host, port));
        note();
        return sent.size() == 1 ? decode(sent[0].bytes).source_port() : std::uint16_t{0};
    }
    static Bytes frame(const std::string& host, std::uint16_t port) {
        return udp({.vlan = 1, .source = host, .source_port = port, .destination_port = 7});
    }
    /// Keeps who has which block by what was told.
    void note() {
        for (const BlockEvent& event : gateway_->blocks()) {
            const std::string host = to_string(event.host, event.family);
            EXPECT_EQ(to_string(event.external, event.family), "203.0.113.10");
            if (event.taken) {
                EXPECT_TRUE(held_.emplace(event.first_port, host).second);
            } else {
                EXPECT_EQ(held_[event.first_port], host);
                held_.erase(event.first_port);
            }
            ++told_;
        }
    }

    std::map<std::uint16_t, std::string> held_;
    std::uint32_t told_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Cached, NatBlocks, testing::ValuesIn(all_cache_tiers),
                         [](const auto& instance) { return name_of(instance.param); });

TEST_P(NatBlocks, a_host_takes_one_at_a_time_and_gives_all_back) {
    start("ports: 1024-65535, block-size: 64, blocks-per-host: 2");
    std::set<std::uint16_t> ports;
    for (std::uint16_t i = 0; i < 128; ++i) {
        const std::uint16_t port = port_of("10.1.1.5", static_cast<std::uint16_t>(2000 + i));
        ASSERT_NE(port, 0) << i;
        EXPECT_TRUE(ports.insert(port).second);
        EXPECT_EQ(held_.size(), i < 64 ? 1u : 2u) << i;
        EXPECT_EQ(held_[static_cast<std::uint16_t>(port / 64 * 64)], "10.1.1.5");
    }
    EXPECT_EQ(port_of("10.1.1.5", 9999), 0);
    EXPECT_EQ(gateway_->drops("blue.sr", DropReason::NAT_NO_PORT), 1u);
    EXPECT_EQ(told_, 2u) << "two lines for 128 sessions";
    EXPECT_NE(port_of("10.1.1.6", 2000), 0);
    EXPECT_EQ(held_.size(), 3u);
    gateway_->advance(seconds(302));
    note();
    EXPECT_TRUE(held_.empty());
    EXPECT_EQ(told_, 6u);
}

TEST_P(NatBlocks, an_address_has_so_many_and_then_no_more_hosts) {
    start("ports: 1024-1535, block-size: 128");
    for (const char* host : {"10.1.1.5", "10.1.1.6", "10.1.1.7", "10.1.1.8"}) EXPECT_NE(port_of(host, 5000), 0);
    EXPECT_EQ(port_of("10.1.1.9", 5000), 0);
    EXPECT_NE(port_of("10.1.1.8", 5001), 0);
    EXPECT_EQ(gateway_->shard().live_use_of_pool(0, 0).fullest_permille, 1000u);
    gateway_->advance(seconds(302));
    note();
    EXPECT_EQ(gateway_->shard().live_use_of_pool(0, 0).fullest_permille, 0u);
    EXPECT_NE(port_of("10.1.1.9", 5000), 0);
}

TEST_P(NatBlocks, a_burst_of_many_hosts_gets_each_its_own) {
    start("ports: 1024-65535, block-size: 512");
    ASSERT_NE(port_of("10.1.1.200", 1), 0);  // the rest of the burst is like it
    std::vector<Bytes> burst;
    for (std::uint16_t i = 0; i < 32; ++i) {
        burst.push_back(frame("10.1.1." + std::to_string(10 + i / 4), static_cast<std::uint16_t>(3000 + i)));
    }
    const auto sent = gateway_->inject("lan0", burst);
    note();
    ASSERT_EQ(sent.size(), 32u);
    std::map<std::uint16_t, std::set<std::string>> hosts;
    for (std::size_t i = 0; i < sent.size(); ++i) {
        const auto block = static_cast<std::uint16_t>(decode(sent[i].bytes).source_port() / 512 * 512);
        hosts[block].insert("10.1.1." + std::to_string(10 + i / 4));
    }
    EXPECT_EQ(hosts.size(), 8u);
    for (const auto& [block, names] : hosts) {
        EXPECT_EQ(names.size(), 1u);
        EXPECT_EQ(held_[block], *names.begin());
    }
}

TEST_P(NatBlocks, a_rule_without_them_knows_nothing_of_them) {
    start("ports: 1024-65535, block-size: 64}\n  - {snat: 10.1.2.0/24, out: internet, to: 203.0.113.10");
    for (std::uint16_t i = 0; i < 4; ++i) {  // each in the place of the burst that the other one had
        EXPECT_NE(port_of("10.1.1.5", static_cast<std::uint16_t>(2000 + i)), 0);
        const auto sent = gateway_->inject(
            "lan0",
            udp({.vlan = 2, .source = "10.1.2.5", .source_port = static_cast<std::uint16_t>(2000 + i)}));
        EXPECT_EQ(sent.size(), 1u);
        EXPECT_TRUE(gateway_->blocks().empty());
    }
    EXPECT_EQ(told_, 1u);
}

TEST_P(NatBlocks, serve_source_ports_of_any_class) {
    start("ports: 1-65535, block-size: 2048");
    EXPECT_NE(port_of("10.1.1.5", 123), 0);
    EXPECT_NE(port_of("10.1.1.6", 123), 0);
    EXPECT_NE(port_of("10.1.1.6", 5000), 0);
    EXPECT_EQ(told_, 2u);
}

TEST_P(NatBlocks, a_restart_keeps_them_and_tells_nothing_anew) {
    start("ports: 1024-65535, block-size: 64, blocks-per-host: 1");
    const std::uint16_t first = port_of("10.1.1.5", 2000);
    ASSERT_NE(port_of("10.1.1.6", 2000), 0);
    ASSERT_EQ(held_.size(), 2u);
    gateway_ = gateway_->restart(*image_);
    EXPECT_EQ(port_of("10.1.1.5", 2000), first);
    const std::uint16_t second = port_of("10.1.1.5", 2001);
    EXPECT_EQ(second / 64, first / 64);
    EXPECT_EQ(told_, 2u);
    EXPECT_EQ(gateway_->shard().live_levels().blocks, 2u);
    gateway_->advance(seconds(302));
    note();
    EXPECT_TRUE(held_.empty());
}

TEST_P(NatBlocks, come_and_go_with_a_change_of_the_policy) {
    start("ports: 1024-65535");
    const std::uint16_t before = port_of("10.1.1.5", 2000);
    EXPECT_EQ(told_, 0u);
    const auto with = policy("ports: 1024-65535, block-size: 256");
    gateway_->activate(*with);
    EXPECT_EQ(port_of("10.1.1.5", 2000), before);
    EXPECT_EQ(told_, 0u);
    const std::uint16_t port = port_of("10.1.1.5", 2001);
    EXPECT_EQ(told_, 1u);
    EXPECT_NE(port / 256, before / 256) << "a port of it is somebody's who has no block";
    gateway_->activate(*policy("ports: 1024-65535"));
    EXPECT_NE(port_of("10.1.1.5", 2002), 0);
    EXPECT_EQ(told_, 1u);
    gateway_->advance(seconds(302));
    note();
    EXPECT_TRUE(held_.empty());
    EXPECT_EQ(told_, 2u);
}

}  // namespace
}  // namespace sluice::test
