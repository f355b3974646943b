// SPDX-License-Identifier: Apache-2.0
#include "compiler/analyze/image_report.h"

#include <algorithm>
#include <bit>

#include "runtime/image/tenant_view.h"
#include "schemas/layout/classifier_cost.h"
#include "schemas/layout/hexadecimal.h"
#include "schemas/layout/lpm_walk.h"

namespace sluice {
namespace {

LpmReport report_on(const image::Lpm& table) {
    const auto root = scalars_of(table.root());
    const auto records = scalars_of(table.records());
    const unsigned levels = lpm_levels(records, table.first_level_words(), table.wide());
    return {table.prefix_count(), root.size_bytes() + records.size_bytes(), levels == 0 ? 0 : levels + 1};
}

// A binary search over the ports of an address, then one row an interface.
std::size_t worst_nat_steps(std::span<const image::NatClass> classes) {
    std::size_t most_ports = 0;
    std::size_t most_sources = 0;
    for (const image::NatClass& row : classes) {
        most_ports = std::max<std::size_t>(most_ports, row.port_count());
        most_sources = std::max<std::size_t>(most_sources, row.source_count());
    }
    return static_cast<std::size_t>(std::bit_width(most_ports)) + most_sources;
}

ClassifierReport report_on(const image::Classifier& table) {
    const std::span<const std::uint32_t> nodes = scalars_of(table.nodes());
    const ClassifierCost worst = worst_lookup(nodes, table.root());
    return {nodes.size_bytes() + rows_of(table.rows()).size_bytes(), worst.nodes, worst.rows};
}

TenantReport report_on(const TenantView& tenant, const image::TenantSection& section) {
    const image::Tenant& table = *tenant.table;
    TenantReport report;
    report.name = tenant.name;
    report.file = table.file()->str();
    report.digest = hexadecimal({section.digest()->data(), section.digest()->size()});
    report.closure = hexadecimal({section.closure()->data(), section.closure()->size()});
    report.bytes = section.section()->size();
    report.has_service_router = tenant.has_service_router;
    report.routes4 = report_on(*table.routes4());
    report.routes6 = report_on(*table.routes6());
    report.nat4 = report_on(*table.nat4());
    report.nat6 = report_on(*table.nat6());
    report.sets4 = report_on(*table.sets4());
    report.sets6 = report_on(*table.sets6());
    report.nat_bytes = tenant.prefixes.size_bytes() + tenant.externals.size_bytes() +
                       tenant.pool_addresses.size_bytes() + tenant.snat_rules.size_bytes() +
                       tenant.dnat_rules.size_bytes() + tenant.one_to_one_rules.size_bytes() +
                       tenant.nat_classes4.size_bytes() + tenant.nat_classes6.size_bytes() +
                       tenant.dnat_ports.size_bytes() + tenant.source_matches.size_bytes();
    report.nat_classes =
        tenant.nat_classes4.size() + tenant.nat_classes6.size() - 2;  // without those of nothing
    report.nat_steps = std::max(worst_nat_steps(tenant.nat_classes4), worst_nat_steps(tenant.nat_classes6));
    report.classifier = report_on(*table.classifier());
    report.firewall_bytes = report.classifier.bytes + tenant.from_zones.size_bytes() +
                            tenant.to_zones.size_bytes() + tenant.service_cells.size_bytes() +
                            tenant.rules.size_bytes();
    report.adjacencies = tenant.adjacencies.size();
    report.snat_rules = tenant.snat_rules.size();
    report.dnat_rules = tenant.dnat_rules.size();
    report.one_to_one_rules = tenant.one_to_one_rules.size();
    report.external_addresses = tenant.externals.size();
    report.address_sets = table.set_names()->size();
    report.address_classes = tenant.address_class_count;
    report.firewall_rules = tenant.rules.size();
    report.assertions = table.assertions()->size();
    return report;
}

}  // namespace

ImageReport report_on(const Image& image) {
    ImageReport report;
    report.gateway = image.gateway();
    report.digest = hexadecimal(image.digest());
    report.bytes = image.bytes();
    for (const TenantView& tenant : image.tenants()) {
        report.tenants.push_back(report_on(tenant, *image.root().tenants()->Get(tenant.index)));
    }
    return report;
}

}  // namespace sluice
