// SPDX-License-Identifier: Apache-2.0
//
// A fragment as the parser would have seen it, without any bytes: FragmentTable reads the view alone.
#pragma once

#include "runtime/packet/view.h"

namespace sluice::test {

inline PacketView fragment(unsigned offset, unsigned length, bool more) {
    PacketView packet;
    packet.ip.family = Family::v4;
    packet.ip.fragment = true;
    packet.ip.more_fragments = more;
    packet.ip.fragment_offset = static_cast<std::uint16_t>(offset);
    packet.ip.header_length = 20;
    packet.ip.total_length = 20 + length;
    return packet;
}

}  // namespace sluice::test
