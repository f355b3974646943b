// SPDX-License-Identifier: Apache-2.0
//
// From a path to a checked policy: reads gateway.yaml and the tenants' files, and finds every problem in one
// run. Any thread; each call is on its own. 100,000 firewall rules take a few seconds.
#pragma once

#include <optional>
#include <string>

#include "compiler/front/diagnostics.h"
#include "compiler/front/files.h"
#include "compiler/front/source.h"
#include "compiler/policy/policy.h"

namespace sluice::sema {

struct CheckResult {
    std::optional<policy::Policy> policy;  // nothing where there are errors
    front::Diagnostics diagnostics;        // sorted
    front::Sources sources;                // what the diagnostics point into
};

/// `path` is a directory that holds gateway.yaml, or that file.
CheckResult check_policy(const std::string& path, const front::Files& files);

}  // namespace sluice::sema
