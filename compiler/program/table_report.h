// SPDX-License-Identifier: Apache-2.0
//
// What sluicec says of the tables that tenants share.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "compiler/analyze/image_report.h"

namespace sluice::program {

nlohmann::ordered_json json_of_tables(const ImageReport& image);

/// How many there are, what sharing saves, the largest one and the one whose worst look-up reads most.
void print_tables(const ImageReport& image);

}  // namespace sluice::program
