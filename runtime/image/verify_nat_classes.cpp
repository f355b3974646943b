// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <optional>
#include <span>
#include <tuple>

#include "runtime/image/verify_tenant.h"
#include "schemas/layout/image_types.h"

namespace sluice::verify {
namespace {

Refusal check_ports(const TenantView& tenant, const image::NatClass& row) {
    if (!fits(row.first_port(), row.port_count(), tenant.dnat_ports.size()))
        return "has ports beyond the table";
    if (row.external() == no_row) {
        return row.port_count() == 0 ? Refusal{} : "has ports and is no external address";
    }
    if (row.external() >= tenant.externals.size()) {
        return fmt::format("is external address {}, there are {}", row.external(), tenant.externals.size());
    }
    const image::ExternalAddress& external = tenant.externals[row.external()];
    const auto ports = tenant.dnat_ports.subspan(row.first_port(), row.port_count());
    for (std::size_t i = 0; i < ports.size(); ++i) {
        if (i == 0 ? ports[i].from() != 0 : ports[i].from() <= ports[i - 1].from()) {
            return "has ports that are not sorted from 0";
        }
        const std::uint32_t rule = ports[i].rule();
        if (rule == no_row) continue;
        if (rule < external.first_dnat() || rule - external.first_dnat() >= external.dnat_count()) {
            return fmt::format("leads to DNAT rule {}, which is not of its address", rule);
        }
    }
    return std::nullopt;
}

/// What all kinds of source rules have.
struct SourceRule {
    std::uint16_t interface;
    std::uint8_t family;
    std::uint16_t nat64;
};

/// Nothing where there is no such row.
std::optional<SourceRule> rule_of(const TenantView& tenant, const image::SourceMatch& source) {
    const std::uint32_t row = source.row();
    const auto found = [row](const auto& rules, auto interface_of) -> std::optional<SourceRule> {
        if (row >= rules.size()) return std::nullopt;
        return SourceRule{interface_of(rules[row]), rules[row].family(), 0};
    };
    switch (source.kind()) {
        case image::SourceKind::ExemptTowards:
        case image::SourceKind::Exempt:
            return found(tenant.exemptions, [](const auto& rule) { return rule.out_interface(); });
        case image::SourceKind::OneToOne:
            return found(tenant.one_to_one_rules, [](const auto& rule) { return rule.on_interface(); });
        case image::SourceKind::Snat:
            break;
    }
    auto rule = found(tenant.snat_rules, [](const auto& snat) { return snat.out_interface(); });
    if (rule) rule->nat64 = tenant.snat_rules[row].nat64();
    return rule;
}

Refusal check_source(const TenantView& tenant, const image::SourceMatch& source) {
    if (source.kind() > image::SourceKind::MAX) return "has a source that is of no kind";
    const auto rule = rule_of(tenant, source);
    if (!rule) return fmt::format("has source rule {} of a kind that has fewer", source.row());
    if (rule->interface != source.interface()) return "has the source rule of another interface";
    if (rule->nat64 != source.nat64()) return "has the source rule of another NAT64 prefix";
    const bool exempts =
        source.kind() == image::SourceKind::Exempt || source.kind() == image::SourceKind::ExemptTowards;
    if (!exempts) return std::nullopt;
    const bool any = tenant.exemptions[source.row()].any_destination() != 0;
    if (any != (source.kind() == image::SourceKind::Exempt)) return "has an exemption of the other kind";
    return std::nullopt;
}

Refusal check_sources(const TenantView& tenant, const image::NatClass& row) {
    if (!fits(row.first_source(), row.source_count(), tenant.source_matches.size())) {
        return "has sources beyond the table";
    }
    const auto sources = tenant.source_matches.subspan(row.first_source(), row.source_count());
    const auto place = [](const image::SourceMatch& source) {
        return std::tuple(source.interface(), source.nat64(), source.kind(), source.row());
    };
    for (std::size_t i = 0; i < sources.size(); ++i) {
        if (i != 0 && place(sources[i]) <= place(sources[i - 1])) return "has sources that are not sorted";
        if (i != 0 && sources[i].interface() == sources[i - 1].interface() &&
            sources[i].nat64() == sources[i - 1].nat64() &&
            sources[i - 1].kind() != image::SourceKind::ExemptTowards) {
            return "has a source behind the one that decides";
        }
        if (auto refusal = check_source(tenant, sources[i])) return refusal;
    }
    return std::nullopt;
}

// An address must not meet the rules of the other family: they would give it that family's addresses.
bool is_of_family(const TenantView& tenant, const image::NatClass& row, std::uint8_t family) {
    if (row.external() != no_row && tenant.externals[row.external()].family() != family) return false;
    for (const auto& source : tenant.source_matches.subspan(row.first_source(), row.source_count())) {
        if (rule_of(tenant, source)->family != family) return false;
    }
    return true;
}

Refusal check_classes(const TenantView& tenant, std::span<const image::NatClass> rows, const image::Lpm* table,
                      Family family, TableChecks& tables) {
    const auto number = static_cast<unsigned>(family);
    if (rows.empty()) return fmt::format("has no IPv{} NAT class 0", number);
    if (rows.front().external() != no_row || rows.front().source_count() != 0) {
        return fmt::format("IPv{} NAT class 0 does something", number);
    }
    if (tenant.exemptions.size() > 32) return "has more exemptions than a NAT class has bits";
    for (std::size_t i = 0; i < rows.size(); ++i) {
        Refusal refusal = check_ports(tenant, rows[i]);
        if (!refusal) refusal = check_sources(tenant, rows[i]);
        if (!refusal && !is_of_family(tenant, rows[i], static_cast<std::uint8_t>(family))) {
            refusal = "has rules of the other family";
        }
        if (!refusal && rows[i].nat64() > (family == Family::v6 ? tenant.nat64_prefixes.size() : 0)) {
            refusal = fmt::format("is of NAT64 prefix {}", rows[i].nat64() - 1);
        }
        if (refusal) return fmt::format("IPv{} NAT class {} {}", number, i, *refusal);
    }
    return tables.lpm(table, family, rows.size(), family == Family::v4 ? "nat4" : "nat6");
}

}  // namespace

Refusal check_nat_classes(const TenantView& tenant, TableChecks& tables) {
    const SharedTables& shared = tenant.shared;
    if (auto refusal = check_classes(tenant, tenant.nat_classes4, shared.nat4, Family::v4, tables))
        return refusal;
    if (auto refusal = check_classes(tenant, tenant.nat_classes6, shared.nat6, Family::v6, tables))
        return refusal;
    for (std::size_t i = 0; i < tenant.nat64_prefixes.size(); ++i) {
        if (tenant.nat_class(from_image(tenant.nat64_prefixes[i].ip()), Family::v6).nat64() != i + 1) {
            return fmt::format("NAT64 prefix {} is not of its NAT class", i);
        }
    }
    for (std::size_t i = 0; i < tenant.externals.size(); ++i) {
        const image::ExternalAddress& row = tenant.externals[i];
        if (tenant.nat_class(from_image(row.ip()), static_cast<Family>(row.family())).external() != i) {
            return fmt::format("external address {} is not of its NAT class", i);
        }
    }
    return std::nullopt;
}

}  // namespace sluice::verify
