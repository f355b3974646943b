// SPDX-License-Identifier: Apache-2.0
//
// From an IPv4 address to its class among the sets that firewall rules name: a walk by digits, or where sets
// have too many prefixes for that, a longest-prefix-match table. Any thread, read only. Cost: four or five
// steps of a walk (comb.h), which take half the time of lpm.h's.
#pragma once

#include <cstdint>
#include <span>

#include "schemas/layout/address.h"
#include "schemas/layout/comb.h"
#include "schemas/layout/lpm_burst.h"

namespace sluice {

struct AddressClassView {
    CombView comb;
    LpmView lpm;  // where the walk is empty

    std::uint32_t lookup(Ip ip) const noexcept {
        if (comb.empty()) return lpm.lookup(ip);
        const std::uint32_t address = ip.v4();
        return comb.lookup([=](unsigned) { return address; });
    }

    /// classes[i] = lookup of addresses[i], in host order.
    void lookup_burst(std::span<const std::uint32_t> addresses, std::uint32_t* classes) const noexcept {
        if (comb.empty()) {
            lpm_lookup_burst(lpm, addresses, classes);
            return;
        }
        const std::uint32_t* const all = addresses.data();
        comb.lookup_burst(
            addresses.size(), [=](std::size_t i, unsigned) { return all[i]; }, classes);
    }
};

}  // namespace sluice
