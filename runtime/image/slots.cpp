// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/slots.h"

#include <algorithm>
#include <unordered_map>

namespace sluice {

NameSlots::NameSlots(std::span<const std::string_view> names) : NameSlots(NameSlots(), names, 0, 0) {}

NameSlots::NameSlots(const NameSlots& before, std::span<const std::string_view> names, std::uint32_t generation,
                     std::uint32_t forgotten)
    : slot_of_(names.size(), no_slot), position_of_(before.size(), no_position), details_(before.details_) {
    std::unordered_map<std::string_view, std::uint32_t> known;
    known.reserve(before.size());
    for (std::uint32_t slot = 0; slot < before.size(); ++slot) known.emplace(before.details_[slot].name, slot);
    for (std::uint32_t position = 0; position < names.size(); ++position) {
        const auto found = known.find(names[position]);
        if (found != known.end()) place(found->second, position);
    }
    std::uint32_t next = 0;  // the first slot that may be free
    const auto is_free = [&](std::uint32_t slot) {
        return position_of_[slot] == no_position && details_[slot].vanished <= forgotten;
    };
    for (std::uint32_t position = 0; position < names.size(); ++position) {
        if (slot_of_[position] != no_slot) continue;
        while (next < position_of_.size() && !is_free(next)) ++next;
        if (next == position_of_.size()) {
            position_of_.push_back(no_position);
            details_.emplace_back();
        }
        details_[next] = {std::string(names[position]), generation, never};
        place(next, position);
    }
    for (std::uint32_t slot = 0; slot < position_of_.size(); ++slot) {
        std::uint32_t& vanished = details_[slot].vanished;
        if (position_of_[slot] != no_position) {
            vanished = never;
        } else if (vanished == never) {
            vanished = generation;
        }
        if (vanished != never) vanished_ = std::max(vanished_, vanished);
    }
}

NameSlots NameSlots::remembered(std::span<const std::string> names_by_slot) {
    NameSlots slots;
    slots.position_of_.assign(names_by_slot.size(), no_position);
    for (const std::string& name : names_by_slot) slots.details_.push_back({.name = name});
    return slots;
}

std::vector<std::string> NameSlots::names() const {
    std::vector<std::string> names;
    for (const Details& details : details_) names.push_back(details.name);
    return names;
}

std::uint32_t NameSlots::find(std::string_view name) const noexcept {
    for (std::uint32_t slot = 0; slot < size(); ++slot) {
        if (details_[slot].name == name) return slot;
    }
    return no_slot;
}

}  // namespace sluice
