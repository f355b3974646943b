// SPDX-License-Identifier: Apache-2.0
#include "runtime/programs/state_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "tests/replay/captures.h"

namespace sluice {
namespace {

using Bytes = std::vector<std::uint8_t>;

class StateFile : public testing::Test {
  protected:
    std::string refusal() {
        const auto taken = take_state_file(path_);
        const auto* problem = std::get_if<std::string>(&taken);
        return problem == nullptr ? "" : *problem;
    }
    test::TemporaryDirectory directory_;
    const std::string path_ = directory_ / "control.sock.state";
};

TEST_F(StateFile, IsTakenOnce) {
    EXPECT_EQ(leave_state_file(path_, Bytes{1, 2, 3}), std::nullopt);
    EXPECT_EQ(leave_state_file(path_, Bytes{4, 5}), std::nullopt) << "over one that nobody took";
    struct stat status {};
    ASSERT_EQ(stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
    EXPECT_EQ(std::get<Bytes>(take_state_file(path_)), (Bytes{4, 5}));
    EXPECT_TRUE(std::holds_alternative<NoStateFile>(take_state_file(path_)));
}

TEST_F(StateFile, IsNobodyElses) {
    ASSERT_EQ(leave_state_file(path_, Bytes{1}), std::nullopt);
    ASSERT_EQ(chmod(path_.c_str(), 0640), 0);
    EXPECT_THAT(refusal(), testing::HasSubstr("expected a file that nobody but user"));
    EXPECT_FALSE(std::filesystem::exists(path_)) << "what was refused is gone too";

    const std::string target = directory_ / "target";
    ASSERT_EQ(leave_state_file(target, Bytes{1}), std::nullopt);
    ASSERT_EQ(symlink(target.c_str(), path_.c_str()), 0);
    EXPECT_THAT(refusal(), testing::HasSubstr("it can't be opened"));
    std::filesystem::remove(path_);
    ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
    EXPECT_THAT(refusal(), testing::HasSubstr("expected a file"));
}

TEST_F(StateFile, SaysWhyItCannotBeLeft) {
    const auto problem = leave_state_file(directory_ / "absent" / "state", Bytes{1});
    ASSERT_TRUE(problem);
    EXPECT_THAT(*problem, testing::HasSubstr("No such file or directory"));
}

TEST(BootIdOfThisMachine, StaysTheSame) {
    const auto id = read_boot_id();
    ASSERT_TRUE(id);
    EXPECT_NE(*id, BootId{});
    EXPECT_EQ(id, read_boot_id());
}

}  // namespace
}  // namespace sluice
