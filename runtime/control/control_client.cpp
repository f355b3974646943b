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

struct Socket {
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    Socket() = default;
    ~Socket() { close(descriptor); }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
};

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

std::variant<std::string, ControlUnreachable> ask_gateway(const std::string& socket_path,
                                                          const std::string& request,
                                                          std::chrono::milliseconds timeout) {
    const auto system_error = [&] { return ControlUnreachable{socket_path + ": " + std::strerror(errno)}; };
    const ControlUnreachable too_late{socket_path + ": the gateway did not answer in time"};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket_path.size() >= sizeof address.sun_path) {
        return ControlUnreachable{socket_path + ": too long for a socket"};
    }
    socket_path.copy(address.sun_path, socket_path.size());

    const Clock::time_point deadline = Clock::now() + timeout;
    const Socket connection;
    if (connect(connection.descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return system_error();
    }
    const std::string line = request + "\n";
    for (std::size_t sent = 0; sent < line.size();) {
        if (!wait_for(connection.descriptor, POLLOUT, deadline)) return too_late;
        const ssize_t length =
            send(connection.descriptor, line.data() + sent, line.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (length < 0 && errno != EAGAIN && errno != EINTR) return system_error();
        if (length > 0) sent += static_cast<std::size_t>(length);
    }
    std::string response;
    while (response.empty() || response.back() != '\n') {
        if (!wait_for(connection.descriptor, POLLIN, deadline)) return too_late;
        char buffer[65536];
        const ssize_t length = recv(connection.descriptor, buffer, sizeof buffer, 0);
        if (length < 0 && errno != EINTR) return system_error();
        if (length == 0) return ControlUnreachable{socket_path + ": the gateway closed the connection"};
        if (length > 0) response.append(buffer, static_cast<std::size_t>(length));
        if (response.size() > longest_response_bytes) {
            return ControlUnreachable{socket_path + ": the answer is too long"};
        }
    }
    response.pop_back();
    return response;
}

}  // namespace sluice
