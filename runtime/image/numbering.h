// SPDX-License-Identifier: Apache-2.0
//
// The slots of an image, by name. A process that ends leaves them with what refers to them, so that the next
// one numbers the same image alike and everything that was keyed by a slot stays where it was. Any thread but a
// packet thread; allocates.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sluice {

/// Each list by slot, with the names of what has vanished.
struct Numbering {
    struct Tenant {
        std::string name;
        std::vector<std::string> interfaces, rules, snat_rules;
        std::vector<std::uint32_t> snat_slots;  // by position: SNAT rules have no names in an image
    };
    std::vector<std::string> ports;
    std::vector<Tenant> tenants;
};

}  // namespace sluice
