// SPDX-License-Identifier: Apache-2.0
//
// Protocols and endpoints as people write them. Allocates; not for packet threads.
#pragma once

#include <cstdint>
#include <string>

#include "runtime/state/tuple.h"
#include "schemas/image_generated.h"

namespace sluice {

/// "tcp", "udp", "icmp", "icmpv6", else "ip/47".
std::string protocol_name(std::uint8_t protocol);
/// "tcp 10.1.1.5:5000 > 198.18.0.9:80"; an IPv6 address that has a port stands in brackets.
std::string describe(const Tuple& tuple);
/// By which frames enter: "VNI 5001", "VLAN 100", "VLAN 20 inside 10", "untagged".
std::string attachment_words(const image::Interface& row);

}  // namespace sluice
