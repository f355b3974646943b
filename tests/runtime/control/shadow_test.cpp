// SPDX-License-Identifier: Apache-2.0
#include "runtime/control/shadow.h"

#include <nlohmann/json.hpp>

#include "tests/replay/small_policy.h"
#include "tests/support/compile.h"
#include "tests/support/decoded.h"
#include "tests/support/test_gateway.h"
#include "tests/support/vxlan.h"

namespace sluice {
namespace {

constexpr std::uint8_t syn = 0x02, ack = 0x10;

std::map<std::string, std::string> texts() {
    return test::small_policy("203.0.113.1: '02:00:00:00:09:01'");
}
std::shared_ptr<const Image> image_with(const std::string& from, const std::string& to) {
    auto changed = texts();
    std::string& tenant = changed.at("blue.yaml");
    tenant.replace(tenant.find(from), from.size(), to);
    return test::compile_texts(changed);
}

class FlowSamplerTest : public testing::Test {
  protected:
    void look(FlowSampler& sampler, test::Bytes bytes) {
        const Frame frame{.data = bytes.data(), .length = static_cast<std::uint32_t>(bytes.size())};
        sampler.look({&frame, 1});
    }
    static std::size_t take_all(FlowSampler& sampler) {
        std::size_t count = 0;
        while (sampler.take([](const FlowSample&) {})) ++count;
        return count;
    }
};

TEST_F(FlowSamplerTest, TakesEachFlowOnceAndNothingThatBeginsNone) {
    FlowSampler sampler(1, {});
    for (int i = 0; i < 3; ++i) look(sampler, test::udp({.source_port = 1}));
    EXPECT_EQ(take_all(sampler), 1u);
    look(sampler, test::udp({.source_port = 2}));
    look(sampler, test::tcp({.source_port = 2, .tcp_flags = syn}));
    look(sampler, test::tcp({.source_port = 3, .tcp_flags = ack}));
    look(sampler, test::tcp({.source_port = 4, .tcp_flags = syn | ack}));
    look(sampler, test::Bytes(20, 0));
    EXPECT_EQ(take_all(sampler), 2u);
}

TEST_F(FlowSamplerTest, TakesOneInSoMany) {
    FlowSampler sampler(10, {});
    std::size_t taken = 0;
    for (std::uint16_t port = 1; port <= 10'000; ++port) {
        look(sampler, test::udp({.source_port = port}));
        taken += take_all(sampler);
    }
    EXPECT_GT(taken, 800u);
    EXPECT_LT(taken, 1200u);
}

TEST_F(FlowSamplerTest, LeavesOutWhatDoesNotFit) {
    FlowSampler sampler(1, {});
    for (std::uint16_t port = 1; port <= 1000; ++port) look(sampler, test::udp({.source_port = port}));
    const std::size_t taken = take_all(sampler);
    EXPECT_EQ(taken + sampler.left_out(), 1000u);
    EXPECT_GT(sampler.left_out(), 0u);
    look(sampler, test::udp({.source_port = 2000}));
    EXPECT_EQ(take_all(sampler), 1u) << "there is room again";
}

class ShadowTest : public testing::Test {
  protected:
    explicit ShadowTest(std::shared_ptr<const Image> image = test::compile_texts(texts()))
        : image_(std::move(image)), thread_([this] { run(); }) {}
    ~ShadowTest() override {
        shadow_.stop();
        stop_ = true;
        thread_.join();
    }
    /// As the packet thread does it.
    void run() {
        while (!stop_) mailbox_.serve();
        mailbox_.close();
    }
    std::size_t inject(std::uint16_t port, const test::Bytes& bytes) {
        std::size_t sent = 0;
        mailbox_.run([&] {
            test::Bytes copy = bytes;
            const Frame frame{
                .data = copy.data(), .length = static_cast<std::uint32_t>(copy.size()), .port = port};
            if (watch_.sampler != nullptr) watch_.sampler->look({&frame, 1});
            sent = gateway_.inject(port, bytes).size();
            return true;
        });
        return sent;
    }
    nlohmann::json status_after(std::uint64_t judged, std::uint64_t replies = 0) {
        nlohmann::json status;
        do {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
            status = nlohmann::json::parse(shadow_.status().dump());
        } while (status["judged"] < judged || status["replies"] < replies);
        return status;
    }

