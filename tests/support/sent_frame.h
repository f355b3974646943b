// SPDX-License-Identifier: Apache-2.0
//
// A frame on a port of the gateway: what tests put in, and what they got out.
#pragma once

#include <cstdint>

#include "tests/support/packets.h"

namespace sluice::test {

struct SentFrame {
    std::uint16_t port = 0;
    Bytes bytes;
    friend bool operator==(const SentFrame&, const SentFrame&) = default;
};

}  // namespace sluice::test
