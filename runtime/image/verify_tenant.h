// SPDX-License-Identifier: Apache-2.0
//
// What a tenant's tables must be for the packet path to read them unchecked: a group of invariants a function
// and a file. Each returns the first violation as a sentence, without the tenant's name. They come in this
// order: each relies on those before it. Any thread; linear in the tables (names: sorted once).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "runtime/image/image.h"

namespace sluice::verify {

using Refusal = std::optional<std::string>;

/// Everything the view needs is there, and what the packet path reads starts at multiples of 64 of the payload.
Refusal check_layout(const image::Tenant& tenant, std::span<const std::uint8_t> payload);

/// The same for a table that tenants share; its names have no more bytes than it has.
Refusal check_layout(const image::SharedTable& table, std::span<const std::uint8_t> payload);

/// Every table that the section refers to is there and of the right kind; marks it as used.
Refusal check_references(const image::Image& root, const image::Tenant& tenant, std::vector<bool>& used);

/// Names may share their bytes; all of them together may not be longer than where they stand, so that comparing
/// and printing them stays linear in the section.
Refusal check_text_size(const TenantView& tenant, std::size_t section_bytes);

/// What a check has found out about a table besides that it is right.
struct LpmFacts {
    std::uint64_t values_end = 0;  // all values are below
    unsigned deepest_bits = 0;     // that are decided before the last level
};

/// The tree ends, within the family's number of bits; a look-up stays inside both vectors and returns less
/// than `values`. `what` names the table.
Refusal check_lpm(const image::Lpm& table, Family family, std::uint64_t values, std::string_view what,
                  LpmFacts* facts = nullptr);

/// Nodes lead only to nodes behind them, so that look-ups end; they put off no more than fits, stay inside both
/// vectors, take at most classifier_most_steps and return less than `rules`; each list of rows is in the order
/// of the rules, and each rest says its least rule. `rules_end`: gets the number behind the greatest rule.
Refusal check_classifier(const image::Classifier& table, std::uint64_t rules,
                         std::uint64_t* rules_end = nullptr);

/// Whatever a step reads, the next one finds a row that ends before its slots do; fields are below `fields`,
/// and all values, the last ones, below `values`. `values_end`: gets the number behind the greatest value.
Refusal check_comb(const image::Comb& table, unsigned fields, std::uint64_t values, std::string_view what,
                   std::uint64_t* values_end = nullptr);

/// Rows lead to rows of the map.
Refusal check_services(const image::ServiceMap& table);

/// Rules have names and say only what there is.
Refusal check_rule_list(const image::RuleList& table);

/// Checks each of the tables that tenants share once, for the first tenant that reads it; for the others what
/// that check found out is compared with what they need. Absent tables are right.
class TableChecks {
  public:
    Refusal lpm(const image::Lpm* table, Family family, std::uint64_t values, std::string_view what);
    Refusal classifier(const image::Classifier* table, std::uint64_t rules);
    Refusal comb(const image::Comb* table, unsigned fields, std::uint64_t values, std::string_view what);
    Refusal services(const image::ServiceMap* table);
    Refusal rule_list(const image::RuleList* table);
    /// The values of a table that has been checked, each once.
    const std::vector<std::uint32_t>& values_of(const image::Lpm& table);

  private:
    std::unordered_map<const image::Lpm*, LpmFacts> lpms_;
    std::unordered_map<const image::Lpm*, std::vector<std::uint32_t>> values_;
    std::unordered_map<const image::Classifier*, std::uint64_t> rules_ends_;
    std::map<std::pair<const image::Comb*, unsigned>, std::uint64_t> comb_ends_;  // by fields as well
    std::unordered_set<const void*> right_;
};

Refusal check_interfaces(const TenantView& tenant, std::size_t port_count);
Refusal check_adjacencies(const TenantView& tenant);
Refusal check_routes(const TenantView& tenant, TableChecks& tables);
Refusal check_nat_rules(const TenantView& tenant);
Refusal check_externals(const TenantView& tenant);
Refusal check_nat_classes(const TenantView& tenant, TableChecks& tables);
Refusal check_address_classes(const TenantView& tenant, TableChecks& tables);
Refusal check_firewall(const TenantView& tenant, TableChecks& tables);
Refusal check_assertions(const TenantView& tenant);

/// Across tenants: both ends of a peer link name each other.
Refusal check_peers(std::span<const TenantView> tenants);
/// No two tenants present the same address to the outside.
Refusal check_external_addresses(std::span<const TenantView> tenants);
/// Where tunnels end: a port's endpoint is the one interface of its underlay; segments with tunnels are on such
/// ports.
Refusal check_tunnels(const image::Image& root, std::span<const TenantView> tenants);
/// Sorted, none twice, and one for each interface on a port, saying what the interface says.
Refusal check_bindings(std::span<const image::Binding> bindings, std::span<const TenantView> tenants);

/// None empty or longer than anyone types, none twice. `what`: "interface".
Refusal check_names(const std::vector<std::string_view>& names, std::string_view what);

/// Whether the bits that the family does not have are zero.
bool is_canonical(const image::Ip& ip, std::uint8_t family);

/// first .. first + count within size, without overflow.
constexpr bool fits(std::uint64_t first, std::uint64_t count, std::uint64_t size) {
    return first <= size && count <= size - first;
}

}  // namespace sluice::verify
