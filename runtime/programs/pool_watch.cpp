// SPDX-License-Identifier: Apache-2.0
#include "runtime/programs/pool_watch.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "runtime/programs/log.h"

namespace sluice {

PoolWatch::PoolWatch(std::function<std::vector<Pool>()> look) : look_(std::move(look)) {
    thread_ = std::jthread([this](const std::stop_token& stop) {
        std::mutex mutex;
        std::condition_variable_any stopped;
        std::unique_lock lock(mutex);
        while (!stop.stop_requested()) {
            for (const PoolAlarms::Change& change : alarms_.look(look_())) {
                change.low ? log_warning(change.text) : log_info(change.text);
            }
            stopped.wait_for(lock, stop, std::chrono::seconds(1), [] { return false; });
        }
    });
}

}  // namespace sluice
