// SPDX-License-Identifier: Apache-2.0
//
// The tables that tenants share (image.fbs, SharedTable), by digest. Load time: a binary search each.
#pragma once

#include <cstdint>
#include <optional>

#include "runtime/image/image.h"

namespace sluice {

/// Position in `root.tables()`, which are in the order of their digests; nothing where none has this one.
std::optional<std::uint32_t> find_table(const image::Image& root, const image::TableDigest& digest);

const image::TableRoot& table_root(const image::SharedTable& table);

/// Null where there is no digest, no table with it, or one of another kind.
template <typename Content>
const Content* shared_content(const image::Image& root, const image::TableDigest* digest) {
    if (digest == nullptr) return nullptr;
    const auto place = find_table(root, *digest);
    return place ? table_root(*root.tables()->Get(*place)).content_as<Content>() : nullptr;
}

/// visit(name, digest, kind) for every table that a section may refer to; digests may be null.
template <typename Visit>
void for_each_reference(const image::Tenant& tenant, Visit&& visit) {
    using Kind = image::TableContent;
    visit("own_routes4", tenant.own_routes4(), Kind::Lpm);
    visit("own_routes6", tenant.own_routes6(), Kind::Lpm);
    visit("routes4", tenant.routes4(), Kind::Lpm);
    visit("routes6", tenant.routes6(), Kind::Lpm);
    visit("nat4", tenant.nat4(), Kind::Lpm);
    visit("nat6", tenant.nat6(), Kind::Lpm);
    visit("sets4", tenant.sets4(), Kind::Lpm);
    visit("sets4_walk", tenant.sets4_walk(), Kind::Comb);
    visit("sets6", tenant.sets6(), Kind::Lpm);
    visit("classifier", tenant.classifier(), Kind::Classifier);
    visit("classifier_walk", tenant.classifier_walk(), Kind::Comb);
    visit("services", tenant.services(), Kind::ServiceMap);
    visit("rules", tenant.rules(), Kind::RuleList);
}

}  // namespace sluice
