// SPDX-License-Identifier: Apache-2.0
//
// What operators do to a policy in a day, at random: rules, routes, NAT, neighbours, interfaces and tenants
// come, go, move and change. The result still compiles into an image that loads. The same seed gives the same
// change anywhere.
#pragma once

#include "compiler/policy/policy.h"
#include "tests/support/random.h"

namespace sluice::test {

/// One to four edits.
policy::Policy random_change(policy::Policy policy, Random& random);

}  // namespace sluice::test
