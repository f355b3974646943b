// SPDX-License-Identifier: Apache-2.0
#include "runtime/control/control_worker.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

namespace sluice {
namespace {

constexpr auto tick_time = std::chrono::milliseconds(200);

}  // namespace

ControlWorker::ControlWorker(ControlTick tick)
    : tick_(std::move(tick)), event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (event_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
    thread_ = std::thread([this] { run(); });
}

ControlWorker::~ControlWorker() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    changed_.notify_one();
    thread_.join();
    close(event_);
}

void ControlWorker::start(std::uint64_t client, ControlWork work) {
    {
        const std::lock_guard lock(mutex_);
        waiting_.push_back({client, std::move(work)});
    }
    changed_.notify_one();
}

std::vector<ControlWorker::Finished> ControlWorker::finished() {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = read(event_, &count, sizeof count);
    const std::lock_guard lock(mutex_);
    return std::exchange(finished_, {});
}

void ControlWorker::run() {
    std::unique_lock lock(mutex_);
    const auto woken = [this] { return stop_ || !waiting_.empty(); };
    while (!stop_) {
        if (tick_) {
            changed_.wait_for(lock, tick_time, woken);
        } else {
            changed_.wait(lock, woken);
        }
        if (stop_) return;
        if (waiting_.empty()) {
            lock.unlock();
            tick_();
            lock.lock();
            continue;
        }
        Piece piece = std::move(waiting_.front());
        waiting_.pop_front();
        lock.unlock();
        std::string response = piece.work();
        piece.work = nullptr;
        if (tick_) tick_();
        lock.lock();
        finished_.push_back({piece.client, std::move(response)});
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = write(event_, &one, sizeof one);
    }
}

}  // namespace sluice
