// SPDX-License-Identifier: Apache-2.0
//
// A frame as one line for people: traces, failing tests. Any thread; allocates, so not for the packet path.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace sluice {

/// Such as "vlan 110 02:00:00:00:00:01 > 02:00:5e:00:01:01 10.1.1.5:5000 > 198.18.0.9:80 udp ttl 63 len 100".
/// Any bytes at all; what can't be parsed ends with the reason. `len` is the IP length, or the frame's for
/// others.
std::string describe(std::span<const std::uint8_t> frame);

}  // namespace sluice
