// SPDX-License-Identifier: Apache-2.0
//
// The gateway daemon from start to end. Main thread only.
#pragma once

#include <string>

namespace sluice {

struct DaemonOptions {
    std::string host_file;
    std::string image_file;  // empty: the store's last confirmed image
    bool cache = true;
    bool warm = true;  // goes on from what the gateway before left
};

/// Runs until SIGTERM or SIGINT. The process's exit code; what went wrong has been logged.
int run_daemon(const DaemonOptions& options);

}  // namespace sluice
