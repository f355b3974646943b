// SPDX-License-Identifier: Apache-2.0
//
// What a shard counted, for people and scripts: the replay report of product.md (stable JSON) and a short
// summary. Any thread, on counters that nobody writes meanwhile. Allocates.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "runtime/image/image.h"
#include "runtime/state/counters.h"

namespace sluice {

/// Keys in the order of product.md; `drops` and `uncacheable` hold what is not zero, sorted by name; every
/// port, tenant and rule is there, the firewall's default as "default" behind the rules.
nlohmann::ordered_json counters_report(const Image& image, const Counters& counters);

/// {"blue.sr.FW_DENY": N, ...}: what is not zero, sorted by name.
nlohmann::ordered_json drops_report(const Counters& counters);

/// JSON text as every command prints it: indented by two, ending with a newline. Bytes of a name that are no
/// UTF-8 become U+FFFD.
std::string json_text(const nlohmann::ordered_json& json);

/// The same numbers in a few lines: per tenant what came, went and was dropped and why, sessions, rules that
/// were hit. Takes counters_report()'s result, so that sluicectl can print what it received.
std::string summary_text(const nlohmann::ordered_json& report);

}  // namespace sluice
