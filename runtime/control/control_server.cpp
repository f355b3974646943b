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
#include <cstring>
#include <list>
#include <thread>
#include <vector>

namespace sluice {
namespace {

using Clock = std::chrono::steady_clock;

struct Client {
    int socket;
    std::uint64_t number;
    std::string received;  // of the request that is arriving
    std::string to_send;   // of the response; while there is some, nothing is read
    std::size_t sent = 0;
    bool working = false;  // its request is with the worker; nothing is read meanwhile
    Clock::time_point progress = Clock::now();

    Client(int accepted, std::uint64_t number_) : socket(accepted), number(number_) {}
    ~Client() { close(socket); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    bool sending() const { return sent < to_send.size(); }
    short awaited() const { return static_cast<short>(working ? 0 : sending() ? POLLOUT : POLLIN); }
};

}  // namespace

struct ControlServer::State {
    State(int listening_socket, ControlHandler request_handler, ControlLog line_log, ControlTick time_passes)
        : listener(listening_socket),
          handler(std::move(request_handler)),
          log(std::move(line_log)),
          worker(std::move(time_passes)),
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
    bool respond(Client& client, const std::string& response);
    void hand_out_finished();

    int listener;
    ControlHandler handler;
    ControlLog log;
    ControlWorker worker;
    int stop_event;
    std::atomic<bool> stop{false};
    std::list<Client> clients;
    std::uint64_t clients_so_far = 0;
    bool refused = false;  // the last accept(), for lack of descriptors or memory
    Clock::time_point accept_again;
    std::thread thread;
};

void ControlServer::State::serve() {
    std::vector<pollfd> waiting;
    while (!stop.load(std::memory_order_relaxed)) {
        waiting.assign({{stop_event, POLLIN, 0}, {listener, POLLIN, 0}, {worker.event(), POLLIN, 0}});
        // The next ones wait in the listen queue.
        const bool pauses = refused && Clock::now() < accept_again;
        if (clients.size() == most_clients || pauses) waiting[1].fd = -1;
        for (const Client& client : clients) waiting.push_back({client.socket, client.awaited(), 0});
        poll(waiting.data(), waiting.size(), clients.empty() && !pauses ? -1 : pause_ms);
        const auto patient_since = Clock::now() - std::chrono::milliseconds(patience_ms);
        auto ready = waiting.begin() + 3;
        for (auto client = clients.begin(); client != clients.end(); ++ready) {
            const bool keep = ready->revents == 0 ? client->working || client->progress > patient_since
                                                  : !client->working && progress(*client);
            client = keep ? std::next(client) : clients.erase(client);
        }
        if (waiting[2].revents != 0) hand_out_finished();
        if (waiting[1].revents != 0) accept_clients();
    }
}

void ControlServer::State::accept_clients() {
    while (clients.size() < most_clients) {
        const int accepted = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (accepted < 0) {
            if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) return;
            // The listener stays readable: without a pause this would spin.
            if (!refused) log(fmt::format("control connections wait: {}", std::strerror(errno)));
            refused = true;
            accept_again = Clock::now() + std::chrono::milliseconds(pause_ms);
            return;
        }
        refused = false;
        ucred peer{};
        socklen_t length = sizeof peer;
        if (getsockopt(accepted, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0) {
            log(fmt::format("control connection from process {}, user {}, group {}", peer.pid, peer.uid,
                            peer.gid));
        }
        clients.emplace_back(accepted, ++clients_so_far);
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
    ControlAnswer made = handler(client.received.substr(0, end));
    client.received.erase(0, end + 1);
    if (const auto* response = std::get_if<std::string>(&made)) return respond(client, *response);
    client.working = true;
    worker.start(client.number, std::get<ControlWork>(std::move(made)));
    return true;
}

bool ControlServer::State::respond(Client& client, const std::string& response) {
    client.to_send = response + "\n";
    client.sent = 0;
    return send_some(client);
}

void ControlServer::State::hand_out_finished() {
    for (const auto& [number, response] : worker.finished()) {
        for (auto client = clients.begin(); client != clients.end(); ++client) {
            if (client->number != number) continue;
            client->working = false;
            client->progress = Clock::now();
            if (!respond(*client, response)) clients.erase(client);
            break;
        }
    }
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
