// SPDX-License-Identifier: Apache-2.0
//
// A packet's way through the gateway, step by step: what was looked up, what was found, by which line of which
// file, and how it ended. For `sluicectl trace` and `sluicec explain`. Any thread; allocates.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/image/image.h"
#include "runtime/shard/dry_run.h"

namespace sluice {

/// "TENANT/INTERFACE"; nothing where the image has no such interface.
std::optional<InterfaceRef> interface_named(const Image& image, std::string_view name);

/// {"packet", "on", "steps": [{"stage", "looked_up", "found", "verdict"}], "verdict", "reason" of a drop,
/// "becomes" where it leaves, "ttl_cost", "cacheable", "nocache": [why not]}. Stages are ports, interfaces
/// (TENANT/INTERFACE), parts of routers (TENANT.sr, TENANT.dr) and what is between them (TENANT.transit).
nlohmann::ordered_json path_report(const Image& image, const DryRun& run);
/// The same as lines. Throws nlohmann's exceptions where something is missing.
std::string path_text(const nlohmann::ordered_json& report);

}  // namespace sluice
