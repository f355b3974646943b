// SPDX-License-Identifier: Apache-2.0
//
// `sluicectl --json`: every command that there is answers with JSON, and with nothing else.
#include <csignal>
#include <sstream>

#include "tests/live/sluiced_process.h"

namespace sluice {
namespace {

using nlohmann::json;
using test::Finished;

class SluicectlJson : public test::SluicedProcess {
  protected:
    void SetUp() override {
        more_of_host_file_ = "images: {directory: " + (directory_ / "images").string() + "}\n";
        test::SluicedProcess::SetUp();
    }
    /// As `sluicectl --help` lists them.
    static std::vector<std::string> commands() {
        std::istringstream help(test::run_program({SLUICECTL_PROGRAM, "--help"}).out);
        std::vector<std::string> names;
        bool listed = false;
        for (std::string line; std::getline(help, line);) {
            if (listed && line.starts_with("  ") && line[2] != ' ')
                names.push_back(line.substr(2, line.find(' ', 2) - 2));
            listed = listed || line == "Subcommands:";
        }
        return names;
    }
};

TEST_F(SluicectlJson, EveryCommandAnswersWithJson) {
    // In an order in which each can be done; what a command's answer must hold.
    struct Step {
        std::vector<std::string> arguments;
        std::string key;  // empty: a list
    };
    const std::vector<Step> steps = {
        {{"status"}, "gateway"},
        {{"stats"}, "balanced"},
        {{"drops"}, "blue.sr.FW_DENY"},
        {{"flows"}, ""},
        {{"sessions"}, ""},
        {{"neighbours"}, ""},
        {{"trace", "--on", "blue/lan", "--packet", "udp 10.1.1.5:7 > 198.18.0.9:9"}, "steps"},
        {{"station", "list"}, "stations"},
        {{"push", image_}, "digest"},
        {{"images"}, "images"},
        {{"shadow", "start"}, "judged"},
        {{"shadow", "status"}, "judged"},
        {{"shadow", "stop"}, "differences"},
        {{"activate", "--confirm-within", "600s"}, "state"},
        {{"confirm"}, "state"},
        {{"gc"}, "removed"}};
    const auto gateway = start_gateway();
    wait_until([&] { return answer("stats")["rx"]["packets"] == 41; });
    std::vector<std::string> left = commands();
    ASSERT_GE(left.size(), 12u);
    for (const auto& [arguments, key] : steps) {
        SCOPED_TRACE(arguments[0]);
        std::vector<std::string> all{SLUICECTL_PROGRAM, "--socket", socket_, "--json"};
        all.insert(all.end(), arguments.begin(), arguments.end());
        const Finished finished = test::run_program(all);
        EXPECT_EQ(finished.exit_code, 0) << finished.err;
        EXPECT_EQ(finished.err, "");
        const json result = json::parse(finished.out, nullptr, false);
        EXPECT_TRUE(key.empty() ? result.is_array() && !result.empty() : result.contains(key)) << finished.out;
        std::erase(left, arguments[0]);
    }
    // There is nothing to go back to: a refusal is a sentence on stderr and an exit code.
    const Finished refused = test::run_program({SLUICECTL_PROGRAM, "--socket", socket_, "--json", "rollback"});
    EXPECT_EQ(refused.exit_code, 5);
    EXPECT_EQ(refused.out, "");
    std::erase(left, "rollback");
    EXPECT_THAT(left, testing::IsEmpty()) << "commands that this test does not know";
}

}  // namespace
}  // namespace sluice
