// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "compiler/lower/passes.h"
#include "schemas/layout/image_types.h"

namespace sluice::lower {
namespace {

// What the rules say about one external address.
struct External {
    std::uint16_t on_interface = 0;
    bool in_pool = false;
    std::vector<const policy::Dnat*> dnat;
    const policy::OneToOne* one_to_one = nullptr;
    std::uint32_t index = 0;
};

using ExternalKey = std::pair<Family, Ip>;
using Externals = std::map<ExternalKey, External>;  // sorted as the image wants it

Externals collect(const policy::Tenant& tenant) {
    Externals externals;
    const auto at = [&](Family family, Ip ip, std::uint16_t interface) -> External& {
        const auto [place, is_new] = externals.try_emplace({family, ip});
        if (is_new) place->second.on_interface = interface;
        return place->second;
    };
    for (const policy::Dnat& rule : tenant.dnat) at(rule.family, rule.external, rule.on).dnat.push_back(&rule);
    for (const policy::OneToOne& rule : tenant.one_to_one) {
        External& external = at(rule.family, rule.external, rule.on);
        if (external.one_to_one == nullptr) external.one_to_one = &rule;
    }
    for (const policy::Snat& rule : tenant.snat) {
        for (const Ip ip : rule.pool) at(rule.pool_family(), ip, rule.out).in_pool = true;
    }
    std::uint32_t index = 0;
    for (auto& [key, external] : externals) external.index = index++;
    return externals;
}

// Most specific first: ports, then a protocol, then the bare address.
int rank(const policy::Dnat& rule) {
    return rule.ports ? 0 : rule.protocol != 0 ? 1 : 2;
}

void add_dnat(const External& external, TenantTables& tables) {
    std::vector<const policy::Dnat*> rules = external.dnat;
    std::stable_sort(rules.begin(), rules.end(),
                     [](const auto* a, const auto* b) { return rank(*a) < rank(*b); });
    for (const policy::Dnat* rule : rules) {
        tables.dnat_rules.emplace_back(
            to_image(rule->to), external.index, rule->on, rule->ports ? rule->ports->low : std::uint16_t{0},
            rule->ports ? rule->ports->high : std::uint16_t{0}, rule->to_port.value_or(0), rule->protocol,
            static_cast<std::uint8_t>(rule->family), 0, rule->where.line);
    }
}

void add_one_to_one(const External& external, TenantTables& tables) {
    const policy::OneToOne& rule = *external.one_to_one;
    tables.one_to_one_rules.emplace_back(to_image(rule.external), to_image(rule.inside), external.index,
                                         rule.on, static_cast<std::uint8_t>(rule.family), 0, rule.where.line);
}

void add_externals(const Externals& externals, TenantTables& tables) {
    for (const auto& [key, external] : externals) {
        const auto first_dnat = static_cast<std::uint32_t>(tables.dnat_rules.size());
        add_dnat(external, tables);
        std::uint32_t one_to_one = no_row;
        if (external.one_to_one != nullptr) {
            one_to_one = static_cast<std::uint32_t>(tables.one_to_one_rules.size());
            add_one_to_one(external, tables);
        }
        tables.externals.emplace_back(
            to_image(key.second), first_dnat, static_cast<std::uint32_t>(external.dnat.size()), one_to_one,
            external.on_interface, static_cast<std::uint8_t>(key.first), external.in_pool ? 1 : 0);
    }
}

/// 1 + the row that has the prefix.
std::uint16_t number_of(const Prefix& prefix, TenantTables& tables) {
    const image::PrefixRow row(to_image(prefix.ip), prefix.length, static_cast<std::uint8_t>(prefix.family), 0);
    auto& rows = tables.nat64_prefixes;
    const auto known = std::find_if(rows.begin(), rows.end(), [&](const auto& other) {
        return from_image(other.ip()) == prefix.ip && other.length() == prefix.length;
    });
    const auto place = known - rows.begin();
    if (known == rows.end()) rows.push_back(row);
    return static_cast<std::uint16_t>(place + 1);
}

void add_snat(const policy::Snat& rule, const Externals& externals, TenantTables& tables) {
    const auto first_source = static_cast<std::uint32_t>(tables.prefixes.size());
    const auto family = static_cast<std::uint8_t>(rule.family);
    for (const Prefix& source : rule.sources) {
        if (source.family != rule.family) continue;
        tables.prefixes.emplace_back(to_image(source.ip), source.length, family, 0);
    }
    const auto first_pool_address = static_cast<std::uint32_t>(tables.pool_addresses.size());
    for (const Ip ip : rule.pool) {
        tables.pool_addresses.push_back(externals.at({rule.pool_family(), ip}).index);
    }
    tables.snat_rules.emplace_back(
        first_source, static_cast<std::uint32_t>(tables.prefixes.size()) - first_source, first_pool_address,
        static_cast<std::uint32_t>(rule.pool.size()), rule.out, rule.ports.low, rule.ports.high,
        rule.block_size, rule.most_blocks, family, rule.any_remote ? 1 : 0,
        rule.nat64 ? number_of(*rule.nat64, tables) : std::uint16_t{0}, rule.where.line);
}

}  // namespace

void lower_nat(const policy::Tenant& tenant, TenantTables& tables) {
    const Externals externals = collect(tenant);
    add_externals(externals, tables);
    for (const policy::Snat& rule : tenant.snat) add_snat(rule, externals, tables);
    for (const policy::Exemption& rule : tenant.exemptions) {
        tables.exemptions.emplace_back(rule.where.line, rule.out, static_cast<std::uint8_t>(rule.family),
                                       rule.destinations ? 0 : 1);
    }
}

}  // namespace sluice::lower
