// SPDX-License-Identifier: Apache-2.0
#include "compiler/lower/build_image.h"

#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include "compiler/lower/emit.h"
#include "compiler/lower/passes.h"

namespace sluice {

lower::TenantTables lower::lower_tenant(const policy::Tenant& tenant) {
    TenantTables tables;
    lower_interfaces(tenant, tables);
    lower_routes(tenant, tables);
    lower_nat(tenant, tables);
    lower_nat_classes(tables);
    lower_proxied(tenant, tables);
    lower_firewall(tenant, tables);
    return tables;
}

std::vector<std::uint8_t> build_image(const policy::Policy& policy, unsigned threads) {
    std::vector<std::vector<std::uint8_t>> sections(policy.tenants.size());
    tbb::task_arena arena(threads == 0 ? tbb::task_arena::automatic : static_cast<int>(threads));
    arena.execute([&] {
        tbb::parallel_for(std::size_t{0}, sections.size(), [&](std::size_t i) {
            const policy::Tenant& tenant = policy.tenants[i];
            sections[i] = lower::emit_tenant(tenant, lower::lower_tenant(tenant));
        });
    });
    return lower::emit_image(policy, sections);
}

}  // namespace sluice
