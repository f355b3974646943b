// SPDX-License-Identifier: Apache-2.0
//
// sluiced as people run it: started from a host file on devices that are files, asked by sluicectl, ended by
// SIGTERM. No root, no hugepages, no network device.
#include <sys/stat.h>

#include <csignal>
#include <filesystem>

#include "runtime/control/control_client.h"
#include "runtime/control/control_server.h"
#include "tests/live/sluiced_process.h"

namespace sluice {
namespace {

using test::Finished;

class SluicedControl : public test::SluicedProcess {};

TEST_F(SluicedControl, ShowsWhatItRunsAndWhatItDid) {
    const auto gateway = start_gateway();
    const auto status = answer("status");
    EXPECT_EQ(status["gateway"], "edge");
    EXPECT_EQ(status["process"], gateway->id());
    EXPECT_EQ(status["image"]["file"], image_);
    EXPECT_EQ(status["image"]["digest"].get<std::string>().size(), 64u);
    EXPECT_EQ(status["hugepages"], false);
    EXPECT_EQ(status["cache"], true);
    EXPECT_EQ(status["ports"]["access0"]["driver"], "net_pcap");
    EXPECT_EQ(status["ports"]["access0"]["link"], "up");

    wait_until([&] { return answer("stats")["rx"]["packets"] == 41; });
    const auto stats = answer("stats");
    EXPECT_EQ(stats["balanced"], true);
    EXPECT_EQ(stats["ports"]["access0"]["rx_packets"], 41);
    EXPECT_EQ(stats["ports"]["uplink0"]["tx_packets"], 40);
    EXPECT_EQ(stats["ports"]["uplink0"]["tx_failed"], 0);
    EXPECT_EQ(stats["tenants"]["blue"]["rules"]["outbound"]["packets"], 40);
    EXPECT_EQ(answer("drops").dump(), R"({"blue.sr.FW_DENY":1})");

    const auto sessions = answer("sessions");
    ASSERT_EQ(sessions.size(), 1u);
    EXPECT_EQ(sessions[0]["tenant"], "blue");
    EXPECT_EQ(sessions[0]["protocol"], "udp");
    EXPECT_EQ(sessions[0]["forward"]["source"], "10.1.1.5");
    EXPECT_EQ(sessions[0]["reverse"]["destination"], "203.0.113.10");
    EXPECT_EQ(sessions[0]["packets"].dump(), "[40,0]");
    EXPECT_EQ(sessions[0]["rule"], "outbound");

    const auto flows = answer("flows");
    ASSERT_EQ(flows.size(), 1u);
    EXPECT_EQ(flows[0]["ingress"], "blue/lan");
    EXPECT_EQ(flows[0]["egress"], "blue/internet");
    EXPECT_EQ(flows[0]["becomes"]["source"], "203.0.113.10");

    const auto neighbours = answer("neighbours");
    ASSERT_EQ(neighbours.size(), 2u);
    EXPECT_EQ(neighbours[0]["state"], "PERMANENT");
}

TEST_F(SluicedControl, SpeaksToPeople) {
    const auto gateway = start_gateway();
    wait_until([&] { return answer("stats")["rx"]["packets"] == 41; });
    EXPECT_THAT(ask_as_people_do("status").out, testing::StartsWith("gateway edge, sluice "));
    EXPECT_THAT(ask_as_people_do("stats").out, testing::HasSubstr("tenant blue: received 41, sent 40\n"));
    EXPECT_THAT(ask_as_people_do("drops").out, testing::HasSubstr("1        blue.sr.FW_DENY\n"));
    EXPECT_THAT(ask_as_people_do("sessions").out, testing::HasSubstr("10.1.1.5:5000 > 198.18.0.9:53"));
    EXPECT_THAT(ask_as_people_do("flows").out, testing::HasSubstr("blue/internet"));
    EXPECT_THAT(ask_as_people_do("neighbours").out, testing::HasSubstr("203.0.113.1 "));
    EXPECT_EQ(ask_as_people_do("status").err, "");
}

TEST_F(SluicedControl, ASecondInstanceRefusesAndTheFirstGoesOn) {
    const auto gateway = start_gateway();
    const Finished second = test::run_program({SLUICED_PROGRAM, "--host", host_, image_});
    EXPECT_EQ(second.exit_code, 1);
    EXPECT_THAT(second.err, testing::HasSubstr("another gateway (process " + std::to_string(gateway->id()) +
                                               ") has the control socket " + socket_));
    EXPECT_EQ(answer("status")["process"], gateway->id());
}

TEST_F(SluicedControl, TheSocketIsForOwnerAndGroupAndConnectionsAreLogged) {
    const auto gateway = start_gateway();
    struct stat status {};
    ASSERT_EQ(stat(socket_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777u, 0660u);
    EXPECT_THAT(log(), testing::HasSubstr(", user " + std::to_string(getuid()) + ", group "));
}

TEST_F(SluicedControl, SigtermEndsItCleanlyWithNothingLeftBehindButItsState) {
    const auto gateway = start_gateway();
    wait_until([&] { return answer("stats")["rx"]["packets"] == 41; });
    gateway->signal(SIGTERM);
    EXPECT_EQ(gateway->wait(), 0) << log();
    std::vector<std::string> left;
    for (const auto& entry : std::filesystem::directory_iterator(directory_ / "run")) {
        left.push_back(entry.path().filename());
    }
    EXPECT_THAT(left, testing::ElementsAre("control.sock.state"));
    const std::string prefix = "sluiced-" + std::to_string(gateway->id());
    for (const std::string folder : {"/var/run/dpdk/", "/tmp/dpdk/"}) {
        EXPECT_FALSE(std::filesystem::exists(folder + prefix)) << folder + prefix;
    }
    const Finished late = ask("status");
    EXPECT_EQ(late.exit_code, 6);
    EXPECT_THAT(late.err, testing::HasSubstr(socket_));
}

TEST_F(SluicedControl, SaysWhatIsWrongWithAHostFile) {
    test::write_text(host_, "cores: [0]\nports: {access0: {vdev: \"net_null0,no-rx=1\"}}\ncontrol: {socket: " +
                                socket_ + "}\n");
    const Finished missing = test::run_program({SLUICED_PROGRAM, "--host", host_, image_});
    EXPECT_EQ(missing.exit_code, 1);
    EXPECT_THAT(missing.err,
                testing::HasSubstr("the image has a port uplink0 and the host file binds no device to it"));
    test::write_text(host_, "colour: blue\n");
    const Finished unknown = test::run_program({SLUICED_PROGRAM, "--host", host_, image_});
    EXPECT_EQ(unknown.exit_code, 1);
    EXPECT_THAT(unknown.err, testing::HasSubstr(host_ + ":1:1: unknown key \"colour\""));
}

TEST_F(SluicedControl, ARequestItDoesNotKnowIsRefused) {
    const auto gateway = start_gateway();
    const auto raw = [&](const std::string& request) {
        return std::get<std::string>(ask_gateway(socket_, request, std::chrono::seconds(30)));
    };
    EXPECT_EQ(
        raw(R"({"command": "dance"})"),
        R"({"ok":false,"error":"unknown command \"dance\"; there are status, stats, drops, flows, sessions, )"
        R"(neighbours, trace, station, images, push, activate, confirm, rollback, shadow and gc","exit":5})");
    for (const std::string nonsense : {"", "status", "[1]", R"({"command": 7})", "{\"command\": \"\xff\"}"}) {
        EXPECT_THAT(raw(nonsense), testing::StartsWith(R"({"ok":false,"error":)")) << nonsense;
    }
    EXPECT_EQ(ask("status").exit_code, 0);
    EXPECT_EQ(
        raw(R"({"command": "station", "action": "set", "on": "blue/lan", "mac": "02:00:00:00:00:05", "behind": "a"})"),
        R"({"ok":false,"error":"\"blue/lan\" is no segment with tunnels: write TENANT/SEGMENT","exit":2})");
    EXPECT_EQ(raw(R"({"command": "station", "action": "del", "on": "blue/lan", "mac": "01:00:00:00:00:05"})"),
              R"({"ok":false,"error":"\"01:00:00:00:00:05\" is no station's MAC","exit":2})");
    EXPECT_EQ(
        raw(R"({"command": "images"})"),
        R"({"ok":false,"error":"the gateway keeps no images: its host file names no images.directory","exit":5})");
}

TEST_F(SluicedControl, SluicectlTellsRefusalFromSilenceAndMisuse) {
    ControlSocket socket(socket_);
    EXPECT_EQ(ask("dance").exit_code, 2);
    EXPECT_EQ(test::run_program({SLUICECTL_PROGRAM, "status", "--timeout", "1", "--socket", socket_}).exit_code,
              6);
    ControlServer server(
        socket, [](const std::string&) { return R"({"ok":false,"error":"not today"})"; },
        [](const std::string&) {});
    const Finished refused = ask("status");
    EXPECT_EQ(refused.exit_code, 5);
    EXPECT_EQ(refused.err, "sluicectl: not today\n");
}

}  // namespace
}  // namespace sluice
