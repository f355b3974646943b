// SPDX-License-Identifier: Apache-2.0
//
// The way of a packet by look-ups alone: what the stages would find for a plain packet that is forwarded or
// denied, without their records, their answers and their names for drops, and with a memo before the
// classifier. The trace that comes out says the same as the pipeline's. Whatever is unusual (an address of
// ours, no route, a filter, a port that is not free, TTL, MTU, a rule that logs a denial or rejects) is left to
// the pipeline. Owner shard only; changes nothing but the trace and the memo. No allocation.
#pragma once

#include "runtime/stages/stage.h"

namespace sluice {

/// True: `trace` ends in Fate::forward, or in Fate::drop with denied_by_firewall. False: ask the pipeline; the
/// trace says nothing but, among the reasons not to cache, that it is for NAT64. `packet` is whole, has no
/// options, and is no ICMP error. `session_absent`: the flow table does not know it, so the first router has no
/// session of it.
bool look_up_path(const Image& image, const StageTables& tables, RuleMemo* memo, const PacketView& packet,
                  InterfaceRef ingress, bool session_absent, Trace& trace);

}  // namespace sluice
