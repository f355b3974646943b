// SPDX-License-Identifier: Apache-2.0
#include "runtime/programs/link_watch.h"

#include <fmt/format.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "runtime/programs/log.h"

namespace sluice {
namespace {

constexpr auto pause_between_looks = std::chrono::milliseconds(50);

}  // namespace

LinkWatch::LinkWatch(Shard& shard, const std::vector<std::unique_ptr<DpdkPort>>& ports, Mailbox& mailbox)
    : shard_(shard), ports_(ports), mailbox_(mailbox), up_(ports.size(), true) {
    thread_ = std::jthread([this](const std::stop_token& stop) {
        std::mutex mutex;
        std::condition_variable_any stopped;
        std::unique_lock lock(mutex);
        while (!stop.stop_requested()) {
            look();
            stopped.wait_for(lock, stop, pause_between_looks, [] { return false; });
        }
    });
}

void LinkWatch::look() {
    for (std::size_t port = 0; port < ports_.size(); ++port) {
        const bool up = ports_[port]->link_up();
        if (up == up_[port]) continue;
        const bool told = mailbox_.run([&] {
            shard_.set_link(static_cast<std::uint16_t>(port), up);
            return true;
        });
        if (!told) return;  // the gateway ends
        up_[port] = up;
        if (up) {
            log_info(fmt::format("port {} has its link again", ports_[port]->name()));
        } else {
            log_warning(
                fmt::format("port {} has lost its link: what can goes other ways", ports_[port]->name()));
        }
    }
}

}  // namespace sluice
