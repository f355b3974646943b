// SPDX-License-Identifier: Apache-2.0
//
// Requests that take longer than a moment (an image is verified): done one after the other in a thread of their
// own, so that who asks for the status meanwhile is not kept waiting. start() and finished(): the control
// server's thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace sluice {

/// Gives the response line (without its end). Called once.
using ControlWork = std::function<std::string()>;
/// Called some five times a second and after each piece of work, by the thread that does the work.
using ControlTick = std::function<void()>;

class ControlWorker {
  public:
    struct Finished {
        std::uint64_t client;
        std::string response;
    };

    explicit ControlWorker(ControlTick tick);
    /// Ends the piece in hand and leaves the others undone.
    ~ControlWorker();
    ControlWorker(const ControlWorker&) = delete;
    ControlWorker& operator=(const ControlWorker&) = delete;

    void start(std::uint64_t client, ControlWork work);
    /// What was finished since the last call.
    std::vector<Finished> finished();
    /// An eventfd, readable while there may be something finished.
    int event() const { return event_; }

  private:
    struct Piece {
        std::uint64_t client;
        ControlWork work;
    };
    void run();

    ControlTick tick_;
    int event_;
    std::mutex mutex_;  // of the four below
    std::condition_variable changed_;
    std::deque<Piece> waiting_;
    std::vector<Finished> finished_;
    bool stop_ = false;
    std::thread thread_;
};

}  // namespace sluice
