// SPDX-License-Identifier: Apache-2.0
//
// What systemd wants to know of a service of Type=notify (sd_notify(3)): READY=1 once packets are served,
// STATUS= for `systemctl status`, WATCHDOG=1 as long as the packet thread turns, STOPPING=1. Each proof of life
// is a job that the packet thread has done, so that a loop that hangs is restarted. Does nothing where nobody
// asked (no NOTIFY_SOCKET).
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "runtime/control/mailbox.h"

namespace sluice {

class ServiceNotifier {
  public:
    /// Starts a thread, on the caller's cores; `status` is called there, once a round.
    ServiceNotifier(Mailbox& mailbox, std::function<std::string()> status);
    /// Says STOPPING=1. The mailbox must have been closed or be served.
    ~ServiceNotifier();
    ServiceNotifier(const ServiceNotifier&) = delete;
    ServiceNotifier& operator=(const ServiceNotifier&) = delete;

  private:
    void run();

    Mailbox& mailbox_;
    std::function<std::string()> status_;
    std::mutex mutex_;  // of stop_
    std::condition_variable stopped_;
    bool stop_ = false;
    std::thread thread_;
};

}  // namespace sluice
