// SPDX-License-Identifier: Apache-2.0
#include "compiler/lower/build_image.h"

#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include "compiler/lower/emit.h"
#include "compiler/lower/passes.h"

namespace sluice {

lower::TenantTables lower::lower_tenant(const policy::Tenant& tenant, std::size_t own_from) {
    TenantTables tables;
    lower_interfaces(tenant, tables);
    lower_routes(tenant, tables, own_from);
    lower_nat(tenant, tables);
    lower_nat_classes(tenant, tables);
    lower_proxied(tenant, tables);
    lower_firewall(tenant, tables);
    return tables;
}

std::vector<std::uint8_t> build_image(const policy::Policy& policy, unsigned threads, std::size_t own_from) {
    std::vector<std::vector<std::uint8_t>> sections(policy.tenants.size());
    lower::TableStore store;
    tbb::task_arena arena(threads == 0 ? tbb::task_arena::automatic : static_cast<int>(threads));
    arena.execute([&] {
        tbb::parallel_for(std::size_t{0}, sections.size(), [&](std::size_t i) {
            const policy::Tenant& tenant = policy.tenants[i];
            lower::TenantTables tables = lower::lower_tenant(tenant, own_from);
            tables.ttl_per_stage = tenant.ttl.value_or(policy.ttl) == policy::TtlMode::per_stage;
            sections[i] = lower::emit_tenant(tenant, tables, store);
        });
    });
    return lower::emit_image(policy, sections, store);
}

}  // namespace sluice
