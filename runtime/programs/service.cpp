// SPDX-License-Identifier: Apache-2.0
#include "runtime/programs/service.h"

#include <systemd/sd-daemon.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>

namespace sluice {
namespace {

using std::chrono::microseconds;

constexpr microseconds longest_round = std::chrono::seconds(5);

/// sd_watchdog_enabled(3) asks for a sign of life in half the time; a loaded machine needs some of that.
microseconds round_time() {
    std::uint64_t limit = 0;
    if (sd_watchdog_enabled(0, &limit) <= 0) return longest_round;
    return std::min(longest_round, microseconds(limit / 4));
}

}  // namespace

ServiceNotifier::ServiceNotifier(Mailbox& mailbox, std::function<std::string()> status)
    : mailbox_(mailbox), status_(std::move(status)) {
    if (std::getenv("NOTIFY_SOCKET") != nullptr) thread_ = std::thread([this] { run(); });
}

ServiceNotifier::~ServiceNotifier() {
    if (!thread_.joinable()) return;
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    stopped_.notify_one();
    thread_.join();
    sd_notify(0, "STOPPING=1");
}

void ServiceNotifier::run() {
    const microseconds round = round_time();
    std::string said;
    // False once the packet thread has ended.
    while (mailbox_.run([] { return true; })) {
        const std::string status = "STATUS=" + status_() + "\n";
        std::string news = said.empty() ? "READY=1\n" : "";
        if (said != status) news += status;
        said = status;
        sd_notify(0, (news + "WATCHDOG=1").c_str());
        std::unique_lock lock(mutex_);
        if (stopped_.wait_for(lock, round, [this] { return stop_; })) return;
    }
}

}  // namespace sluice
