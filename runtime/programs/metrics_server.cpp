// SPDX-License-Identifier: Apache-2.0
//
// The one file that pays for cpp-httplib's headers.
#include "runtime/programs/metrics_server.h"

#include <fmt/format.h>
#include <httplib.h>

#include <stdexcept>
#include <thread>

namespace sluice {
namespace {

constexpr std::size_t threads = 2;
constexpr time_t patience_seconds = 5;
constexpr std::size_t longest_body_bytes = 1024;

}  // namespace

struct MetricsServer::State {
    httplib::Server server;
    std::thread thread;
};

MetricsServer::MetricsServer(const std::string& address, std::uint16_t port, std::function<std::string()> text)
    : state_(std::make_unique<State>()) {
    httplib::Server& server = state_->server;
    server.new_task_queue = [] { return new httplib::ThreadPool(threads); };
    // A connection keeps one of the threads: who stays, or sends slowly, must not keep others out.
    server.set_keep_alive_max_count(1);
    server.set_read_timeout(patience_seconds);
    server.set_write_timeout(patience_seconds);
    server.set_payload_max_length(longest_body_bytes);
    // Not SO_REUSEPORT, the library's choice: two gateways would share the requests in silence.
    server.set_socket_options([](socket_t socket) {
        const int yes = 1;
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    server.Get("/metrics", [text = std::move(text)](const httplib::Request&, httplib::Response& response) {
        response.set_content(text(), "text/plain; version=0.0.4; charset=utf-8");
    });
    const bool is_ipv6 = address.find(':') != std::string::npos;
    const std::string place = is_ipv6 ? "[" + address + "]" : address;
    int bound = port;
    if (port == 0) {
        bound = server.bind_to_any_port(address);
    } else if (!server.bind_to_port(address, port)) {
        bound = -1;
    }
    if (bound < 0) {
        throw std::runtime_error(
            fmt::format("control.metrics: {}:{} cannot be listened on: the port is another program's, or the "
                        "address not this machine's",
                        place, port));
    }
    url_ = fmt::format("http://{}:{}/metrics", place, bound);
    state_->thread = std::thread([&server] { server.listen_after_bind(); });
    while (!server.is_running()) std::this_thread::yield();
}

MetricsServer::~MetricsServer() {
    state_->server.stop();
    state_->thread.join();
}

}  // namespace sluice
