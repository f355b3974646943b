// SPDX-License-Identifier: Apache-2.0
//
// A tenant's slots in an image that follows another one. Allocates: any thread but a packet thread.
#pragma once

#include <memory>

#include "runtime/image/image.h"

namespace sluice {

/// `now` is the tenant as loaded, null where it has vanished; `before` the one of its name in the running
/// image, null where it had none. Where the section is the same (`unchanged`) the slots are.
std::shared_ptr<const TenantSlots> slots_of(const TenantView* now, const TenantView* before, bool unchanged,
                                            std::uint32_t generation, std::uint32_t forgotten);

}  // namespace sluice
