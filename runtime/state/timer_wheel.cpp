// SPDX-License-Identifier: Apache-2.0
#include "runtime/state/timer_wheel.h"

#include <algorithm>
#include <bit>

namespace sluice {

TimerWheel::TimerWheel(std::uint32_t capacity, std::uint32_t slots)
    : nodes_(capacity), lists_(std::size_t{std::bit_ceil(slots)} + 1), slot_mask_(std::bit_ceil(slots) - 1) {}

void TimerWheel::schedule(std::uint32_t number, Time deadline) noexcept {
    unlink(number);
    const std::uint64_t first_not_before = tick_of(deadline) + (deadline % tick_nanoseconds != 0);
    nodes_[number].due_tick = std::max(first_not_before, tick_ + 1);
    append(number, static_cast<std::uint32_t>(nodes_[number].due_tick) & slot_mask_);
}

void TimerWheel::cancel(std::uint32_t number) noexcept {
    unlink(number);
}

void TimerWheel::jump_to(std::uint64_t tick) noexcept {
    if (empty()) tick_ = std::max(tick_, tick);
}

void TimerWheel::append(std::uint32_t number, std::uint32_t list) noexcept {
    Node& node = nodes_[number];
    node.list = list;
    node.next = none;
    node.previous = lists_[list].tail;
    (node.previous == none ? lists_[list].head : nodes_[node.previous].next) = number;
    lists_[list].tail = number;
    ++armed_;
}

void TimerWheel::unlink(std::uint32_t number) noexcept {
    Node& node = nodes_[number];
    if (node.list == none) return;
    List& list = lists_[node.list];
    (node.previous == none ? list.head : nodes_[node.previous].next) = node.next;
    (node.next == none ? list.tail : nodes_[node.next].previous) = node.previous;
    node.list = none;
    --armed_;
}

}  // namespace sluice
