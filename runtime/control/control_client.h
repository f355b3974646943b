// SPDX-License-Identifier: Apache-2.0
//
// The other end of the control socket: one request, one response. One thread at a time; blocks up to the time
// given.
#pragma once

#include <chrono>
#include <string>
#include <variant>

namespace sluice {

/// Nobody listens, or no whole answer came in time.
struct ControlUnreachable {
    std::string reason;
};

class ControlConnection {
  public:
    explicit ControlConnection(std::string socket_path) : path_(std::move(socket_path)) {}
    ~ControlConnection();
    ControlConnection(const ControlConnection&) = delete;
    ControlConnection& operator=(const ControlConnection&) = delete;

    /// Connects where it is not connected, as it is not after ControlUnreachable.
    std::variant<std::string, ControlUnreachable> ask(const std::string& request,
                                                      std::chrono::milliseconds timeout);

  private:
    std::variant<std::string, ControlUnreachable> exchange(const std::string& request,
                                                           std::chrono::steady_clock::time_point deadline);
    bool connect_socket();

    std::string path_;
    int socket_ = -1;
};

/// One request over a connection of its own.
std::variant<std::string, ControlUnreachable> ask_gateway(const std::string& socket_path,
                                                          const std::string& request,
                                                          std::chrono::milliseconds timeout);

}  // namespace sluice
