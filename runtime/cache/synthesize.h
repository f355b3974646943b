// SPDX-License-Identifier: Apache-2.0
//
// From a finished trace that forwards to what carries it out. Pure; any thread.
#pragma once

#include "runtime/cache/program.h"
#include "runtime/stages/stage.h"

namespace sluice {

/// What every packet that leaves by `egress` has in common: port, tags, MAC, MTU. For packets of our own as
/// well.
Program egress_program(const Image& image, InterfaceRef egress);

/// What all packets of the trace have in common.
Program synthesize(const Image& image, const Trace& trace, const IpView& packet);
/// What this one's flow has for itself, but the neighbour.
Translation translation_by(const Trace& trace, const IpView& packet);

}  // namespace sluice
