// SPDX-License-Identifier: Apache-2.0
//
// How another thread has something done by the packet thread, between two bursts. One job at a time.
//
// run(): any thread that may wait. serve() and close(): the packet thread. serve() costs one load while nothing
// is asked: no lock and no read-modify-write on the packet path.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>

namespace sluice {

/// One slice of the work, short enough not to hold up packets. True: all is done.
using MailboxJob = std::function<bool()>;

class Mailbox {
  public:
    Mailbox();
    ~Mailbox();
    Mailbox(const Mailbox&) = delete;
    Mailbox& operator=(const Mailbox&) = delete;

    /// Waits until the packet thread has done the job, and others' before it. False: it has ended and will not.
    bool run(const MailboxJob& job);

    void serve() {
        if (const MailboxJob* job = pending_.load(std::memory_order_acquire); job != nullptr) [[unlikely]] {
            do_slice(*job);
        }
    }
    /// No job is served from here on; a waiting run() returns.
    void close();

  private:
    void do_slice(const MailboxJob& job);
    void wake();

    std::mutex asking_;  // never the packet thread's
    std::atomic<const MailboxJob*> pending_{nullptr};
    std::atomic<bool> closed_{false};
    int event_;  // eventfd: a job was finished, or the mailbox closed
};

}  // namespace sluice
