// SPDX-License-Identifier: Apache-2.0
//
// A session opened under an older image, as the newest one sees it: would it be opened today, from the
// initiator's tuple and interface? Once an image, at the session's next packet, whichever direction that has;
// with no port and no session taken (seed-systems 1.7). Only this router's section is read.
//
// A translation stays where a rule of today still makes it: a mapping needs its own SNAT rule (the slot), which
// must still match and still have that address and port; what DNAT and one-to-one made of an address needs any
// rule that makes the same of it. A new NAT rule never moves a session.
//
// Owner shard only. No allocation. Costs about a first packet's route, firewall and NAT look-ups.
#pragma once

#include "runtime/stages/stage.h"

namespace sluice {

/// What is known of a session besides its translation, which the two tuples imply.
struct OpenedSession {
    Tuple forward, reverse;
    std::uint16_t in_interface = 0;             // by slot: where the first packet entered this router
    std::uint8_t icmp_type = 0;                 // of that packet
    std::uint32_t mapping = no_mapping;         // dynamic, of its source
    std::uint32_t joined_mapping = no_mapping;  // that it arrived through
};

struct Judgement {
    enum class Verdict : std::uint8_t {
        stands,
        kept,  // the firewall would not let it begin, and its tenant keeps such: by the rule that let it begin
        denied,  // the firewall would not let it begin: it ends, and its packet with it (FW_REEVAL_DENY)
        gone,    // its interface or its translation: it ends, and the packet is one without a session
        open,    // no route leads anywhere just now: asked again at the next packet
    } verdict;
    std::uint32_t rule = default_rule;  // the slot of the deciding one
};

OpenedSession opened(const SessionTable& sessions, SessionRef session);
Judgement rejudge(const Image& image, const StageTables& tables, const OpenedSession& session);

}  // namespace sluice
