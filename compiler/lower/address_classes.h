// SPDX-License-Identifier: Apache-2.0
//
// Address classes: two addresses are of one class when the same address sets of the firewall contain them. A
// packet looks up a class once an end, whatever the number of sets and rules. Any thread. Cost: a sort of all
// prefixes of all sets; memory grows with classes × sets / 8 bytes.
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/lower/lpm_builder.h"
#include "compiler/policy/policy.h"

namespace sluice::lower {

struct AddressClasses {
    LpmTable table4, table6;  // address to class
    std::uint32_t words = 0;  // a row
    std::vector<std::uint64_t>
        rows;  // class c: words [c * words, (c + 1) * words), bit = set; class 0 is in no set
};

AddressClasses classify_addresses(const std::vector<policy::AddressSet>& sets);

}  // namespace sluice::lower
