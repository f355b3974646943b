// SPDX-License-Identifier: Apache-2.0
//
// Which slots begin anew with an image: everything else that is counted goes on. Found out off the packet path,
// so that a shard that goes over to the image does not look at each of a hundred thousand rules.
//
// Made by any thread but a packet thread (allocates); read by the owner of the counters.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "runtime/image/image.h"
#include "runtime/state/counters.h"

namespace sluice {

struct SlotChanges {
    struct Rule {
        std::uint16_t tenant;
        std::uint32_t slot;
    };

    /// `before` and `after`: made from both images; only how they are laid out is read.
    SlotChanges(const Image& running, const Counters& before, const Image& next, const Counters& after);

    std::vector<std::uint16_t> kept_ports, kept_tenants;
    std::vector<Rule> new_rules;  // of kept tenants
    /// Components then and now, where they are not all the same.
    std::vector<std::pair<Component, Component>> kept_components;
    bool same_components = false;
};

}  // namespace sluice
