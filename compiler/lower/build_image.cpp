// SPDX-License-Identifier: Apache-2.0
#include "compiler/lower/build_image.h"

#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include "compiler/lower/emit.h"
#include "compiler/lower/passes.h"

namespace sluice {
namespace {

std::vector<std::uint8_t> lower_tenant(const policy::Tenant& tenant) {
    lower::TenantTables tables;
    lower::lower_interfaces(tenant, tables);
    lower::lower_routes(tenant, tables);
    lower::lower_nat(tenant, tables);
    lower::lower_proxied(tenant, tables);
    lower::lower_firewall(tenant, tables);
    return lower::emit_tenant(tenant, tables);
}

}  // namespace

std::vector<std::uint8_t> build_image(const policy::Policy& policy, unsigned threads) {
    std::vector<std::vector<std::uint8_t>> sections(policy.tenants.size());
    tbb::task_arena arena(threads == 0 ? tbb::task_arena::automatic : static_cast<int>(threads));
    arena.execute([&] {
        tbb::parallel_for(std::size_t{0}, sections.size(),
                          [&](std::size_t i) { sections[i] = lower_tenant(policy.tenants[i]); });
    });
    return lower::emit_image(policy, sections);
}

}  // namespace sluice
