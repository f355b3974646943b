// SPDX-License-Identifier: Apache-2.0
//
// The hosts that a NAT rule speaks of. One thread.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "compiler/sema/context.h"

namespace sluice::sema {

std::string_view family_name(Family family);

/// Reports what is of another family than its rule: nothing translates one into the other.
bool is_of_family(Context& context, const Node& node, Family here, Family there);

/// Addresses, prefixes, names under addresses, or any: one or a list. `key` names them in messages: snat.
/// Without a family: of both. Nothing where something was wrong, and was reported.
std::optional<std::vector<Prefix>> nat_addresses_of(Context& context, TenantScope& scope, const Node& node,
                                                    std::string_view key, std::optional<Family> family);

}  // namespace sluice::sema