    const std::shared_ptr<const Image> image_;
    test::TestGateway gateway_{*image_};
    Mailbox mailbox_;
    BurstWatch watch_;
    std::atomic<bool> stop_{false};
    Shadow shadow_{gateway_.shard(), mailbox_, watch_, [this] { return image_; }};
    std::thread thread_;
};

TEST_F(ShadowTest, AnImageThatDecidesTheSameHasNothingToSay) {
    ASSERT_TRUE(shadow_.start(image_with("outbound", "outward"), "x", 1));
    for (std::uint16_t port = 1; port <= 10; ++port) {
        EXPECT_EQ(inject(0, test::udp({.source_port = port, .destination_port = 53})), 1u);
    }
    const auto status = status_after(10);
    EXPECT_EQ(status["active"], true);
    EXPECT_EQ(status["different"], 0);
}

TEST_F(ShadowTest, WhatWouldBeDeniedIsCountedByRuleAndLineAndPasses) {
    const auto candidate =
        image_with("    - {name: outbound",
                   "    - {name: no-dns, from: lan, to: internet, service: udp/53, action: drop}\n"
                   "    - {name: outbound");
    ASSERT_TRUE(shadow_.start(candidate, "x", 1));
    EXPECT_FALSE(shadow_.start(candidate, "x", 1)) << "one at a time";
    for (std::uint16_t port = 1; port <= 5; ++port) {
        EXPECT_EQ(inject(0, test::udp({.source_port = port, .destination_port = 53})), 1u);
        EXPECT_EQ(inject(0, test::udp({.source_port = port, .destination_port = 54})), 1u);
    }
    status_after(10);
    ASSERT_TRUE(shadow_.stop());
    EXPECT_FALSE(shadow_.stop());
    EXPECT_EQ(watch_.sampler, nullptr);
    const auto status = nlohmann::json::parse(shadow_.status().dump());
    EXPECT_EQ(status["active"], false);
    EXPECT_EQ(status["different"], 5);
    ASSERT_EQ(status["differences"].size(), 1u);
    const auto& row = status["differences"][0];
    EXPECT_EQ(row["tenant"], "blue");
    EXPECT_EQ(row["rule"], "no-dns");
    EXPECT_EQ(row["file"], "blue.yaml");
    EXPECT_GT(row["line"], 0);
    EXPECT_EQ(row["flows"], 5);
    EXPECT_THAT(row["running"].get<std::string>(), testing::HasSubstr("allow by blue.outbound (blue.yaml:"));
    EXPECT_THAT(row["candidate"].get<std::string>(), testing::HasSubstr("drop by blue.no-dns (blue.yaml:"));
    EXPECT_EQ(inject(0, test::udp({.source_port = 99, .destination_port = 53})), 1u);
}

TEST_F(ShadowTest, RepliesBeginNothing) {
    std::vector<test::SentFrame> frames;
    mailbox_.run([&] {
        frames = gateway_.inject(0, test::udp({.source_port = 7, .destination_port = 53}));
        return true;
    });
    ASSERT_TRUE(shadow_.start(image_with("outbound", "outward"), "x", 1));
    test::Packet reply;
    reply.source = "198.18.0.9";
    reply.destination = "203.0.113.10";
    reply.source_port = 53;
    reply.destination_port = test::decode(frames.at(0).bytes).source_port();
    EXPECT_EQ(inject(1, test::udp(reply)), 1u);
    EXPECT_EQ(status_after(0, 1)["judged"], 0);
}

std::shared_ptr<const Image> image_with_tunnels(Family outside, const std::string& first_rule = "") {
    const bool over_ipv4 = outside == Family::v4;
    const std::string own = over_ipv4 ? "198.51.100.10/24" : "'2001:db8:51::10/64'";
    const std::string remote = over_ipv4 ? "198.51.100.21" : "'2001:db8:51::21'";
    return test::compile_texts(
        {{"gateway.yaml", "gateway: g\nmac: 02:00:00:00:01:01\nports:\n  V0: {mtu: 1600, tunnel-endpoint: " +
                              own + "}\n  U0: {}\ntenants: [blue.yaml]\n"},
         {"blue.yaml", "tenant: blue\nsegments:\n  lan: {vxlan: {port: V0, vni: 5001, remotes: " + remote +
                           "}, gateway: "
                           "10.1.1.1/24}\nuplinks:\n  internet: {untagged: {port: U0}, address: "
                           "203.0.113.10/24, neighbours: "
                           "{203.0.113.1: '02:00:00:00:09:01'}}\nroutes:\n  - {to: 0.0.0.0/0, via: "
                           "203.0.113.1}\nfirewall:\n  "
                           "rules:\n" +
                           first_rule + "    - {name: outbound, from: lan, to: internet, action: allow}\n"}});
}

class ShadowBehindTunnelsTest : public ShadowTest, public testing::WithParamInterface<Family> {
  protected:
    ShadowBehindTunnelsTest() : ShadowTest(image_with_tunnels(GetParam())) {}
    std::size_t from_tunnel(const test::Bytes& inner, std::uint16_t entropy) {
        test::Outer outer{.source_port = entropy};
        if (GetParam() == Family::v6) {
            outer.source = "2001:db8:51::21";
            outer.destination = "2001:db8:51::10";
        }
        return inject(0, test::in_vxlan(outer, inner));
    }
};
INSTANTIATE_TEST_SUITE_P(Outside, ShadowBehindTunnelsTest, testing::Values(Family::v4, Family::v6),
                         [](const auto& instance) { return instance.param == Family::v4 ? "ipv4" : "ipv6"; });

TEST_P(ShadowBehindTunnelsTest, WhatIsInsideIsJudged) {
    const auto candidate = image_with_tunnels(
        GetParam(), "    - {name: no-dns, from: lan, to: internet, service: udp/53, action: drop}\n");
    ASSERT_TRUE(shadow_.start(candidate, "x", 1));
    const std::string router = "02:00:00:00:01:01";
    for (std::uint16_t port = 1; port <= 5; ++port) {
        EXPECT_EQ(
            from_tunnel(test::udp({.destination_mac = router, .source_port = port, .destination_port = 53}),
                        static_cast<std::uint16_t>(50'000 + port)),
            1u);
        // A segment amid a connection begins none.
        from_tunnel(test::tcp({.destination_mac = router, .source_port = port, .tcp_flags = ack}),
                    static_cast<std::uint16_t>(51'000 + port));
        EXPECT_EQ(from_tunnel(test::tcp({.destination_mac = router, .source_port = port, .tcp_flags = syn}),
                              static_cast<std::uint16_t>(52'000 + port)),
                  1u);
    }
    const auto status = status_after(10);
    EXPECT_EQ(status["judged"], 10);
    EXPECT_EQ(status["different"], 5);
    ASSERT_EQ(status["differences"].size(), 1u);
    EXPECT_EQ(status["differences"][0]["rule"], "no-dns");
}

}  // namespace
}  // namespace sluice
