// SPDX-License-Identifier: Apache-2.0
//
// Address classes: two addresses are of one class when the same address sets of the firewall contain them. A
// packet looks up a class once an end, whatever the number of sets and rules. Any thread. Cost: a sort of all
// prefixes of all sets; memory grows with the sum of how many different sets contain each prefix.
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/lower/class_numbering.h"
#include "compiler/lower/comb_builder.h"
#include "compiler/lower/lpm_builder.h"
#include "compiler/policy/policy.h"
#include "schemas/layout/address_class.h"

namespace sluice::lower {

/// IPv4 address to class; class 0 is in no set.
struct AddressClassTable {
    CombTable comb;
    LpmTable lpm;  // instead, where the walk would be too large

    AddressClassView view() const { return {comb.view(), lpm.view()}; }
    std::size_t bytes() const { return comb.bytes() + lpm.bytes(); }
};

struct AddressClasses {
    AddressClassTable table4;
    LpmTable table6;  // IPv6 address to class
    ClassNumbering numbering;
    std::vector<std::uint32_t>
        set_of;  // of each argument: sets of the same prefixes are one set of `numbering`

    std::vector<ClassRange> ranges_of(const std::vector<std::uint32_t>& sets) const;
};

AddressClasses classify_addresses(const std::vector<policy::AddressSet>& sets);

}  // namespace sluice::lower
