// SPDX-License-Identifier: Apache-2.0
//
// Deadlines of numbered things (sessions, neighbours, datagrams), in ticks of 100 ms. One deadline a number;
// scheduling again replaces it. A hashed wheel (Varghese and Lauck, SOSP 1987) of doubly linked lists: schedule
// and cancel O(1); a deadline beyond the wheel's span waits further rounds in its slot.
//
// Owner shard only. Allocates in the constructor only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "runtime/packet/frame.h"
#include "runtime/state/big_array.h"

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
    void schedule(std::uint32_t number, Time deadline) noexcept {
        schedule_tick(number, tick_of(deadline) + (deadline % tick_nanoseconds != 0));
    }
    /// The same by tick; of the tick's number the lower half is enough.
    void schedule_tick(std::uint32_t number, std::uint64_t due_tick) noexcept;
    /// The lower half of the tick it fires in; the number must be armed.
    std::uint32_t due_tick(std::uint32_t number) const noexcept { return nodes_[number].due_tick; }
    void cancel(std::uint32_t number) noexcept {
        if (nodes_[number].where != nowhere) unlink(number);
    }
    bool empty() const noexcept { return armed_ == 0; }

    /// Steps to the next tick and calls expired(number) for each thing due, in the order they were scheduled.
    /// The callee may schedule and cancel any number, its own included; what it cancels or schedules anew does
    /// not fire in this tick.
    template <typename Expired>
    void step(Expired&& expired) {
        collect_due();
        while (lists_[due_list()].head != 0) {
            const std::uint32_t number = lists_[due_list()].head - 1;
            unlink(number);
            expired(number);
        }
    }
    /// The same in groups, for things that expire in masses: expired(numbers) gets up to so many together, and
    /// foresee(numbers) each group while the one before it is still to expire. They are disarmed then: the
    /// callee may schedule any number, but what it cancels of these groups expires all the same.
    static constexpr std::uint32_t most_at_once = 32;
    template <typename Foresee, typename Expired>
    void step_in_groups(Foresee&& foresee, Expired&& expired);

    std::uint64_t tick() const noexcept { return tick_; }
    /// Skips ahead with nothing armed; does nothing while something is.
    void jump_to(std::uint64_t tick) noexcept;
    /// What one number costs.
    static constexpr std::size_t node_bytes() { return sizeof(Node); }

  private:
    /// Links are numbers plus one, so that a node of zeroes is one that waits nowhere.
    struct Node {
        std::uint32_t due_tick;
        std::uint32_t next;
        std::uint32_t previous : 30, where : 2;
    };
    enum Where : std::uint32_t { nowhere, in_slot, in_due_list };
    static_assert(sizeof(Node) == 12);
    struct List {
        std::uint32_t head = 0, tail = 0;  // numbers plus one
    };
    std::uint32_t due_list() const noexcept { return slot_mask_ + 1; }
    bool due(const Node& node) const noexcept {
        return static_cast<std::int32_t>(node.due_tick - static_cast<std::uint32_t>(tick_)) <= 0;
    }
    List& list_of(const Node& node) noexcept {
        return lists_[node.where == in_due_list ? due_list() : node.due_tick & slot_mask_];
    }
    void append(std::uint32_t number, Where where) noexcept;
    void unlink(std::uint32_t number) noexcept;
    /// What is due in the next tick moves to a list of its own. It stays linked there until its turn, so a
    /// callee's cancel or schedule takes it out like out of any other list.
    void collect_due() noexcept;
    struct Group {
        std::array<std::uint32_t, most_at_once> numbers;
        std::uint32_t count = 0;
        std::span<const std::uint32_t> span() const { return {numbers.data(), count}; }
    };
    void take_due(Group& group) noexcept;

    BigArray<Node> nodes_;
    std::vector<List> lists_;  // the slots, then what is due in the tick being stepped
    std::uint32_t slot_mask_;
    std::uint64_t tick_ = 0;
    std::uint64_t armed_ = 0;
};

template <typename Foresee, typename Expired>
void TimerWheel::step_in_groups(Foresee&& foresee, Expired&& expired) {
    collect_due();
    Group groups[2];
    Group *now = &groups[0], *next = &groups[1];
    take_due(*now);
    if (now->count != 0) foresee(now->span());
    while (now->count != 0) {
        take_due(*next);
        if (next->count != 0) foresee(next->span());
        expired(now->span());
        std::swap(now, next);
    }
}

}  // namespace sluice
