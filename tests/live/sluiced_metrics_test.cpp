// SPDX-License-Identifier: Apache-2.0
//
// What a gateway's metrics are to Prometheus: read over HTTP by Prometheus' own parser, compared with what
// sluicectl says.
#include <gtest/gtest.h>

#include <csignal>
#include <set>

#include "tests/live/sluiced_process.h"

namespace sluice {
namespace {

using nlohmann::json;
using test::Finished;

class SluicedMetrics : public test::SluicedProcess {
  protected:
    void SetUp() override {
        more_of_control_ = ", metrics: \"127.0.0.1:0\"";
        more_of_host_file_ = "images: {directory: " + store_.string() + "}\n";
        test::SluicedProcess::SetUp();
    }
    std::string url() {
        const std::string lines = log();
        const std::size_t start = lines.find("http://");
        return lines.substr(start, lines.find('\n', start) - start);
    }
    json scrape() {
        const Finished finished = test::run_program({"/usr/bin/python3", SCRAPE_SCRIPT, url()});
        EXPECT_EQ(finished.exit_code, 0) << finished.err << log();
        return json::parse(finished.out, nullptr, false);
    }
    static double value(const json& metrics, const std::string& name, const json& labels) {
        for (const json& sample : metrics[name]["samples"]) {
            if (sample["labels"] == labels) return sample["value"];
        }
        ADD_FAILURE() << name << labels << " is not among " << metrics[name];
        return -1;
    }

    const std::filesystem::path store_ = directory_ / "images";
};

TEST_F(SluicedMetrics, AreWhatSluicectlSays) {
    const auto gateway = start_gateway();
    wait_until([&] { return answer("stats")["rx"]["packets"] == 41; });
    const json metrics = scrape();
    const json stats = answer("stats");
    const json shard{{"shard", "0"}};
    const json lan{{"shard", "0"}, {"port", "access0"}};
    EXPECT_EQ(value(metrics, "sluice_port_receive_packets_total", lan), 41);
    EXPECT_EQ(value(metrics, "sluice_port_receive_bytes_total", lan), stats["rx"]["bytes"]);
    EXPECT_EQ(value(metrics, "sluice_port_transmit_packets_total", {{"shard", "0"}, {"port", "uplink0"}}), 40);
    EXPECT_EQ(value(metrics, "sluice_port_link_up", {{"port", "access0"}}), 1);
    EXPECT_EQ(value(metrics, "sluice_tenant_receive_packets_total", {{"shard", "0"}, {"tenant", "blue"}}),
              stats["tenants"]["blue"]["rx"]);
    EXPECT_EQ(value(metrics, "sluice_flow_cache_hits_total", shard), stats["cache"]["flow_hits"]);
    EXPECT_EQ(value(metrics, "sluice_sessions", shard), stats["sessions"]["active"]);
    EXPECT_EQ(value(metrics, "sluice_sessions_created_total", shard), stats["sessions"]["created"]);
    EXPECT_EQ(value(metrics, "sluice_nat_mappings", shard), 1);
    const json pools = metrics["sluice_nat_pool_mappings"]["samples"];
    ASSERT_EQ(pools.size(), 1u);
    EXPECT_EQ(pools[0]["value"], 1);
    EXPECT_EQ(pools[0]["labels"]["pool"], "internet/203.0.113.10");
    double drops = 0;
    for (const json& sample : metrics["sluice_dropped_packets_total"]["samples"]) {
        const json& labels = sample["labels"];
        const std::string key = labels.value("tenant", "gateway." + labels.value("port", "")) +
                                (labels.contains("tenant") ? "." + labels["stage"].get<std::string>() : "") +
                                "." + labels["reason"].get<std::string>();
        EXPECT_EQ(sample["value"], stats["drops"][key]) << key;
        drops += sample["value"].get<double>();
    }
    EXPECT_EQ(drops, 1);
}

TEST_F(SluicedMetrics, HaveNamesTypesHelpAndBoundedLabels) {
    const auto gateway = start_gateway();
    const std::set<std::string> allowed = {"tenant", "port", "stage", "reason", "pool", "shard"};
    const json metrics = scrape();
    EXPECT_GE(metrics.size(), 35u);
    for (const auto& [name, family] : metrics.items()) {
        EXPECT_TRUE(name.starts_with("sluice_")) << name;
        EXPECT_FALSE(family["help"].get<std::string>().empty()) << name;
        EXPECT_EQ(family["type"], name.ends_with("_total") ? "counter" : "gauge") << name;
        for (const json& sample : family["samples"]) {
            for (const auto& [label, text] : sample["labels"].items())
                EXPECT_TRUE(allowed.contains(label)) << label;
        }
    }
}

TEST_F(SluicedMetrics, TellWhyAnImageWentAway) {
    {
        const auto gateway = start_gateway();
        const auto control = [&](std::vector<std::string> arguments) {
            arguments.insert(arguments.begin(), {SLUICECTL_PROGRAM, "--socket", socket_});
            const Finished finished = test::run_program(arguments);
            EXPECT_EQ(finished.exit_code, 0) << finished.err;
        };
        control({"push", image_});
        control({"activate", "--confirm-within", "1s"});
        json metrics = scrape();
        EXPECT_EQ(value(metrics, "sluice_image_pending", json::object()), 1);
        EXPECT_EQ(value(metrics, "sluice_image_revision", json::object()), 1);
        EXPECT_EQ(value(metrics, "sluice_image_swaps_total", json::object()), 1);
        wait_until([&] { return !answer("status")["last_return"].is_null(); });
        EXPECT_EQ(answer("status")["last_return"]["reason"], "NOT_CONFIRMED");
        metrics = scrape();
        EXPECT_EQ(value(metrics, "sluice_image_pending", json::object()), 0);
        EXPECT_EQ(value(metrics, "sluice_image_revision", json::object()), 0);
        EXPECT_EQ(value(metrics, "sluice_image_swaps_total", json::object()), 2);
        EXPECT_EQ(value(metrics, "sluice_image_returns_total", {{"reason", "NOT_CONFIRMED"}}), 1);
        EXPECT_EQ(value(metrics, "sluice_image_returns_total", {{"reason", "BY_HAND"}}), 0);
    }
    std::filesystem::remove(directory_ / "sluiced.log");
    const auto gateway = start_gateway();
    EXPECT_EQ(value(scrape(), "sluice_image_returns_total", {{"reason", "NOT_CONFIRMED"}}), 1)
        << "a restart goes on counting";
}

TEST_F(SluicedMetrics, APortOfSomebodyElseIsNamed) {
    const auto gateway = start_gateway();
    std::string text = test::read_text(host_);
    const std::string place = url().substr(7, url().rfind('/') - 7);
    text.replace(text.find("127.0.0.1:0"), 11, place);
    text.replace(text.find("control.sock"), 12, "other.sock");
    text.erase(text.find("images:"));
    test::write_text(directory_ / "second.yaml", text);
    const Finished second = test::run_program({SLUICED_PROGRAM, "--host", directory_ / "second.yaml", image_});
    EXPECT_EQ(second.exit_code, 1);
    EXPECT_THAT(second.err, testing::HasSubstr("control.metrics: " + place + " cannot be listened on: "));
}

}  // namespace
}  // namespace sluice
