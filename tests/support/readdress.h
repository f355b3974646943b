// SPDX-License-Identifier: Apache-2.0
//
// A frame for somebody else, as a peer would have sent it: the peer of a host behind NAT knows that host by
// another address and port. Checksums move by the difference (RFC 1624), so that a wrong one stays as wrong as
// it is.
#pragma once

#include <cstdint>
#include <optional>

#include "tests/support/packets.h"

namespace sluice::test {

/// `port`: TCP's and UDP's, an ICMP query's identifier; left alone in fragments that have none. The frame must
/// be IP that decode() finds no fault in.
Bytes with_destination(Bytes frame, Ip destination, std::optional<std::uint16_t> port = std::nullopt);

}  // namespace sluice::test
