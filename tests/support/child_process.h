// SPDX-License-Identifier: Apache-2.0
//
// Programs as a test's children: run to the end, or kept running and ended with the test.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace sluice::test {

struct Finished {
    int exit_code = -1;  // -1: ended by a signal
    std::string out, err;
};

/// arguments[0] is the program's path. Throws std::runtime_error where it can't be started.
Finished run_program(const std::vector<std::string>& arguments);

class ChildProcess {
  public:
    /// stdout and stderr go to `log`.
    ChildProcess(const std::vector<std::string>& arguments, const std::string& log);
    ~ChildProcess();  // SIGTERM to what still runs, SIGKILL half a minute later
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    pid_t id() const { return id_; }
    bool running();
    void signal(int number) const;
    /// Waits; the exit code, -1 where a signal ended it.
    int wait();

  private:
    pid_t id_;
    bool ended_ = false;
    int exit_code_ = -1;
};

}  // namespace sluice::test
