// SPDX-License-Identifier: Apache-2.0
//
// The control socket: a Unix stream socket (mode 0660), one JSON request a line, one JSON response a line. Owns
// two threads: the handler runs in one, what it says takes longer in the other. A client that is slow, silent
// or talks nonsense is cut off and holds up no one.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "runtime/control/control_worker.h"

namespace sluice {

/// A response line (without its end), or the work that makes it.
using ControlAnswer = std::variant<std::string, ControlWork>;
/// One request line (without its end) to its answer. Called in the server's thread: others wait meanwhile.
using ControlHandler = std::function<ControlAnswer(const std::string& request)>;
/// Told of connections and refusals, one line each. Called in the server's thread.
using ControlLog = std::function<void(const std::string& line)>;

/// The right to a socket path: held by one process at a time, for as long as the object lives.
class ControlSocket {
  public:
    /// Takes the lock beside the path (PATH.lock), replaces a socket that nobody listens on. Throws
    /// std::runtime_error that says who is in the way.
    explicit ControlSocket(std::string path);
    ~ControlSocket();  // removes socket and lock
    ControlSocket(const ControlSocket&) = delete;
    ControlSocket& operator=(const ControlSocket&) = delete;

    int listener() const { return listener_; }
    const std::string& path() const { return path_; }

  private:
    void take_lock();
    void refuse_living_socket() const;
    void listen_on_path();
    void give_up_lock();

    std::string path_;
    std::string lock_path_;
    int lock_ = -1;
    int listener_ = -1;
};

class ControlServer {
  public:
    static constexpr std::size_t most_clients = 16;
    static constexpr std::size_t longest_request_bytes = 64 * 1024;
    static constexpr int patience_ms = 10'000;  // without progress on either side of a request
    static constexpr int pause_ms = 1'000;      // before the next try where no descriptor is left for a client

    ControlServer(ControlSocket& socket, ControlHandler handler, ControlLog log, ControlTick tick = {});
    /// Ends the threads. Whoever the handler waits for must have let go of it before.
    ~ControlServer();
    ControlServer(const ControlServer&) = delete;
    ControlServer& operator=(const ControlServer&) = delete;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace sluice
