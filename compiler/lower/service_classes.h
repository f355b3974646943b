// SPDX-License-Identifier: Apache-2.0
//
// Service classes: a protocol and port is of one class with another when the same lists of services contain
// both. Any thread. Cost: a sweep over the boundaries of each protocol's ranges.
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/lower/class_numbering.h"
#include "compiler/policy/policy.h"

namespace sluice::lower {

struct ServiceClasses {
    std::vector<std::uint16_t> cells;  // schemas/layout/service_map.h reads them
    ClassNumbering numbering;          // set i is list i
};

/// Throws std::length_error where there are more than 65,536 classes.
ServiceClasses classify_services(const std::vector<std::vector<policy::Service>>& lists);

}  // namespace sluice::lower
