// SPDX-License-Identifier: Apache-2.0
#include "runtime/control/mailbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace sluice {

Mailbox::Mailbox() : event_(eventfd(0, EFD_CLOEXEC)) {
    if (event_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

Mailbox::~Mailbox() {
    ::close(event_);
}

bool Mailbox::run(const MailboxJob& job) {
    const std::lock_guard one_at_a_time(asking_);
    if (closed_.load(std::memory_order_acquire)) return false;
    pending_.store(&job, std::memory_order_release);
    // The event is a counter: a close() between the two lines above and this wait is not missed.
    while (pending_.load(std::memory_order_acquire) != nullptr) {
        std::uint64_t count = 0;
        if (read(event_, &count, sizeof count) < 0 && errno != EINTR) break;
        if (closed_.load(std::memory_order_acquire)) break;
    }
    return pending_.exchange(nullptr, std::memory_order_acq_rel) == nullptr;
}

void Mailbox::do_slice(const MailboxJob& job) {
    if (!job()) return;
    pending_.store(nullptr, std::memory_order_release);
    wake();
}

void Mailbox::close() {
    closed_.store(true, std::memory_order_release);
    wake();
}

void Mailbox::wake() {
    const std::uint64_t one = 1;
    // Fails only where the counter is full, and then nobody sleeps on it.
    [[maybe_unused]] const auto written = write(event_, &one, sizeof one);
}

}  // namespace sluice
