// SPDX-License-Identifier: Apache-2.0
//
// Address classes: two addresses are of one class when the same address sets of the firewall contain them. A
// packet looks up a class once an end, whatever the number of sets and rules. Any thread. Cost: a sort of all
// prefixes of all sets; memory grows with the sum of how many different sets contain each prefix.
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/lower/class_numbering.h"
#include "compiler/lower/lpm_builder.h"
#include "compiler/policy/policy.h"

namespace sluice::lower {

struct AddressClasses {
    LpmTable table4, table6;  // address to class; class 0 is in no set
    ClassNumbering numbering;
    std::vector<std::uint32_t>
        set_of;  // of each argument: sets of the same prefixes are one set of `numbering`

    std::vector<ClassRange> ranges_of(const std::vector<std::uint32_t>& sets) const;
};

AddressClasses classify_addresses(const std::vector<policy::AddressSet>& sets);

}  // namespace sluice::lower
