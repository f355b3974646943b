// SPDX-License-Identifier: Apache-2.0
//
// Images that are sealed and well-formed, but say something that must not be.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "compiler/lower/build_image.h"
#include "compiler/lower/emit.h"
#include "compiler/lower/passes.h"
#include "runtime/image/image.h"
#include "tests/support/policies.h"

namespace sluice::test {

inline std::string refusal_of(const std::vector<std::uint8_t>& file) {
    const auto result = Image::from_bytes(file);
    const auto* error = std::get_if<ImageError>(&result);
    return error == nullptr ? "accepted" : error->text;
}

/// The policy of two_tenants() with a change that the front end would never let through.
inline std::string refusal_of_policy(const std::function<void(policy::Policy&)>& change) {
    policy::Policy policy = two_tenants();
    change(policy);
    return refusal_of(build_image(policy));
}

/// The tables of tenant blue with a change that no pass makes.
inline std::string refusal_of_tables(const std::function<void(lower::TenantTables&)>& change) {
    const policy::Policy policy = two_tenants();
    std::vector<std::vector<std::uint8_t>> sections;
    lower::TableStore store;
    for (const policy::Tenant& tenant : policy.tenants) {
        lower::TenantTables tables = lower::lower_tenant(tenant);
        if (sections.empty()) change(tables);
        sections.push_back(lower::emit_tenant(tenant, tables, store));
    }
    return refusal_of(lower::emit_image(policy, sections, store));
}

}  // namespace sluice::test
