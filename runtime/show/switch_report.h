// SPDX-License-Identifier: Apache-2.0
//
// What becomes of a frame for a station of a segment that switches frames, as path_report.h has it of packets
// for the router. For `sluicectl trace --to` and `sluicec explain --to`. Any thread; allocates.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "runtime/image/image.h"
#include "runtime/shard/dry_run.h"

namespace sluice {

/// Whether a frame for that MAC is the router's own business where it came in.
bool is_for_router(const Image& image, InterfaceRef came_by, Mac mac);
/// Whether it is not, and came into a segment that switches frames.
bool is_switched(const Image& image, InterfaceRef came_by, Mac mac);

/// The same shape as path_report(): one step for where the frame came in, one for the segment, and one for each
/// way that it leaves by. "becomes" is not there: frames are not changed.
nlohmann::ordered_json switch_report(const Image& image, const SwitchRun& run);

}  // namespace sluice
