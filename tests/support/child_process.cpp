// SPDX-License-Identifier: Apache-2.0
#include "tests/support/child_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

namespace sluice::test {
namespace {

int exit_code_of(int status) {
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

pid_t start(const std::vector<std::string>& arguments, const std::string& out, const std::string& err) {
    std::vector<char*> pointers;
    for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
    pointers.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    constexpr int write_anew = O_WRONLY | O_CREAT | O_TRUNC | O_APPEND;
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out.c_str(), write_anew, 0600);
    if (out == err) {
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    } else {
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err.c_str(), write_anew, 0600);
    }
    pid_t id = 0;
    const int error = posix_spawn(&id, pointers[0], &actions, nullptr, pointers.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) throw std::runtime_error(arguments[0] + ": " + std::strerror(error));
    return id;
}

std::string take_text(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(file), {}};
    std::filesystem::remove(path);
    return text;
}

}  // namespace

Finished run_program(const std::vector<std::string>& arguments) {
    std::string pattern = (std::filesystem::temp_directory_path() / "sluice-run-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("can't make " + pattern);
    int status = 0;
    waitpid(start(arguments, pattern + "/out", pattern + "/err"), &status, 0);
    Finished finished{exit_code_of(status), take_text(pattern + "/out"), take_text(pattern + "/err")};
    std::filesystem::remove(pattern);
    return finished;
}

ChildProcess::ChildProcess(const std::vector<std::string>& arguments, const std::string& log)
    : id_(start(arguments, log, log)) {}

ChildProcess::~ChildProcess() {
    // Politely first: a killed program leaves its run-time files behind.
    if (running()) signal(SIGTERM);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (running() && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    if (running()) signal(SIGKILL);
    wait();
}

bool ChildProcess::running() {
    int status = 0;
    if (!ended_ && waitpid(id_, &status, WNOHANG) == id_) {
        ended_ = true;
        exit_code_ = exit_code_of(status);
    }
    return !ended_;
}

void ChildProcess::signal(int number) const {
    kill(id_, number);
}

int ChildProcess::wait() {
    int status = 0;
    if (!ended_ && waitpid(id_, &status, 0) == id_) {
        ended_ = true;
        exit_code_ = exit_code_of(status);
    }
    return exit_code_;
}

}  // namespace sluice::test
