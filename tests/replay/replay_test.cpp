// SPDX-License-Identifier: Apache-2.0
#include "runtime/programs/replay.h"

#include <nlohmann/json.hpp>

#include "runtime/control/report.h"
#include "tests/replay/captures.h"
#include "tests/replay/small_policy.h"
#include "tests/support/child_process.h"
#include "tests/support/compile.h"

namespace sluice {
namespace {

using test::Bytes;
using test::TemporaryDirectory;
using test::TimedFrame;

constexpr Time noon = 1'700'000'000 * nanoseconds_per_second;
constexpr Time millisecond = 1'000'000;

Bytes query(std::uint16_t source_port) {
    return test::udp({.source_mac = "02:00:00:00:00:05", .source_port = source_port, .destination_port = 53});
}

Bytes answer_to_arp() {
    return test::arp({.source_mac = "02:00:00:00:09:01",
                      .destination_mac = "02:00:5e:00:01:01",
                      .operation = 2,
                      .sender_mac = "02:00:00:00:09:01",
                      .sender_ip = "203.0.113.1",
                      .target_mac = "02:00:5e:00:01:01",
                      .target_ip = "203.0.113.10"});
}

class ReplayTest : public testing::Test {
  protected:
    struct Result {
        nlohmann::ordered_json report;
        std::vector<std::string> warnings;
        bool good = false;
    };

    /// Writes the captures, one a port, and replays them into the folder `out`.
    Result replay(const std::vector<TimedFrame>& access, const std::vector<TimedFrame>& uplink,
                  CacheTiers cache = CacheTiers::trace_cache, const std::string& out = "out") {
        test::write_capture(directory_ / "access.pcap", access);
        test::write_capture(directory_ / "uplink.pcap", uplink);
        settings_.inputs.push_back({0, directory_ / "access.pcap"});
        settings_.inputs.push_back({1, directory_ / "uplink.pcap"});
        settings_.output_directory = directory_ / out;
        settings_.shard.cache = cache;
        Result result;
        settings_.warn = [&](const std::string& line) { result.warnings.push_back(line); };
        Replay run(*image_, settings_);
        result.good = run.run();
        result.report = counters_report(*image_, run.counters());
        settings_.inputs.clear();
        return result;
    }
    std::vector<TimedFrame> sent(const std::string& port, const std::string& out = "out") {
        return test::read_capture(directory_ / (out + "/" + port + ".pcap"));
    }

