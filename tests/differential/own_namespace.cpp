// SPDX-License-Identifier: Apache-2.0
#include "tests/differential/own_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace sluice::test {
namespace {

constexpr const char* this_namespace = "/proc/thread-self/ns/net";

}  // namespace

OwnNamespace::OwnNamespace() : home_(open(this_namespace, O_RDONLY | O_CLOEXEC)) {
    if (home_ < 0 || unshare(CLONE_NEWNET) != 0) throw std::runtime_error("no new network namespace");
}

OwnNamespace::~OwnNamespace() {
    if (setns(home_, CLONE_NEWNET) != 0) std::abort();
    close(home_);
}

int OwnNamespace::keep() const {
    return open(this_namespace, O_RDONLY | O_CLOEXEC);
}

void run_with(const std::string& command, const std::string& input) {
    FILE* pipe = popen(command.c_str(), "w");
    if (pipe == nullptr) throw std::runtime_error("cannot run " + command);
    std::fwrite(input.data(), 1, input.size(), pipe);
    if (pclose(pipe) != 0) throw std::runtime_error(command + " failed on:\n" + input);
}

void set_kernel(const std::string& name, const std::string& value) {
    std::ofstream file("/proc/sys/net/" + name);
    file << value;
    file.close();
    if (!file) throw std::runtime_error("cannot set " + name);
}

}  // namespace sluice::test
