// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "runtime/image/tenant_view.h"
#include "runtime/image/verify_tenant.h"

namespace sluice::verify {
namespace {

Refusal check_rule(const image::FirewallRule& row, std::size_t index) {
    if (row.action() > image::FirewallAction::MAX) {
        return fmt::format("has action {}, expected at most {}", static_cast<unsigned>(row.action()),
                           static_cast<unsigned>(image::FirewallAction::MAX));
    }
    if (row.name() != index) return fmt::format("has name {}, expected its own number", row.name());
    if (row.log() > 1) return fmt::format("has log {}, expected 0 or 1", row.log());
    return std::nullopt;
}

// A look-up goes through a row by protocol, one by the port's high byte and one by its low byte, whose cells
// are classes. A row may be on any of these levels, so none but the last may lead out of the table.
Refusal check_service_cells(std::span<const std::uint16_t> cells) {
    const std::size_t rows = cells.size() / service_row_cells;
    if (cells.size() % service_row_cells != 0 || rows < service_root_rows) {
        return fmt::format("service_cells has {} cells, expected a multiple of {} from {} on", cells.size(),
                           service_row_cells, service_root_rows * service_row_cells);
    }
    std::vector<bool> by_high_byte(rows);
    for (std::size_t cell = 0; cell < service_root_rows * service_row_cells; ++cell) {
        if (cells[cell] >= rows) {
            return fmt::format("service_cells leads protocol {} to row {}, there are {}",
                               cell % service_row_cells, cells[cell], rows);
        }
        by_high_byte[cells[cell]] = true;
    }
    for (std::size_t row = 0; row < rows; ++row) {
        if (!by_high_byte[row]) continue;
        for (const std::uint16_t page : cells.subspan(row * service_row_cells, service_row_cells)) {
            if (page >= rows)
                return fmt::format("service_cells leads row {} to row {}, there are {}", row, page, rows);
        }
    }
    return std::nullopt;
}

Refusal check_zones(const TenantView& tenant, std::span<const std::uint16_t> zones, std::string_view what) {
    if (zones.size() == tenant.interfaces.size()) return std::nullopt;
    return fmt::format("{} has {} interfaces, expected {}", what, zones.size(), tenant.interfaces.size());
}

Refusal check_rules(const TenantView& tenant, TableChecks& tables) {
    if (tenant.rules.empty()) {
        if (tenant.shared.classifier != nullptr || tenant.shared.classifier_walk != nullptr ||
            tenant.shared.services != nullptr || !tenant.from_zones.empty() || !tenant.to_zones.empty()) {
            return "has a classifier and no firewall rule";
        }
        return std::nullopt;
    }
    if (auto refusal = check_zones(tenant, tenant.from_zones, "from_zones")) return refusal;
    if (auto refusal = check_zones(tenant, tenant.to_zones, "to_zones")) return refusal;
    if (tenant.shared.services == nullptr) return "has firewall rules and no map of services";
    if (auto refusal = tables.services(tenant.shared.services)) return refusal;
    if (tenant.shared.classifier != nullptr && tenant.shared.classifier_walk != nullptr)
        return "has two classifiers";
    // The walk says 0 where no rule matches, and a rule's number + 1.
    if (auto refusal = tables.comb(tenant.shared.classifier_walk, classifier_fields, tenant.rules.size() + 1,
                                   "classifier_walk")) {
        return refusal;
    }
    return tables.classifier(tenant.shared.classifier, tenant.rules.size());
}

/// Ticks are counted modulo 2^32: a month is far from that.
Refusal check_idle_times(const image::IdleTimes* times) {
    constexpr std::uint32_t longest_seconds = 30 * 86400;
    if (times == nullptr) return std::nullopt;
    const std::uint32_t longest = std::max({times->udp(), times->dns(), times->icmp(), times->tcp_opening(),
                                            times->tcp_established(), times->tcp_closing(), times->other()});
    if (longest <= longest_seconds) return std::nullopt;
    return fmt::format("lets sessions be idle for {} s, expected {} at most", longest, longest_seconds);
}

Refusal check_router_flags(const TenantView& tenant) {
    if (!tenant.has_firewall && !tenant.rules.empty()) return "has firewall rules and says it has no firewall";
    const bool has_nat =
        !tenant.snat_rules.empty() || !tenant.dnat_rules.empty() || !tenant.one_to_one_rules.empty();
    if (tenant.has_service_router != (tenant.has_firewall || has_nat)) {
        return "has_service_router is not what its firewall and NAT rules say";
    }
    return check_idle_times(tenant.idle_times);
}

}  // namespace

Refusal check_services(const image::ServiceMap& table) {
    return check_service_cells(scalars_of(table.cells()));
}

Refusal check_rule_list(const image::RuleList& table) {
    const auto rules = rows_of(table.rules());
    const NameList names(table.names());
    if (names.size() != rules.size())
        return fmt::format("{} firewall rules have {} names", rules.size(), names.size());
    if (auto refusal = check_names(names.all(), "firewall rule")) return refusal;
    for (std::size_t i = 0; i < rules.size(); ++i) {
        if (auto refusal = check_rule(rules[i], i)) return fmt::format("firewall rule {} {}", i, *refusal);
    }
    return std::nullopt;
}

Refusal check_address_classes(const TenantView& tenant, TableChecks& tables) {
    if (tenant.address_class_count == 0) return "has no address class, not even the one in no set";
    const std::uint64_t classes = tenant.address_class_count;
    if (tenant.shared.sets4 != nullptr && tenant.shared.sets4_walk != nullptr)
        return "has two tables of IPv4 address classes";
    if (auto refusal = tables.comb(tenant.shared.sets4_walk, 1, classes, "sets4_walk")) return refusal;
    if (auto refusal = tables.lpm(tenant.shared.sets4, Family::v4, classes, "sets4")) return refusal;
    return tables.lpm(tenant.shared.sets6, Family::v6, classes, "sets6");
}

Refusal check_firewall(const TenantView& tenant, TableChecks& tables) {
    if (tenant.default_action > image::FirewallAction::MAX ||
        tenant.default_action_from_uplink > image::FirewallAction::MAX) {
        return "has a default action that is none";
    }
    if (auto refusal = check_router_flags(tenant)) return refusal;
    if (auto refusal = tables.rule_list(tenant.shared.rules)) return refusal;
    return check_rules(tenant, tables);
}

}  // namespace sluice::verify
