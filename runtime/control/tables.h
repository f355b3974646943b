// SPDX-License-Identifier: Apache-2.0
//
// Sessions, neighbours and cached flows as JSON rows. Works on copies that the packet thread handed out; any
// thread.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <vector>

#include "runtime/image/image.h"
#include "runtime/shard/shard.h"

namespace sluice {

nlohmann::ordered_json sessions_json(const Image& image, std::span<const Session> sessions, Time now);
nlohmann::ordered_json neighbours_json(const Image& image, std::span<const Neighbour> neighbours, Time now);
nlohmann::ordered_json flows_json(const Image& image, std::span<const FlowSummary> flows, Time now);

}  // namespace sluice
