// SPDX-License-Identifier: Apache-2.0
#include "runtime/state/timer_wheel.h"
#include "runtime/state/fetch_line.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace sluice {

TimerWheel::TimerWheel(std::uint32_t capacity, std::uint32_t slots)
    : nodes_(capacity), lists_(std::size_t{std::bit_ceil(slots)} + 1), slot_mask_(std::bit_ceil(slots) - 1) {}

void TimerWheel::schedule_tick(std::uint32_t number, std::uint64_t due_tick) noexcept {
    cancel(number);
    const auto next = static_cast<std::uint32_t>(tick_ + 1);
    const auto wished = static_cast<std::uint32_t>(due_tick);
    nodes_[number].due_tick = static_cast<std::int32_t>(wished - next) < 0 ? next : wished;
    append(number, in_slot);
}

void TimerWheel::jump_to(std::uint64_t tick) noexcept {
    if (empty()) tick_ = std::max(tick_, tick);
}

void TimerWheel::collect_due() noexcept {
    ++tick_;
    // Both lists are linked anew in one walk.
    List& slot = lists_[tick_ & slot_mask_];
    List& ready = lists_[due_list()];
    std::uint32_t link = slot.head;
    slot = {};
    while (link != 0) {
        Node& node = nodes_[link - 1];
        const bool is_due = due(node);
        List& list = is_due ? ready : slot;
        node.where = is_due ? in_due_list : in_slot;
        node.previous = list.tail & 0x3fffffff;
        (list.tail == 0 ? list.head : nodes_[list.tail - 1].next) = link;
        list.tail = link;
        link = std::exchange(node.next, 0);
        if (link != 0) fetch_line(&nodes_[link - 1]);
    }
}

void TimerWheel::take_due(Group& group) noexcept {
    List& ready = lists_[due_list()];
    std::uint32_t link = ready.head;
    for (group.count = 0; link != 0 && group.count < most_at_once; ++group.count) {
        group.numbers[group.count] = link - 1;
        Node& node = nodes_[link - 1];
        node.where = nowhere;
        link = node.next;
    }
    ready.head = link;
    if (link == 0) {
        ready.tail = 0;
    } else {
        nodes_[link - 1].previous = 0;
    }
    armed_ -= group.count;
}

void TimerWheel::append(std::uint32_t number, Where where) noexcept {
    Node& node = nodes_[number];
    node.where = where;
    List& list = list_of(node);
    node.next = 0;
    node.previous = list.tail & 0x3fffffff;
    (list.tail == 0 ? list.head : nodes_[list.tail - 1].next) = number + 1;
    list.tail = number + 1;
    ++armed_;
}

void TimerWheel::unlink(std::uint32_t number) noexcept {
    Node& node = nodes_[number];
    List& list = list_of(node);
    (node.previous == 0 ? list.head : nodes_[node.previous - 1].next) = node.next;
    if (node.next == 0) {
        list.tail = node.previous;
    } else {
        nodes_[node.next - 1].previous = node.previous;
    }
    node.where = nowhere;
    --armed_;
}

}  // namespace sluice
