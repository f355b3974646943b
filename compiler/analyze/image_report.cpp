// SPDX-License-Identifier: Apache-2.0
#include "compiler/analyze/image_report.h"

#include <algorithm>
#include <bit>
#include <unordered_map>

#include "runtime/image/shared_tables.h"
#include "runtime/image/tenant_view.h"
#include "schemas/layout/classifier_cost.h"
#include "schemas/layout/hexadecimal.h"
#include "schemas/layout/image_seal.h"
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

LpmReport report_on(const image::Comb& table) {
    const auto steps = rows_of(table.steps());
    return {table.made_of(), scalars_of(table.slots()).size_bytes() + steps.size_bytes(),
            static_cast<unsigned>(steps.size())};
}

/// Looks at each table once, however many tenants read it.
class Tables {
  public:
    explicit Tables(const image::Image& root) : root_(root) {
        for (const image::SharedTable* table : *root.tables()) rows_.push_back(report_of(*table));
    }

    const LpmReport& of(const image::Lpm* table) const { return lpms_.at(table); }
    /// Of the two that there may be, one is null.
    const LpmReport& of(const image::Comb* walk, const image::Lpm* table) const {
        return walk != nullptr ? walks_.at(walk) : of(table);
    }
    ClassifierReport of(const image::Comb* walk, const image::Classifier* table) const {
        if (walk == nullptr) return classifiers_.at(table);
        const LpmReport& report = walks_.at(walk);
        return {report.bytes, report.levels, 0};
    }

    /// Tables that a tenant refers to, each once.
    std::vector<std::uint32_t> count_references(const image::Tenant& tenant) {
        std::vector<std::uint32_t> places;
        for_each_reference(tenant, [&](auto, const image::TableDigest* digest, auto) {
            if (digest == nullptr) return;
            const std::uint32_t place = *find_table(root_, *digest);
            ++rows_[place].references;
            if (std::find(places.begin(), places.end(), place) == places.end()) places.push_back(place);
        });
        return places;
    }
    const TableReport& row(std::uint32_t place) const { return rows_[place]; }
    std::vector<TableReport> take() {
        std::stable_sort(rows_.begin(), rows_.end(),
                         [](const TableReport& a, const TableReport& b) { return a.bytes > b.bytes; });
        return std::move(rows_);
    }

  private:
    TableReport report_of(const image::SharedTable& table) {
        TableReport row;
        row.bytes = table.bytes()->size();
        row.digest = hexadecimal({reinterpret_cast<const std::uint8_t*>(table.digest()), sizeof(Digest)});
        const image::TableRoot& root = table_root(table);
        if (const auto* lpm = root.content_as_Lpm()) {
            const LpmReport& report = lpms_[lpm] = report_on(*lpm);
            row.kind = "lpm";
            row.worst_reads = report.levels;
        } else if (const auto* classifier = root.content_as_Classifier()) {
            const ClassifierReport& report = classifiers_[classifier] = report_on(*classifier);
            row.kind = "classifier";
            row.worst_reads = report.nodes + report.rows;
        } else if (const auto* walk = root.content_as_Comb()) {
            const LpmReport& report = walks_[walk] = report_on(*walk);
            row.kind = "walk";
            row.worst_reads = report.levels;
        } else if (root.content_as_ServiceMap() != nullptr) {
            row.kind = "services";
            row.worst_reads = 3;  // schemas/layout/service_map.h
        } else {
            row.kind = "rules";
        }
        return row;
    }

    const image::Image& root_;
    std::vector<TableReport> rows_;
    std::unordered_map<const image::Lpm*, LpmReport> lpms_{{nullptr, {}}};
    std::unordered_map<const image::Comb*, LpmReport> walks_;
    std::unordered_map<const image::Classifier*, ClassifierReport> classifiers_{{nullptr, {}}};
};

