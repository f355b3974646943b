// SPDX-License-Identifier: Apache-2.0
//
// Look-ups by external NAT address that more than one stage makes.
#pragma once

#include <algorithm>
#include <utility>

#include "runtime/image/image.h"
#include "schemas/layout/image_types.h"

namespace sluice {

/// The row of an address that NAT presents to the outside, or null. Binary search.
inline const image::ExternalAddress* find_external(const TenantView& tenant, Ip ip, Family family) noexcept {
    const auto key = std::pair(static_cast<std::uint8_t>(family), ip);
    const auto at = std::lower_bound(tenant.externals.begin(), tenant.externals.end(), key,
                                     [](const image::ExternalAddress& row, const auto& wanted) {
                                         return std::pair(row.family(), from_image(row.ip())) < wanted;
                                     });
    if (at == tenant.externals.end() || at->family() != key.first || from_image(at->ip()) != ip) return nullptr;
    return &*at;
}

}  // namespace sluice
