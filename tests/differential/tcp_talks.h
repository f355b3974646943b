// SPDX-License-Identifier: Apache-2.0
//
// TCP connections from their SYN to their end, as two hosts lead them: numbers that follow each other, segments
// sent twice, FINs of either side, refusals and resets in the window, late segments, and the same ports once
// more. A gateway stands between: what one side sends is what left the gateway for it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "compiler/policy/policy.h"
#include "tests/support/random.h"
#include "tests/support/random_packets.h"

namespace sluice::test {

class TcpTalks {
  public:
    TcpTalks(const policy::Policy& policy, std::uint64_t seed);

    /// One segment, to the gateway.
    SentFrame next();
    /// Where that segment left the gateway; nothing where it did not.
    void saw(const std::optional<SentFrame>& left);

    /// Of what left: FINs, RSTs, and SYNs of ports that were used before.
    std::uint64_t finished = 0, reset = 0, again = 0;

  private:
    enum class State { asked, refused, answered, open, reset, closed };
    struct Side {
        std::uint16_t port = 0;  // of the gateway
        Packet packet;           // the addresses that this side knows
        std::uint32_t sequence = 0;
        bool finished = false;
        std::optional<Packet> last;  // with data or FIN
    };
    struct Talk {
        State state = State::asked;
        std::array<Side, 2> sides;  // client, server
        bool used = false;          // its ports had a connection before
    };

    SentFrame open();
    SentFrame go_on(Talk& talk);
    SentFrame exchange(Talk& talk);
    SentFrame segment(Talk& talk, std::size_t side, std::uint8_t flags, std::size_t bytes, State next);
    SentFrame ask(Talk& talk);
    SentFrame repeat(Talk& talk, std::size_t side);
    static Side side_of(const SentFrame& frame, bool sender);

    Random random_;
    PacketSource openings_;
    std::vector<Talk> talks_;
    std::size_t current_ = 0;
    State next_state_ = State::asked;
    std::uint8_t flags_ = 0;
    bool to_server_ = false;
};

}  // namespace sluice::test
