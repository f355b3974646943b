// SPDX-License-Identifier: Apache-2.0
//
// Checks a policy on disk and shows people what is wrong with it: the first step of each command that takes a
// POLICY.
#pragma once

#include <string>

#include "compiler/sema/check.h"

namespace sluice::program {

/// Diagnostics go to standard error, in colour where that is a terminal.
sema::CheckResult check_and_report(const std::string& path);

}  // namespace sluice::program
