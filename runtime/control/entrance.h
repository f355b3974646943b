// SPDX-License-Identifier: Apache-2.0
//
// Where a packet would enter under an image, and what it is there: without the tunnel that it came through. For
// threads beside the packets; changes nothing.
#pragma once

#include <string_view>

#include "runtime/image/image.h"
#include "runtime/packet/view.h"

namespace sluice {

struct Entrance {
    const image::Binding* binding = nullptr;  // null: it does not enter
    std::string_view reason;                  // then: why, by its name in the registry
    PacketView packet;
};

/// `port`: the slot. The packet's headers have been parsed; those inside a tunnel are here.
Entrance entrance_of(const Image& image, std::uint16_t port, const PacketView& packet);

}  // namespace sluice
