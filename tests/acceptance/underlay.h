// SPDX-License-Identifier: Apache-2.0
//
// The same tests over either underlay. They are written as if tunnels were over IPv4; where they run over IPv6,
// the policy's endpoints are translated (198.51.100.N is 2001:db8:51::N), and so is what is on the wire of the
// underlay, there and back: packets in tunnels, ARP and neighbour discovery, echo. What comes back is judged
// on the way: what every packet over IPv6 must look like. Written without runtime/packet.
#pragma once

#include <string_view>

#include "tests/acceptance/change.h"
#include "tests/support/test_gateway.h"

namespace sluice::test {

/// A policy whose tunnels are over `outside`, with 20 bytes more on their port V0 for the longer headers.
Texts over(Family outside, Texts texts);
Ip endpoint(Family outside, const std::string& ipv4);

/// A frame of the underlay's, as it is over IPv6.
Bytes into_ipv6(const Bytes& frame);
/// And back. Fails the test where the frame is not what this gateway may send.
Bytes back_to_ipv4(const Bytes& frame);

/// A gateway whose tunnels are on ports called V-something.
class UnderlayGateway : public TestGateway {
  public:
    UnderlayGateway(const Image& image, const ShardSettings& settings, Family outside)
        : TestGateway(image, settings), outside_(outside) {}

    std::vector<SentFrame> inject(std::string_view port, const Bytes& frame);
    std::vector<SentFrame> advance(Time duration) { return from_wire(TestGateway::advance(duration)); }

  private:
    std::vector<SentFrame> from_wire(std::vector<SentFrame> sent) const;

    Family outside_;
};

}  // namespace sluice::test
