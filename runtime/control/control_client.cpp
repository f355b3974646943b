// SPDX-License-Identifier: Apache-2.0
#include "runtime/control/control_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace sluice {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t longest_response_bytes = std::size_t{256} << 20;

bool wait_for(int descriptor, short events, Clock::time_point deadline) {
    for (;;) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
        pollfd waiting{descriptor, events, 0};
        const int ready = poll(&waiting, 1, left > 0 ? static_cast<int>(left) : 0);
        if (ready >= 0 || errno != EINTR) return ready > 0;
    }
}

}  // namespace

ControlConnection::~ControlConnection() {
    if (socket_ >= 0) close(socket_);
}

std::variant<std::string, ControlUnreachable> ask_gateway(const std::string& socket_path,
                                                          const std::string& request,
                                                          std::chrono::milliseconds timeout) {
    return ControlConnection(socket_path).ask(request, timeout);
}

std::variant<std::string, ControlUnreachable> ControlConnection::ask(const std::string& request,
                                                                     std::chrono::milliseconds timeout) {
    auto answer = exchange(request, Clock::now() + timeout);
    if (std::holds_alternative<ControlUnreachable>(answer) && socket_ >= 0) {
        close(socket_);
        socket_ = -1;
    }
    return answer;
}

bool ControlConnection::connect_socket() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, path_.size());
    socket_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

std::variant<std::string, ControlUnreachable> ControlConnection::exchange(const std::string& request,
                                                                          Clock::time_point deadline) {
    const auto system_error = [&] { return ControlUnreachable{path_ + ": " + std::strerror(errno)}; };
    const ControlUnreachable too_late{path_ + ": the gateway did not answer in time"};
    if (path_.size() >= sizeof sockaddr_un::sun_path) {
        return ControlUnreachable{path_ + ": too long for a socket"};
    }
    if (socket_ < 0 && !connect_socket()) return system_error();
    const std::string line = request + "\n";
    for (std::size_t sent = 0; sent < line.size();) {
        if (!wait_for(socket_, POLLOUT, deadline)) return too_late;
        const ssize_t length =
            send(socket_, line.data() + sent, line.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (length < 0 && errno != EAGAIN && errno != EINTR) return system_error();
        if (length > 0) sent += static_cast<std::size_t>(length);
    }
    std::string response;
    while (response.empty() || response.back() != '\n') {
        if (!wait_for(socket_, POLLIN, deadline)) return too_late;
        char buffer[65536];
        const ssize_t length = recv(socket_, buffer, sizeof buffer, 0);
        if (length < 0 && errno != EINTR) return system_error();
        if (length == 0) return ControlUnreachable{path_ + ": the gateway closed the connection"};
        if (length > 0) response.append(buffer, static_cast<std::size_t>(length));
        if (response.size() > longest_response_bytes) {
            return ControlUnreachable{path_ + ": the answer is too long"};
        }
    }
    response.pop_back();
    return response;
}

}  // namespace sluice
