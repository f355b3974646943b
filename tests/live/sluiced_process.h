// SPDX-License-Identifier: Apache-2.0
//
// sluiced as people run it, on devices that are files: no root, no hugepages, no network device. A folder of
// its own for each test, with a policy, its image and a host file.
#pragma once

#include <gtest/gtest.h>
#include <sched.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "tests/replay/captures.h"
#include "tests/replay/small_policy.h"
#include "tests/support/child_process.h"

#ifndef SLUICED_PROGRAM  // this header alone
#define SLUICEC_PROGRAM ""
#define SLUICED_PROGRAM ""
#define SLUICECTL_PROGRAM ""
#endif

namespace sluice::test {

class SluicedProcess : public testing::Test {
  protected:
    void SetUp() override {
        for (const auto& [name, text] : small_policy("203.0.113.1: '02:00:00:00:09:01'")) {
            write_text(directory_ / "policy" / name, text);
        }
        build_image(image_);
        std::vector<TimedFrame> frames;
        for (std::uint16_t i = 0; i < 40; ++i) frames.push_back({1, udp({.destination_port = 53})});
        frames.push_back({1, tcp({.destination_port = 25, .tcp_flags = 0x02})});
        write_capture(directory_ / "lan.pcap", frames);
        write_text(host_, "cores: [" + first_core() +
                              "]\nmemory: {hugepages: off}\npolling: sleep\nports:\n"
                              "  access0: {vdev: \"net_pcap0,rx_pcap=" +
                              (directory_ / "lan.pcap").string() +
                              ",tx_pcap=" + (directory_ / "lan-out.pcap").string() +
                              "\"}\n"
                              "  uplink0: {vdev: \"net_null0,no-rx=1\"}\n"
                              "control: {socket: " +
                              socket_ + more_of_control_ + "}\n" + more_of_host_file_);
    }

    /// Of the policy in the test's folder.
    void build_image(const std::string& path, std::vector<std::string> more = {}) {
        std::vector<std::string> arguments{SLUICEC_PROGRAM, "build", directory_ / "policy", "-o", path};
        arguments.insert(arguments.end(), more.begin(), more.end());
        const Finished built = run_program(arguments);
        ASSERT_EQ(built.exit_code, 0) << built.err;
    }

    /// A core that this process may use: in a container core 0 may be somebody else's.
    static std::string first_core() {
        cpu_set_t cores;
        CPU_ZERO(&cores);
        sched_getaffinity(0, sizeof cores, &cores);
        int core = 0;
        while (core < CPU_SETSIZE - 1 && !CPU_ISSET(core, &cores)) ++core;
        return std::to_string(core);
    }

    std::unique_ptr<ChildProcess> start_gateway() {
        return start_gateway({SLUICED_PROGRAM, "--host", host_, image_});
    }
    std::unique_ptr<ChildProcess> start_gateway(const std::vector<std::string>& arguments) {
        auto gateway = std::make_unique<ChildProcess>(arguments, directory_ / "sluiced.log");
        wait_until([&] { return !gateway->running() || ask("status").exit_code == 0; });
        return gateway;
    }
    Finished ask(const std::string& command) {
        return run_program({SLUICECTL_PROGRAM, command, "--json", "--socket", socket_});
    }
    Finished ask_as_people_do(const std::string& command) {
        return run_program({SLUICECTL_PROGRAM, "--socket", socket_, command});
    }
    nlohmann::json answer(const std::string& command) {
        const Finished finished = ask(command);
        EXPECT_EQ(finished.exit_code, 0) << finished.err << log();
        return nlohmann::json::parse(finished.out, nullptr, false);
    }
    template <typename Condition>
    void wait_until(Condition condition) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (!condition()) {
            ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "waited in vain\n" << log();
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
    }
    std::string log() { return read_text(directory_ / "sluiced.log"); }

    /// Beside what every test needs; set it before SetUp().
    std::string more_of_host_file_, more_of_control_;
    TemporaryDirectory directory_;
    const std::string image_ = directory_ / "edge.img";
    const std::string host_ = directory_ / "host.yaml";
    const std::string socket_ = directory_ / "run/control.sock";
};

}  // namespace sluice::test
