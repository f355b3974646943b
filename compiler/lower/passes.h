// SPDX-License-Identifier: Apache-2.0
//
// The passes that turn one checked tenant into tables, a file each. They depend on nothing but the tenant (and,
// for its interfaces, on nothing of other tenants), so that tenants lower in parallel and in any order to the
// same rows.
#pragma once

#include "compiler/lower/build_image.h"
#include "compiler/lower/tenant_tables.h"
#include "compiler/policy/policy.h"

namespace sluice::lower {

/// All of them, in their order.
TenantTables lower_tenant(const policy::Tenant& tenant, std::size_t own_from = own_routes_from);

/// Interfaces, their addresses and their static neighbours.
void lower_interfaces(const policy::Tenant& tenant, TenantTables& tables);
/// Connected, implied and configured routes, their adjacencies and ECMP groups.
void lower_routes(const policy::Tenant& tenant, TenantTables& tables, std::size_t own_from = own_routes_from);
/// NAT rules and the external addresses they present.
void lower_nat(const policy::Tenant& tenant, TenantTables& tables);
/// What those rules do with each address and port: after lower_nat.
void lower_nat_classes(const policy::Tenant& tenant, TenantTables& tables);
/// The external addresses that an interface answers for: after lower_nat.
void lower_proxied(const policy::Tenant& tenant, TenantTables& tables);
/// Address, service and zone classes, rules and the classifier that finds them.
void lower_firewall(const policy::Tenant& tenant, TenantTables& tables);

}  // namespace sluice::lower