TenantReport report_on(const TenantView& tenant, const image::TenantSection& section, const Tables& tables) {
    const image::Tenant& table = *tenant.table;
    TenantReport report;
    report.name = tenant.name;
    report.file = table.file()->str();
    report.digest = hexadecimal({section.digest()->data(), section.digest()->size()});
    report.closure = hexadecimal({section.closure()->data(), section.closure()->size()});
    report.bytes = section.section()->size();
    report.has_service_router = tenant.has_service_router;
    report.own_routes4 = tables.of(tenant.shared.own_routes4);
    report.own_routes6 = tables.of(tenant.shared.own_routes6);
    report.routes4 = tables.of(tenant.shared.routes4);
    report.routes6 = tables.of(tenant.shared.routes6);
    report.nat4 = tables.of(tenant.shared.nat4);
    report.nat6 = tables.of(tenant.shared.nat6);
    report.sets4 = tables.of(tenant.shared.sets4_walk, tenant.shared.sets4);
    report.sets6 = tables.of(tenant.shared.sets6);
    report.nat_bytes = tenant.prefixes.size_bytes() + tenant.externals.size_bytes() +
                       tenant.pool_addresses.size_bytes() + tenant.snat_rules.size_bytes() +
                       tenant.dnat_rules.size_bytes() + tenant.one_to_one_rules.size_bytes() +
                       tenant.nat_classes4.size_bytes() + tenant.nat_classes6.size_bytes() +
                       tenant.dnat_ports.size_bytes() + tenant.source_matches.size_bytes() +
                       tenant.exemptions.size_bytes() + tenant.nat64_prefixes.size_bytes();
    report.nat_classes =
        tenant.nat_classes4.size() + tenant.nat_classes6.size() - 2;  // without those of nothing
    report.nat_steps = std::max(worst_nat_steps(tenant.nat_classes4), worst_nat_steps(tenant.nat_classes6));
    report.classifier = tables.of(tenant.shared.classifier_walk, tenant.shared.classifier);
    report.firewall_bytes = report.classifier.bytes + tenant.from_zones.size_bytes() +
                            tenant.to_zones.size_bytes() + tenant.service_cells.size_bytes() +
                            tenant.rules.size_bytes();
    report.adjacencies = tenant.adjacencies.size();
    report.snat_rules = tenant.snat_rules.size();
    report.dnat_rules = tenant.dnat_rules.size();
    report.one_to_one_rules = tenant.one_to_one_rules.size();
    report.external_addresses = tenant.externals.size();
    if (tenant.shared.rules != nullptr) report.address_sets = NameList(tenant.shared.rules->set_names()).size();
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
    Tables tables(image.root());
    std::vector<std::vector<std::uint32_t>> references;
    for (const TenantView& tenant : image.tenants())
        references.push_back(tables.count_references(*tenant.table));
    std::vector<std::uint32_t> readers(image.root().tables()->size());
    for (const auto& places : references) {
        for (const std::uint32_t place : places) ++readers[place];
    }
    for (const TenantView& tenant : image.tenants()) {
        TenantReport& row =
            report.tenants.emplace_back(report_on(tenant, *image.root().tenants()->Get(tenant.index), tables));
        for (const std::uint32_t place : references[tenant.index]) {
            row.table_bytes += tables.row(place).bytes;
            if (readers[place] > 1) row.shared_bytes += tables.row(place).bytes;
        }
    }
    report.tables = tables.take();
    return report;
}

std::uint64_t ImageReport::table_bytes() const {
    std::uint64_t sum = 0;
    for (const TableReport& table : tables) sum += table.bytes;
    return sum;
}

std::uint64_t ImageReport::references() const {
    std::uint64_t sum = 0;
    for (const TableReport& table : tables) sum += table.references;
    return sum;
}

std::uint64_t ImageReport::unshared_bytes() const {
    std::uint64_t sum = 0;
    for (const TableReport& table : tables) sum += table.bytes * table.references;
    return sum;
}

}  // namespace sluice
