// SPDX-License-Identifier: Apache-2.0
//
// Metrics over HTTP: GET /metrics. Owns its threads, which run on the cores of whoever makes it: not a packet
// core.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace sluice {

class MetricsServer {
  public:
    /// `text` is called for each request, by several threads at once. Port 0: any that is free. Throws
    /// std::runtime_error where the address cannot be had.
    MetricsServer(const std::string& address, std::uint16_t port, std::function<std::string()> text);
    ~MetricsServer();
    MetricsServer(const MetricsServer&) = delete;
    MetricsServer& operator=(const MetricsServer&) = delete;

    /// "http://127.0.0.1:9180/metrics".
    const std::string& url() const { return url_; }

  private:
    struct State;
    std::unique_ptr<State> state_;
    std::string url_;
};

}  // namespace sluice
