// SPDX-License-Identifier: Apache-2.0
//
// Parsing of whole frames, for tests.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>

#include "runtime/packet/parse.h"
#include "tests/support/packets.h"

namespace sluice::test {

struct Parsed {
    std::optional<DropReason> reason;
    L2View l2;
    IpView ip;
};

inline Parsed parse(const Bytes& frame) {
    Parsed parsed;
    const auto l2 = parse_l2(frame);
    if (!l2) throw std::invalid_argument("the frame has no whole layer 2 header");
    parsed.l2 = *l2;
    // A copy of its own, so that a sanitizer sees any read behind the packet.
    const Bytes packet(frame.begin() + l2->length, frame.end());
    parsed.reason = parse_ip_packet(packet, l2->ethertype, parsed.ip);
    return parsed;
}

/// "" when the packet is fine.
inline std::string reason_of(const Bytes& frame) {
    const auto reason = parse(frame).reason;
    return reason ? std::string(name_of(*reason)) : "";
}

inline PacketView packet_view(Bytes& frame) {
    const Parsed parsed = parse(frame);
    PacketView view;
    view.frame.data = frame.data();
    view.frame.length = static_cast<std::uint32_t>(frame.size());
    view.l2 = parsed.l2;
    view.ip = parsed.ip;
    return view;
}

}  // namespace sluice::test
