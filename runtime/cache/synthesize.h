// SPDX-License-Identifier: Apache-2.0
//
// From a finished trace that forwards to the plan that carries it out. Pure; any thread.
#pragma once

#include "runtime/cache/program.h"
#include "runtime/stages/stage.h"

namespace sluice {

/// What every packet that leaves by `egress` has in common: port, tags, MAC, MTU. For packets of our own as
/// well.
Program egress_program(const Image& image, InterfaceRef egress);

/// Sessions opened by this packet have no reference yet: the shard sets those in trace.hops when it commits,
/// before this. The neighbour and the IP ID slot are the shard's to add.
Plan synthesize(const Image& image, const Trace& trace, const IpView& packet);

}  // namespace sluice
