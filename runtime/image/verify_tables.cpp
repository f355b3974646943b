// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "runtime/image/shared_tables.h"
#include "runtime/image/tenant_view.h"
#include "runtime/image/verify_tenant.h"
#include "schemas/layout/lpm_walk.h"

namespace sluice::verify {
namespace {

template <typename Visit>
void for_each_value(const image::Lpm& table, Visit&& visit) {
    for_each_lpm_record(scalars_of(table.records()), table.wide(), [&](const LpmRecord& record) {
        for (unsigned run = 0; run < record.runs(); ++run) {
            if (record.leaf(run) >= 0) visit(static_cast<std::uint32_t>(record.leaf(run)));
        }
    });
}

// By marking, where the marks take no more than the table; else by sorting.
std::vector<std::uint32_t> distinct_values(const image::Lpm& table, std::uint64_t end) {
    std::vector<std::uint32_t> values;
    if (end / 8 > scalars_of(table.records()).size_bytes()) {
        for_each_value(table, [&](std::uint32_t value) { values.push_back(value); });
        std::sort(values.begin(), values.end());
        values.erase(std::unique(values.begin(), values.end()), values.end());
        return values;
    }
    std::vector<bool> found(end);
    for_each_value(table, [&](std::uint32_t value) { found[value] = true; });
    for (std::uint32_t value = 0; value < end; ++value) {
        if (found[value]) values.push_back(value);
    }
    return values;
}

}  // namespace

Refusal check_references(const image::Image& root, const image::Tenant& tenant, std::vector<bool>& used) {
    Refusal refusal;
    for_each_reference(tenant,
                       [&](std::string_view name, const image::TableDigest* digest, image::TableContent kind) {
                           if (refusal || digest == nullptr) return;
                           const auto place = find_table(root, *digest);
                           if (!place) {
                               refusal = fmt::format("{} refers to a table that the image does not have", name);
                               return;
                           }
                           if (table_root(*root.tables()->Get(*place)).content_type() != kind)
                               refusal = fmt::format("{} refers to a table of another kind", name);
                           used[*place] = true;
                       });
    return refusal;
}

Refusal TableChecks::lpm(const image::Lpm* table, Family family, std::uint64_t values, std::string_view what) {
    if (table == nullptr) return std::nullopt;
    const auto known = lpms_.find(table);
    if (known != lpms_.end() && known->second.values_end <= values &&
        known->second.deepest_bits < address_bits(family)) {
        return std::nullopt;
    }
    LpmFacts facts;
    if (auto refusal = check_lpm(*table, family, values, what, &facts)) return refusal;
    lpms_.emplace(table, facts);
    return std::nullopt;
}

Refusal TableChecks::classifier(const image::Classifier* table, std::uint64_t rules) {
    if (table == nullptr) return std::nullopt;
    const auto known = rules_ends_.find(table);
    if (known != rules_ends_.end() && known->second <= rules) return std::nullopt;
    std::uint64_t end = 0;
    if (auto refusal = check_classifier(*table, rules, &end)) return refusal;
    rules_ends_.emplace(table, end);
    return std::nullopt;
}

Refusal TableChecks::comb(const image::Comb* table, unsigned fields, std::uint64_t values,
                          std::string_view what) {
    if (table == nullptr) return std::nullopt;
    const auto known = comb_ends_.find({table, fields});
    if (known != comb_ends_.end() && known->second <= values) return std::nullopt;
    std::uint64_t end = 0;
    if (auto refusal = check_comb(*table, fields, values, what, &end)) return refusal;
    comb_ends_.try_emplace({table, fields}, end);
    return std::nullopt;
}

Refusal TableChecks::services(const image::ServiceMap* table) {
    if (table == nullptr || !right_.insert(table).second) return std::nullopt;
    return check_services(*table);
}

Refusal TableChecks::rule_list(const image::RuleList* table) {
    if (table == nullptr || !right_.insert(table).second) return std::nullopt;
    return check_rule_list(*table);
}

const std::vector<std::uint32_t>& TableChecks::values_of(const image::Lpm& table) {
    const auto [place, is_new] = values_.try_emplace(&table);
    if (is_new) place->second = distinct_values(table, lpms_.at(&table).values_end);
    return place->second;
}

}  // namespace sluice::verify
