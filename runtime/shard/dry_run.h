// SPDX-License-Identifier: Apache-2.0
//
// What would become of a packet: the trace of its way, with nothing done. A plain value.
#pragma once

#include <optional>

#include "runtime/packet/view.h"
#include "runtime/stages/stage.h"
#include "runtime/state/neighbour_table.h"

namespace sluice {

struct DryRun {
    PacketView packet;  // as it was given
    Trace trace;
    std::optional<Neighbour> neighbour;  // that it would be sent to, where it is known
    std::optional<Ip> remote;            // the tunnel endpoint that the neighbour is behind
};

}  // namespace sluice
