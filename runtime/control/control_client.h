// SPDX-License-Identifier: Apache-2.0
//
// The other end of the control socket: one request, one response. Any thread; blocks up to the time given.
#pragma once

#include <chrono>
#include <string>
#include <variant>

namespace sluice {

/// Nobody listens, or no whole answer came in time.
struct ControlUnreachable {
    std::string reason;
};

std::variant<std::string, ControlUnreachable> ask_gateway(const std::string& socket_path,
                                                          const std::string& request,
                                                          std::chrono::milliseconds timeout);

}  // namespace sluice