    TemporaryDirectory directory_;
    std::unique_ptr<const Image> image_ = test::compile_texts(test::small_policy());
    ReplaySettings settings_;
};

TEST_F(ReplayTest, SendsOnTheTimeOfTheCaptures) {
    const Result result = replay({{noon, query(4000)}, {noon + 7 * millisecond, query(4000)}},
                                 {{noon + 5 * millisecond, answer_to_arp()}});
    EXPECT_TRUE(result.good);
    std::vector<Time> times;
    for (const TimedFrame& frame : sent("uplink0")) times.push_back(frame.time - noon);
    // The ARP request, the packet that waited for the answer, the packet behind it.
    EXPECT_EQ(times, (std::vector<Time>{0, 5 * millisecond, 7 * millisecond}));
    EXPECT_EQ(result.report["balanced"], true);
}

TEST_F(ReplayTest, TimersFireAtTheirOwnTime) {
    const Result result = replay({{noon, query(4000)}, {noon + seconds(60), query(4001)}}, {});
    std::vector<Time> times;
    for (const TimedFrame& frame : sent("uplink0"))
        times.push_back((frame.time - noon + millisecond) / seconds(1));
    // Three ARP requests one second apart, and the first of the next attempt a minute later.
    EXPECT_EQ(times, (std::vector<Time>{0, 1, 2, 60}));
    EXPECT_EQ(result.report["drops"].value("blue.sr.NEIGH_FAILED", 0), 1) << result.report.dump();
}

TEST_F(ReplayTest, CountsWhatStillWaitsAtTheEndAsHeld) {
    const Result result = replay({{noon, query(4000)}}, {});
    EXPECT_EQ(result.report["held"], 1);
    EXPECT_EQ(result.report["balanced"], true);
}

TEST_F(ReplayTest, ReportHasTheShapeThatScriptsRelyOn) {
    const Bytes mail = test::tcp({.destination_port = 25, .tcp_flags = 0x02});
    const Result result = replay({{noon, query(4000)}, {noon + 9 * millisecond, mail}},
                                 {{noon + 5 * millisecond, answer_to_arp()}});
    const std::string bytes = std::to_string(query(4000).size());
    const auto rx_bytes = query(4000).size() + mail.size() + answer_to_arp().size();
    nlohmann::ordered_json report = result.report;
    EXPECT_EQ(report["tx"].size(), 3u);
    report["tx"]["bytes"] = 0;  // the length of padded ARP frames is not this test's affair
    EXPECT_EQ(
        report.dump(),
        R"({"rx":{"packets":3,"bytes":)" + std::to_string(rx_bytes) +
            R"(,"ports":{"access0":2,"uplink0":1}},)" +
            R"("tx":{"packets":2,"bytes":0,"ports":{"access0":0,"uplink0":2}},)" +
            R"("originated":1,"copies":0,"consumed":1,"held":0,"drops":{"blue.sr.FW_DENY":1},)" +
            R"("cache":{"flow_hits":0,"trace_hits":0,"pipeline_runs":2,"revalidated":0,"invalidated":0,)" +
            R"("uncacheable":)" + report["cache"]["uncacheable"].dump() + "," +
            R"("tenants":{"blue":{"trace_hits":0,"trace_misses":2,"started":0}}},)" +
            R"("tenants":{"blue":{"rx":3,"tx":2,"rules":{)" +
            R"("no-mail":{"sessions":0,"packets":1,"bytes":)" + std::to_string(mail.size()) + "}," +
            R"("outbound":{"sessions":1,"packets":1,"bytes":)" + bytes + "}," +
            R"("default":{"sessions":0,"packets":0,"bytes":0}}}},)" +
            R"("sessions":{"created":1,"expired":0,"active":1,"ended":0},"balanced":true})");
}

std::vector<TimedFrame> many_queries() {
    std::vector<TimedFrame> frames;
    for (std::uint16_t i = 0; i < 500; ++i) {
        // Some share a time stamp and so a burst.
        frames.push_back({noon + (i / 3) * millisecond, query(static_cast<std::uint16_t>(4000 + i % 40))});
    }
    return frames;
}

TEST_F(ReplayTest, TwoRunsGiveTheSameBytes) {
    const Result one =
        replay(many_queries(), {{noon + millisecond, answer_to_arp()}}, CacheTiers::trace_cache, "one");
    const Result two =
        replay(many_queries(), {{noon + millisecond, answer_to_arp()}}, CacheTiers::trace_cache, "two");
    EXPECT_EQ(one.report.dump(), two.report.dump());
    for (const std::string port : {"access0", "uplink0"}) {
        EXPECT_EQ(test::read_text(directory_ / ("one/" + port + ".pcap")),
                  test::read_text(directory_ / ("two/" + port + ".pcap")));
    }
    EXPECT_GT(sent("uplink0", "one").size(), 450u);
}

TEST_F(ReplayTest, WithoutTheCacheOnlyTheCacheCountersDiffer) {
    Result with =
        replay(many_queries(), {{noon + millisecond, answer_to_arp()}}, CacheTiers::trace_cache, "with");
    Result without =
        replay(many_queries(), {{noon + millisecond, answer_to_arp()}}, CacheTiers::none, "without");
    EXPECT_GT(with.report["cache"]["flow_hits"].get<int>(), 400);
    EXPECT_EQ(without.report["cache"]["flow_hits"], 0);
    with.report.erase("cache");
    without.report.erase("cache");
    EXPECT_EQ(with.report.dump(), without.report.dump());
    EXPECT_EQ(test::read_text(directory_ / "with/uplink0.pcap"),
              test::read_text(directory_ / "without/uplink0.pcap"));
}

TEST_F(ReplayTest, NamesAFileItCantUseAndGoesOn) {
    test::write_text(directory_ / "notes.txt", "no capture at all, only some text\n");
    settings_.inputs.push_back({0, directory_ / "notes.txt"});
    const Result result = replay({{noon, query(4000)}}, {});
    EXPECT_FALSE(result.good);
    EXPECT_EQ(result.warnings,
              (std::vector<std::string>{(directory_ / "notes.txt").string() + ": error: unknown file format"}));
    EXPECT_EQ(result.report["rx"]["packets"], 1);
}

TEST_F(ReplayTest, SaysHowManyPacketsWereCutShort) {
    TimedFrame cut{noon, query(4000), 1000};
    cut.bytes.resize(40);
    const Result result = replay({cut}, {});
    EXPECT_TRUE(result.good);
    EXPECT_EQ(result.warnings,
              (std::vector<std::string>{(directory_ / "access.pcap").string() +
                                        ": warning: 1 of 1 packets were cut short when they were captured; "
                                        "processed as they are"}));
    EXPECT_EQ(result.report["balanced"], true);
}

TEST_F(ReplayTest, TakesFramesLongerThanAnyIpPacket) {
    Bytes frame = query(4000);
    frame.resize(200'000);
    const Result result = replay({{noon, frame}}, {});
    EXPECT_TRUE(result.good);
    EXPECT_EQ(result.report["rx"]["bytes"], 200'000);
    EXPECT_EQ(result.report["balanced"], true);
}

class ReplayProgram : public testing::Test {
  protected:
    void SetUp() override {
        for (const auto& [name, text] : test::small_policy())
            test::write_text(directory_ / ("policy/" + name), text);
        const auto built =
            test::run_program({SLUICEC_PROGRAM, "build", directory_ / "policy", "-o", directory_ / "edge.img"});
        ASSERT_EQ(built.exit_code, 0) << built.err;
        test::write_capture(directory_ / "in.pcap", {{noon, query(4000)}});
    }
    test::Finished replay(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), REPLAY_PROGRAM);
        return test::run_program(arguments);
    }

    TemporaryDirectory directory_;
};

TEST_F(ReplayProgram, PrintsTheReportOrASummary) {
    const std::string rx = "access0=" + (directory_ / "in.pcap").string();
    const auto summary = replay({directory_ / "edge.img", "--rx", rx, "--out", directory_ / "out"});
    EXPECT_EQ(summary.exit_code, 0) << summary.err;
    EXPECT_THAT(summary.out, testing::HasSubstr("tenant blue: received 1, sent 1\n"));
    EXPECT_THAT(summary.out, testing::HasSubstr("held 1\n"));
    const auto report =
        replay({directory_ / "edge.img", "--rx", rx, "--out", directory_ / "out", "--report", "-"});
    EXPECT_EQ(nlohmann::json::parse(report.out)["held"], 1);
    const auto quiet = replay(
        {directory_ / "edge.img", "--rx", rx, "--out", directory_ / "out", "--report", directory_ / "r.json"});
    EXPECT_EQ(quiet.out + quiet.err, "");
    EXPECT_EQ(test::read_text(directory_ / "r.json"), report.out);
}

TEST_F(ReplayProgram, ExitCodesTellWhatWentWrong) {
    const std::string image = directory_ / "edge.img", out = directory_ / "out";
    const std::string rx = "access0=" + (directory_ / "in.pcap").string();
    EXPECT_EQ(replay({image, "--rx", "access0=/nowhere/in.pcap", "--out", out}).exit_code, 1);
    EXPECT_EQ(replay({"/nowhere/edge.img", "--rx", rx, "--out", out}).exit_code, 1);
    EXPECT_EQ(replay({image, "--rx", rx}).exit_code, 2);
    EXPECT_EQ(replay({image, "--rx", rx, "--out", out, "--shards", "2"}).exit_code, 2);
    const auto wrong_port = replay({image, "--rx", "dmz=" + (directory_ / "in.pcap").string(), "--out", out});
    EXPECT_EQ(wrong_port.exit_code, 2);
    EXPECT_THAT(wrong_port.err, testing::HasSubstr("the image has no port \"dmz\", it has access0, uplink0"));

    std::string damaged = test::read_text(image);
    damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 1);
    test::write_text(directory_ / "damaged.img", damaged);
    EXPECT_EQ(replay({directory_ / "damaged.img", "--rx", rx, "--out", out}).exit_code, 4);
}

}  // namespace
}  // namespace sluice
