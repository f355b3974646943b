// SPDX-License-Identifier: Apache-2.0
//
// What a tenant's tables must be for the packet path to read them unchecked: a group of invariants a function
// and a file. Each returns the first violation as a sentence, without the tenant's name. They come in this
// order: each relies on those before it. Any thread; linear in the tables (names: sorted once).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/image/image.h"

namespace sluice::verify {

using Refusal = std::optional<std::string>;

/// Everything the view needs is there, and what the packet path reads starts at multiples of 64 of the payload.
Refusal check_layout(const image::Tenant& tenant, std::span<const std::uint8_t> payload);

/// Names may share their bytes; all of them together may not be longer than where they stand, so that comparing
/// and printing them stays linear in the section.
Refusal check_text_size(const TenantView& tenant, std::size_t section_bytes);

/// The tree ends, within the family's number of bits; a look-up stays inside both vectors and returns less
/// than `values`. `what` names the table.
Refusal check_lpm(const image::Lpm& table, Family family, std::uint64_t values, std::string_view what);

/// Nodes lead only to nodes behind them, so that look-ups end; they put off no more than fits, stay inside both
/// vectors, take at most classifier_most_steps and return less than `rules`; each list of rows is in the order
/// of the rules, and each rest says its least rule.
Refusal check_classifier(const image::Classifier& table, std::uint64_t rules);

Refusal check_interfaces(const TenantView& tenant, std::size_t port_count);
Refusal check_adjacencies(const TenantView& tenant);
Refusal check_routes(const TenantView& tenant);
Refusal check_nat_rules(const TenantView& tenant);
Refusal check_externals(const TenantView& tenant);
Refusal check_nat_classes(const TenantView& tenant);
Refusal check_address_classes(const TenantView& tenant);
Refusal check_firewall(const TenantView& tenant);
Refusal check_assertions(const TenantView& tenant);

/// Across tenants: both ends of a peer link name each other.
Refusal check_peers(std::span<const TenantView> tenants);
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
