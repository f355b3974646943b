// SPDX-License-Identifier: Apache-2.0
//
// Random packets for translators between the IP versions, with counterparts of their addresses: IPv4 from
// outside to hosts that have IPv6 only, and IPv6 back.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/packets.h"
#include "tests/support/random.h"

namespace sluice::test {

constexpr const char* crossing_prefix = "2001:db8:64::/96";
/// IPv4 and IPv6; all other addresses are mapped by the prefix.
extern const std::vector<std::pair<std::string, std::string>> crossing_hosts;

/// The address of the other family.
Ip counterpart(Ip ip, Family family);

class CrossingPackets {
  public:
    explicit CrossingPackets(std::uint64_t seed) : random_(seed) {}

    /// One packet or the fragments of one, as frames: TCP, UDP, GRE, ICMP of any kind, errors with quoted
    /// packets. Layer 4 checksums are wrong at times.
    std::vector<Bytes> next();

  private:
    Packet any(Family family, bool reversed);
    Bytes error(Packet packet, Family family);

    Random random_;
};

}  // namespace sluice::test
