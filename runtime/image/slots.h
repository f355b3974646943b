// SPDX-License-Identifier: Apache-2.0
//
// Slots: small numbers for named things, which stay the same from image to image. Positions in an image move
// with every line somebody adds to a policy; what outlives a burst (sessions, mappings, neighbours, programs,
// fragments, held packets, counters) must not, so it refers to slots. They are given off the packet path, when
// an image is made ready to follow the running one (Image::follow).
//
// A name that vanishes keeps its slot reserved: something may still refer to it, and the name may come back.
// The slot goes to another name only when every shard said that nothing refers to it any more (`forgotten`).
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

constexpr std::uint32_t no_slot = 0xffffffff;
constexpr std::uint32_t no_position = 0xffffffff;

/// Things of one kind, each with a name of its own. Immutable. Building allocates: any thread but a packet
/// thread.
class NameSlots {
  public:
    NameSlots() = default;
    /// Of a first image: the slot is the position.
    explicit NameSlots(std::span<const std::string_view> names);
    /// Of the image of `generation`, whose names these are, after the one with the slots `before`. A slot whose
    /// name vanished in generation `forgotten` or earlier may be given to another name.
    NameSlots(const NameSlots& before, std::span<const std::string_view> names, std::uint32_t generation,
              std::uint32_t forgotten);

    /// Slots as an earlier process gave them; no image has any of the names yet.
    static NameSlots remembered(std::span<const std::string> names_by_slot);

    std::uint32_t slot(std::uint32_t position) const noexcept { return slot_of_[position]; }
    /// Where the image has it; no_position where the name is not in it.
    std::uint32_t position(std::uint32_t slot) const noexcept { return position_of_[slot]; }
    /// Slots given so far, those of vanished names included.
    std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(position_of_.size()); }
    /// The name stays after it has vanished.
    const std::string& name(std::uint32_t slot) const noexcept { return details_[slot].name; }
    /// The generation in which the slot got its name.
    std::uint32_t since(std::uint32_t slot) const noexcept { return details_[slot].since; }
    /// The last generation in which a name vanished that has not come back nor lost its slot; 0: none.
    std::uint32_t vanished() const noexcept { return vanished_; }
    /// All names by slot.
    std::vector<std::string> names() const;
    /// no_slot where no slot has this name. Linear.
    std::uint32_t find(std::string_view name) const noexcept;

  private:
    static constexpr std::uint32_t never = std::numeric_limits<std::uint32_t>::max();
    struct Details {
        std::string name;
        std::uint32_t since = 0;
        std::uint32_t vanished = never;
    };
    void place(std::uint32_t slot, std::uint32_t position) {
        slot_of_[position] = slot;
        position_of_[slot] = position;
    }

    std::vector<std::uint32_t> slot_of_, position_of_;
    std::vector<Details> details_;  // by slot
    std::uint32_t vanished_ = 0;
};

/// What a tenant's sessions, neighbours and counters refer to.
struct TenantSlots {
    NameSlots interfaces;
    NameSlots rules;
    NameSlots snat_rules;  // which have no names: tenant_slots.cpp makes some from their content
};

/// An interface by its slots.
struct InterfaceRef {
    std::uint16_t tenant = 0;
    std::uint16_t interface = 0;
    friend bool operator==(const InterfaceRef&, const InterfaceRef&) = default;
};

}  // namespace sluice
