// SPDX-License-Identifier: Apache-2.0
//
// Which source a packet would leave with by an interface: used by source NAT, and by destination NAT to know
// how a hairpinned sender looks to the receiver.
#pragma once

#include "runtime/stages/stage.h"

namespace sluice {

struct SourceChoice {
    Ip source;
    std::uint16_t source_port = 0;
    bool exhausted = false;            // a rule matched and had no port left (NAT_NO_PORT)
    std::uint32_t row = no_stage_row;  // the NAT rule that matched; a one-to-one rule has one_to_one_bit, an
                                       // exemption exempt_bit
    std::optional<NatTable::Choice> dynamic;
    InsideEndpoint inside;
};

/// The first that matches: an exemption, one-to-one, then the dynamic rules in the policy's order. Nothing
/// matches, or an exemption: the source stays. Two look-ups and a choice of port, whatever the number of rules.
SourceChoice choose_source(const StageContext& context, std::uint16_t out_interface,
                           const IpAndFamily& destination);

}  // namespace sluice
