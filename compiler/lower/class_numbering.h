// SPDX-License-Identifier: Apache-2.0
//
// Classes: things that the same sets contain (addresses, services, interfaces; sets of them that firewall rules
// name). They are numbered so that a set is few ranges of numbers, one where sets nest or are disjoint, because
// the classifier works on ranges. Owned by the thread that lowers the tenant. Cost: memory and time grow with
// the sum of all classes' memberships.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace sluice::lower {

struct ClassRange {
    std::uint32_t low, high;  // inclusive
    friend bool operator==(const ClassRange&, const ClassRange&) = default;
};

using Membership = std::vector<std::uint32_t>;  // sets, ascending

class ClassNumbering {
  public:
    ClassNumbering() { handle_of({}); }
    ClassNumbering(ClassNumbering&&) = default;  // copies would point into the original
    ClassNumbering& operator=(ClassNumbering&&) = default;

    /// Stands for the class of what is in exactly these sets, until number() has numbered it.
    std::uint32_t handle_of(const Membership& membership);
    const Membership& membership_of(std::uint32_t handle) const { return *memberships_[handle]; }

    void number(std::size_t set_count);
    /// Class 0 is in no set.
    std::uint32_t class_of(std::uint32_t handle) const { return classes_[handle]; }
    std::uint32_t count() const { return static_cast<std::uint32_t>(memberships_.size()); }
    const std::vector<ClassRange>& ranges_of(std::uint32_t set) const { return ranges_[set]; }
    /// Of the union of sets.
    std::vector<ClassRange> ranges_of(std::span<const std::uint32_t> sets) const;

  private:
    struct Hash {
        std::size_t operator()(const Membership& membership) const;
    };
    std::unordered_map<Membership, std::uint32_t, Hash> handles_;
    std::vector<const Membership*> memberships_;   // of each handle
    std::vector<std::uint32_t> classes_;           // of each handle
    std::vector<std::vector<ClassRange>> ranges_;  // of each set
};

}  // namespace sluice::lower
