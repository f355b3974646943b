// SPDX-License-Identifier: Apache-2.0
//
// Deadlines of numbered things (sessions, neighbours, datagrams), in ticks of 100 ms. One deadline a number;
// scheduling again replaces it. A hashed wheel (Varghese and Lauck, SOSP 1987) of doubly linked lists: schedule
// and cancel O(1); a deadline beyond the wheel's span waits further rounds in its slot.
//
// Owner shard only. Allocates in the constructor only.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/packet/frame.h"

namespace sluice {

constexpr Time tick_nanoseconds = 100'000'000;
constexpr std::uint64_t tick_of(Time time) {
    return time / tick_nanoseconds;
}

class TimerWheel {
  public:
    explicit TimerWheel(std::uint32_t capacity, std::uint32_t slots = 4096);

    /// Fires in the first tick whose start is not before `deadline`, at the earliest in the tick after the
    /// current one.
    void schedule(std::uint32_t number, Time deadline);
    void cancel(std::uint32_t number);
    bool empty() const { return armed_ == 0; }

    /// Steps to the next tick and calls expired(number) for each thing due, in the order they were scheduled.
    /// The callee may schedule and cancel any number, its own included.
    template <typename Expired>
    void step(Expired&& expired);

    std::uint64_t tick() const { return tick_; }
    /// Skips ahead with nothing armed.
    void jump_to(std::uint64_t tick);

  private:
    static constexpr std::uint32_t none = 0xffffffff;
    struct Node {
        std::uint64_t due_tick = 0;
        std::uint32_t next = none, previous = none;
        bool armed = false;
    };
    void link(std::uint32_t number, std::uint64_t due_tick);
    void unlink(std::uint32_t number);

    std::vector<Node> nodes_;
    std::vector<std::uint32_t> heads_, tails_;
    std::uint32_t slot_mask_;
    std::uint64_t tick_ = 0;
    std::uint64_t armed_ = 0;
};

template <typename Expired>
void TimerWheel::step(Expired&& expired) {
    ++tick_;
    // Detach what is due before calling anyone, so that a callee that schedules into this very slot is not seen
    // twice.
    const std::uint32_t slot = static_cast<std::uint32_t>(tick_) & slot_mask_;
    std::uint32_t due_head = none, due_tail = none;
    for (std::uint32_t number = heads_[slot]; number != none;) {
        const std::uint32_t next = nodes_[number].next;
        if (nodes_[number].due_tick <= tick_) {
            unlink(number);
            nodes_[number].next = none;
            if (due_tail == none) {
                due_head = number;
            } else {
                nodes_[due_tail].next = number;
            }
            due_tail = number;
        }
        number = next;
    }
    while (due_head != none) {
        const std::uint32_t number = due_head;
        due_head = nodes_[number].next;
        nodes_[number].next = none;
        expired(number);
    }
}

}  // namespace sluice
