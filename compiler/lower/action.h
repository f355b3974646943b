// SPDX-License-Identifier: Apache-2.0
//
// What a firewall does, from the policy's word to the image's. Pure; any thread.
#pragma once

#include "compiler/policy/policy.h"
#include "schemas/image_generated.h"

namespace sluice::lower {

constexpr image::FirewallAction to_image(policy::Action action) {
    switch (action) {
        case policy::Action::allow:
            return image::FirewallAction::Allow;
        case policy::Action::drop:
            return image::FirewallAction::Drop;
        case policy::Action::reject:
            break;
    }
    return image::FirewallAction::Reject;
}

}  // namespace sluice::lower
