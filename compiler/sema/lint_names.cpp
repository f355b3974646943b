// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "compiler/sema/passes.h"

namespace sluice::sema {

void lint_unused_names(Context& context, const TenantScope& scope) {
    for (const auto& named : scope.addresses) {
        if (named.used) continue;
        context.report(Code::unused_addresses, named.where,
                       fmt::format("nothing uses the addresses \"{}\"", named.name));
    }
    for (const auto& [name, named] : scope.services) {
        if (named.used) continue;
        context.report(Code::unused_service, named.where, fmt::format("nothing uses the service \"{}\"", name));
    }
}

}  // namespace sluice::sema
