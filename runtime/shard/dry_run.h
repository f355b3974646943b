// SPDX-License-Identifier: Apache-2.0
//
// What would become of a packet: the trace of its way, with nothing done. A plain value.
#pragma once

#include <optional>

#include "runtime/packet/view.h"
#include "runtime/stages/stage.h"
#include "runtime/state/neighbour_table.h"
#include "schemas/layout/image_types.h"

namespace sluice {

struct DryRun {
    PacketView packet;     // as it was given
    InterfaceRef came_by;  // the interface, or the attachment of a segment, that it came in by
    Trace trace;
    std::optional<Neighbour> neighbour;  // that it would be sent to, where it is known
    std::optional<Ip> remote;            // the tunnel endpoint that the neighbour is behind
};

/// Where a frame would go in a segment that switches frames: neither remote nor attachment, and it is not
/// known.
struct SwitchRun {
    InterfaceRef came_by;  // the segment, for out of a tunnel, or one of its attachments
    Mac mac;               // that it is for
    enum class KnownBy : std::uint8_t { nobody, command, policy, frames } known_by = KnownBy::nobody;
    std::optional<Ip> remote;                 // the tunnel endpoint that the station is behind
    std::optional<std::uint16_t> attachment;  // or the slot of the attachment
};
/// What the policy says of it.
inline SwitchRun switch_by_policy(const Image& image, InterfaceRef came_by, Mac mac) {
    SwitchRun run;
    run.came_by = came_by;
    run.mac = mac;
    const TenantView& tenant = image.tenants()[came_by.tenant];
    const std::uint16_t segment = tenant.entered_by(tenant.interface_position(came_by.interface));
    const image::Station* const row = tenant.find_station(segment, mac);
    if (row == nullptr) return run;
    run.known_by = SwitchRun::KnownBy::policy;
    run.remote = from_image(tenant.remotes[row->remote()]);
    return run;
}

}  // namespace sluice
