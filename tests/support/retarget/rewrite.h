// SPDX-License-Identifier: Apache-2.0
//
// Gives a captured Ethernet frame other tags, another destination MAC and other IP addresses, so that a capture
// of somebody else's network looks as if it arrived at our gateway. Everything else stays as it was captured,
// broken things included: a wrong checksum stays wrong, a lying length keeps lying. Packets quoted in ICMP
// errors and addresses in ARP stay as they are. Reads no byte that was not captured. Written without
// runtime/packet, which it is used to test. Any thread; one allocation a frame.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "schemas/layout/address.h"

namespace sluice::test {

/// Addresses in `from` become addresses in `to`: with the same host part where both prefixes are equally long,
/// else with one that depends on the old address alone (never the subnet's own, its broadcast or its first 16
/// addresses, where gateways live).
struct AddressMap {
    Prefix from;
    Prefix to;
};

struct Retarget {
    Mac gateway;                      // replaces unicast destinations; groups stay groups
    std::vector<std::uint16_t> vids;  // replace all tags; two: 802.1ad outer, then 802.1Q
    std::vector<AddressMap> sources;  // the first that fits is used
    std::vector<AddressMap> destinations;
    std::optional<Prefix> only_from;  // other frames are left out
    std::optional<Prefix> only_to;
};

/// The new frame, or nothing where `only_from` or `only_to` leaves it out. Frames too short for Ethernet pass
/// unchanged.
std::optional<std::vector<std::uint8_t>> retarget(const Retarget& how, std::span<const std::uint8_t> frame);

}  // namespace sluice::test
