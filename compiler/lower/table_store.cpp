// SPDX-License-Identifier: Apache-2.0
#include "compiler/lower/table_store.h"

#include "compiler/lower/aligned_vector.h"

namespace sluice::lower {
namespace {

using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

template <typename Content>
image::TableDigest finish(FlatBufferBuilder& builder, TableStore& store, Offset<Content> content) {
    builder.Finish(
        image::CreateTableRoot(builder, image::TableContentTraits<Content>::enum_value, content.Union()));
    return store.add({builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()});
}

std::optional<image::TableDigest> emit_lpm(const LpmTable& table, TableStore& store) {
    if (table.root.empty() && table.records.empty()) return std::nullopt;
    FlatBufferBuilder builder;
    const auto root = aligned_scalars(builder, table.root);
    const auto records = aligned_scalars(builder, table.records);
    return finish(
        builder, store,
        image::CreateLpm(builder, root, records, table.first_level_words, table.wide, table.prefix_count));
}

std::optional<image::TableDigest> emit_classifier(const ClassifierTable& table, TableStore& store) {
    if (table.root == ClassifierReference::nothing) return std::nullopt;
    FlatBufferBuilder builder;
    const auto nodes = aligned_scalars(builder, table.nodes);
    const auto rows = aligned_structs(builder, table.rows);
    return finish(builder, store, image::CreateClassifier(builder, nodes, rows, table.root));
}

std::optional<image::TableDigest> emit_comb(const CombTable& table, TableStore& store) {
    if (table.empty()) return std::nullopt;
    FlatBufferBuilder builder;
    const auto slots = aligned_scalars(builder, table.slots);
    const auto steps = aligned_structs(builder, table.steps);
    return finish(builder, store, image::CreateComb(builder, slots, steps, table.made_of));
}

std::optional<image::TableDigest> emit_services(const std::vector<std::uint16_t>& cells, TableStore& store) {
    if (cells.empty()) return std::nullopt;
    FlatBufferBuilder builder;
    const auto vector = aligned_scalars(builder, cells);
    return finish(builder, store, image::CreateServiceMap(builder, vector));
}

std::optional<image::TableDigest> emit_rules(const policy::Tenant& tenant,
                                             const std::vector<image::FirewallRule>& rows, TableStore& store) {
    const std::vector<policy::Rule> none;
    const std::vector<policy::Rule>& rules = tenant.firewall ? tenant.firewall->rules : none;
    if (rules.empty() && rows.empty() && tenant.sets.empty()) return std::nullopt;
    FlatBufferBuilder builder;
    const auto names = name_strings(builder, rules);
    const auto set_names = name_strings(builder, tenant.sets);
    const auto vector = aligned_structs(builder, rows);
    return finish(builder, store, image::CreateRuleList(builder, vector, names, set_names));
}

}  // namespace

image::TableDigest to_image(const Digest& digest) {
    return image::TableDigest(flatbuffers::span<const std::uint8_t, 32>(digest.data(), digest.size()));
}

image::TableDigest TableStore::add(std::vector<std::uint8_t> bytes) {
    const Digest digest = digest_of(bytes);
    {
        const std::lock_guard guard(mutex_);
        tables_.try_emplace(digest, std::move(bytes));
    }
    return to_image(digest);
}

TenantDigests emit_tables(const policy::Tenant& tenant, const TenantTables& tables, TableStore& store) {
    return {emit_lpm(tables.own_routes4, store),
            emit_lpm(tables.own_routes6, store),
            emit_lpm(tables.routes4, store),
            emit_lpm(tables.routes6, store),
            emit_lpm(tables.nat4, store),
            emit_lpm(tables.nat6, store),
            emit_lpm(tables.sets4.lpm, store),
            emit_comb(tables.sets4.comb, store),
            emit_lpm(tables.sets6, store),
            emit_classifier(tables.classifier, store),
            emit_comb(tables.classifier.comb, store),
            emit_services(tables.service_cells, store),
            emit_rules(tenant, tables.rules, store)};
}

}  // namespace sluice::lower
