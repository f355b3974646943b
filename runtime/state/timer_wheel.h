// SPDX-License-Identifier: Apache-2.0
//
// Deadlines of numbered things (sessions, neighbours, datagrams), in ticks of 100 ms. One deadline a number;
// scheduling again replaces it. A hashed wheel (Varghese and Lauck, SOSP 1987) of doubly linked lists: schedule
// and cancel O(1); a deadline beyond the wheel's span waits further rounds in its slot.
//
// Owner shard only. Allocates in the constructor only.
#pragma once

#include <cstddef>
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
    /// Numbers 0 .. capacity - 1. `slots` is rounded up to a power of two.
    explicit TimerWheel(std::uint32_t capacity, std::uint32_t slots = 4096);

    /// Fires in the first tick whose start is not before `deadline`, at the earliest in the tick after the
    /// current one.
    void schedule(std::uint32_t number, Time deadline) noexcept;
    void cancel(std::uint32_t number) noexcept;
    bool empty() const noexcept { return armed_ == 0; }

    /// Steps to the next tick and calls expired(number) for each thing due, in the order they were scheduled.
    /// The callee may schedule and cancel any number, its own included; what it cancels or schedules anew does
    /// not fire in this tick.
    template <typename Expired>
    void step(Expired&& expired);

    std::uint64_t tick() const noexcept { return tick_; }
    /// Skips ahead with nothing armed; does nothing while something is.
    void jump_to(std::uint64_t tick) noexcept;
    /// What one number costs.
    static constexpr std::size_t node_bytes() { return sizeof(Node); }

  private:
    static constexpr std::uint32_t none = 0xffffffff;
    struct Node {
        std::uint64_t due_tick = 0;
        std::uint32_t next = none, previous = none;
        std::uint32_t list = none;  // the slot it waits in, or due_list(); none: not armed
    };
    struct List {
        std::uint32_t head = none, tail = none;
    };
    std::uint32_t due_list() const noexcept { return slot_mask_ + 1; }
    void append(std::uint32_t number, std::uint32_t list) noexcept;
    void unlink(std::uint32_t number) noexcept;

    std::vector<Node> nodes_;
    std::vector<List> lists_;  // the slots, then what is due in the tick being stepped
    std::uint32_t slot_mask_;
    std::uint64_t tick_ = 0;
    std::uint64_t armed_ = 0;
};

template <typename Expired>
void TimerWheel::step(Expired&& expired) {
    ++tick_;
    // What is due moves to a list of its own first. It stays linked there until its turn, so a callee's cancel
    // or schedule takes it out like out of any other list.
    for (std::uint32_t number = lists_[tick_ & slot_mask_].head; number != none;) {
        const std::uint32_t next = nodes_[number].next;
        if (nodes_[number].due_tick <= tick_) {
            unlink(number);
            append(number, due_list());
        }
        number = next;
    }
    while (lists_[due_list()].head != none) {
        const std::uint32_t number = lists_[due_list()].head;
        unlink(number);
        expired(number);
    }
}

}  // namespace sluice
