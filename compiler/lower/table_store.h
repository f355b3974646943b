// SPDX-License-Identifier: Apache-2.0
//
// The tables of an image that tenants share (image.fbs, SharedTable): each content once. What is in it does not
// depend on the order in which tenants bring theirs. Any thread: tenants compile in parallel; adding takes a
// lock, and hashes the bytes before that.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "compiler/lower/tenant_tables.h"
#include "compiler/policy/policy.h"
#include "schemas/layout/image_seal.h"

namespace sluice::lower {

image::TableDigest to_image(const Digest& digest);

class TableStore {
  public:
    /// `bytes`: a FlatBuffer with the root image::TableRoot.
    image::TableDigest add(std::vector<std::uint8_t> bytes);

    /// In the order of their digests. Not while others add.
    const std::map<Digest, std::vector<std::uint8_t>>& tables() const { return tables_; }

  private:
    std::mutex mutex_;
    std::map<Digest, std::vector<std::uint8_t>> tables_;
};

/// What a tenant's section refers to.
struct TenantDigests {
    std::optional<image::TableDigest> own_routes4, own_routes6, routes4, routes6, nat4, nat6, sets4, sets4_walk,
        sets6, classifier, classifier_walk, services, rules;
};

/// Adds a tenant's large tables to the store. Those without content get no digest.
TenantDigests emit_tables(const policy::Tenant& tenant, const TenantTables& tables, TableStore& store);

}  // namespace sluice::lower
