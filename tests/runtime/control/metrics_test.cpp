// SPDX-License-Identifier: Apache-2.0
#include "runtime/control/metrics.h"

#include <cstdlib>
#include <filesystem>

#include "tests/replay/captures.h"
#include "tests/replay/small_policy.h"
#include "tests/support/compile.h"
#include "tests/support/test_gateway.h"

namespace sluice {
namespace {

std::uint64_t value(const Metrics& metrics, std::string_view name, const MetricLabels& labels) {
    for (const auto& [family, samples] : metrics) {
        if (family.name != name) continue;
        for (const MetricSample& sample : samples) {
            if (sample.labels == labels) return sample.value;
        }
    }
    ADD_FAILURE() << name << " has no such sample";
    return 0;
}

class MetricsTest : public testing::Test {
  protected:
    const std::shared_ptr<const Image> image_ =
        test::compile_texts(test::small_policy("203.0.113.1: '02:00:00:00:09:01'"));
    test::TestGateway gateway_{*image_};
};

TEST_F(MetricsTest, AreWhatTheShardCountedWithoutFoldingAnything) {
    for (int i = 0; i < 3; ++i) gateway_.inject(0, test::udp({.destination_port = 53}));
    gateway_.inject(0, test::Bytes(10));
    GatewayState gateway{.ports = {{.link_up = true, .bits_per_second = 10'000'000'000}, {.tx_failed = 7}},
                         .start_seconds = 1'700'000'000,
                         .image_returns = {2, 0, 0, 1}};
    const Metrics metrics = collect_metrics(*image_, gateway_.shard(), gateway);
    const auto port = [](const char* name) { return MetricLabels{{"shard", "0"}, {"port", name}}; };
    EXPECT_EQ(value(metrics, "sluice_port_receive_packets_total", port("access0")), 4u);
    EXPECT_EQ(value(metrics, "sluice_port_transmit_packets_total", port("uplink0")), 3u);
    EXPECT_EQ(value(metrics, "sluice_port_transmit_failed_packets_total", {{"port", "uplink0"}}), 7u);
    EXPECT_EQ(value(metrics, "sluice_port_link_bits_per_second", {{"port", "access0"}}), 10'000'000'000u);
    EXPECT_EQ(value(metrics, "sluice_sessions", {{"shard", "0"}}), 1u);
    EXPECT_EQ(value(metrics, "sluice_nat_pool_mappings",
                    {{"shard", "0"}, {"tenant", "blue"}, {"pool", "internet/203.0.113.10"}}),
              1u);
    EXPECT_EQ(value(metrics, "sluice_dropped_packets_total",
                    {{"shard", "0"}, {"port", "access0"}, {"stage", "port"}, {"reason", "SHORT"}}),
              1u);
    EXPECT_EQ(value(metrics, "sluice_image_returns_total", {{"reason", "NOT_CONFIRMED"}}), 2u);
    EXPECT_EQ(value(metrics, "sluice_image_returns_total", {{"reason", "NOT_STARTABLE"}}), 1u);
}

TEST_F(MetricsTest, HoldPacketsThatWait) {
    const auto image = test::compile_texts(test::small_policy());
    test::TestGateway gateway(*image);
    gateway.inject(0, test::udp({.destination_port = 53}));
    EXPECT_EQ(value(collect_metrics(*image, gateway.shard(), {}), "sluice_held_packets", {{"shard", "0"}}), 1u);
}

TEST_F(MetricsTest, AreAllInTheManual) {
    const char* source = std::getenv("SLUICE_SOURCE_DIR");
    const std::string manual =
        test::read_text(std::filesystem::path(source != nullptr ? source : ".") / "docs/operations.md");
    for (const auto& [family, samples] : collect_metrics(*image_, gateway_.shard(), {})) {
        EXPECT_THAT(manual, testing::HasSubstr(family.name));
    }
}

TEST(PrometheusText, EscapesLabelsAndHelp) {
    EXPECT_EQ(prometheus_text({{{"sluice_a_total", MetricKind::counter, "A \\ and a\nbreak \"quoted\"."},
                                {{{{"tenant", "b\"l\\u\ne"}, {"port", "x"}}, 18446744073709551615u}}},
                               {{"sluice_b", MetricKind::gauge, "B."}, {{{}, 0}}},
                               {{"sluice_c", MetricKind::gauge, "C."}, {}}}),
              "# HELP sluice_a_total A \\\\ and a\\nbreak \"quoted\".\n"
              "# TYPE sluice_a_total counter\n"
              "sluice_a_total{tenant=\"b\\\"l\\\\u\\ne\",port=\"x\"} 18446744073709551615\n"
              "# HELP sluice_b B.\n"
              "# TYPE sluice_b gauge\n"
              "sluice_b 0\n"
              "# HELP sluice_c C.\n"
              "# TYPE sluice_c gauge\n");
}

}  // namespace
}  // namespace sluice
