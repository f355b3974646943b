// SPDX-License-Identifier: Apache-2.0
//
// The back end of sluicec in one call: a checked policy becomes an image file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "compiler/policy/policy.h"

namespace sluice {

/// From so many configured routes of a family on, a tenant keeps what follows from its interfaces in a table of
/// its own, so that tenants with the same routes have the same table (image.fbs). It costs a look-up more.
constexpr std::size_t own_routes_from = 4096;

/// The bytes of the image. Tenants lower in parallel on `threads` threads (0: as many as there are cores); the
/// bytes depend on the policy alone. Throws std::length_error with a sentence for people where the image would
/// pass 2 GiB. Any thread; allocates about three times the image.
std::vector<std::uint8_t> build_image(const policy::Policy& policy, unsigned threads = 0,
                                      std::size_t own_from = own_routes_from);

}  // namespace sluice
