// SPDX-License-Identifier: Apache-2.0
#include "runtime/control/control_server.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <list>
#include <thread>
#include <vector>

namespace sluice {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int tick_ms = 200;

struct Client {
    int socket;
    std::string received;  // of the request that is arriving
    std::string to_send;   // of the response; while there is some, nothing is read
    std::size_t sent = 0;
    Clock::time_point progress = Clock::now();

    explicit Client(int accepted) : socket(accepted) {}
    ~Client() { close(socket); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    bool sending() const { return sent < to_send.size(); }
};

}  // namespace

struct ControlServer::State {
    State(int listening_socket, ControlHandler request_handler, ControlLog line_log, ControlTick time_passes)
        : listener(listening_socket),
          handler(std::move(request_handler)),
          log(std::move(line_log)),
          tick(std::move(time_passes)),
          stop_event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
    ~State() { close(stop_event); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    void serve();
    void accept_clients();
    /// False: the client is to be dropped.
    bool progress(Client& client);
    bool receive(Client& client);
    bool send_some(Client& client);
    bool answer(Client& client);

    int listener;
    ControlHandler handler;
    ControlLog log;
    ControlTick tick;
    int stop_event;
    std::atomic<bool> stop{false};
    std::list<Client> clients;
    std::thread thread;
};

void ControlServer::State::serve() {
    std::vector<pollfd> waiting;
    while (!stop.load(std::memory_order_relaxed)) {
        waiting.assign({{stop_event, POLLIN, 0}, {listener, POLLIN, 0}});
        if (clients.size() == most_clients) waiting[1].fd = -1;  // the next ones wait in the listen queue
        for (const Client& client : clients) {
            waiting.push_back({client.socket, static_cast<short>(client.sending() ? POLLOUT : POLLIN), 0});
        }
        poll(waiting.data(), waiting.size(), tick ? tick_ms : clients.empty() ? -1 : 1000);
        if (tick) tick();
        const auto patient_since = Clock::now() - std::chrono::milliseconds(patience_ms);
        auto ready = waiting.begin() + 2;
        for (auto client = clients.begin(); client != clients.end(); ++ready) {
            const bool keep = ready->revents == 0 ? client->progress > patient_since : progress(*client);
            client = keep ? std::next(client) : clients.erase(client);
        }
        if (waiting[1].revents != 0) accept_clients();
    }
}

void ControlServer::State::accept_clients() {
    while (clients.size() < most_clients) {
        const int accepted = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (accepted < 0) return;
        ucred peer{};
        socklen_t length = sizeof peer;
        if (getsockopt(accepted, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0) {
            log(fmt::format("control connection from process {}, user {}, group {}", peer.pid, peer.uid,
                            peer.gid));
        }
        clients.emplace_back(accepted);
    }
}

bool ControlServer::State::progress(Client& client) {
    client.progress = Clock::now();
    return client.sending() ? send_some(client) : receive(client);
}

bool ControlServer::State::receive(Client& client) {
    char buffer[4096];
    const ssize_t length = recv(client.socket, buffer, sizeof buffer, 0);
    if (length < 0) return errno == EAGAIN || errno == EINTR;
    if (length == 0) return false;
    client.received.append(buffer, static_cast<std::size_t>(length));
    return answer(client);
}

bool ControlServer::State::answer(Client& client) {
    const std::size_t end = client.received.find('\n');
    if (end == std::string::npos) {
        if (client.received.size() <= longest_request_bytes) return true;
        log("control connection closed: a request longer than 64 KiB");
        return false;
    }
    client.to_send = handler(client.received.substr(0, end)) + "\n";
    client.sent = 0;
    client.received.erase(0, end + 1);
    return send_some(client);
}

bool ControlServer::State::send_some(Client& client) {
    while (client.sending()) {
        const ssize_t length = send(client.socket, client.to_send.data() + client.sent,
                                    client.to_send.size() - client.sent, MSG_NOSIGNAL);
        if (length < 0) return errno == EAGAIN || errno == EINTR;
        client.sent += static_cast<std::size_t>(length);
    }
    client.to_send.clear();
    client.sent = 0;
    // A further request may have come along with the last one; no event will tell of it.
    return client.received.find('\n') == std::string::npos || answer(client);
}

ControlServer::ControlServer(ControlSocket& socket, ControlHandler handler, ControlLog log, ControlTick tick)
    : state_(std::make_unique<State>(socket.listener(), std::move(handler), std::move(log), std::move(tick))) {
    state_->thread = std::thread([state = state_.get()] { state->serve(); });
}

ControlServer::~ControlServer() {
    state_->stop.store(true, std::memory_order_relaxed);
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = write(state_->stop_event, &one, sizeof one);
    state_->thread.join();
}

}  // namespace sluice
