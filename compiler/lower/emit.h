// SPDX-License-Identifier: Apache-2.0
//
// From tables to bytes. The bytes depend on the arguments alone. Throws std::length_error where a buffer would
// pass the 2 GiB that an image may have.
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/lower/table_store.h"
#include "compiler/lower/tenant_tables.h"
#include "compiler/policy/policy.h"

namespace sluice::lower {

/// One tenant's nested FlatBuffer, whose large tables go to the store; its length is a multiple of 64.
std::vector<std::uint8_t> emit_tenant(const policy::Tenant& tenant, const TenantTables& tables,
                                      TableStore& store);

/// The whole file: header, root, the tenants' sections in the policy's order, and the tables they refer to.
std::vector<std::uint8_t> emit_image(const policy::Policy& policy,
                                     const std::vector<std::vector<std::uint8_t>>& sections,
                                     const TableStore& store);

}  // namespace sluice::lower
