// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "runtime/image/verify_tenant.h"

namespace sluice::verify {
namespace {

std::uint64_t words_for(std::uint64_t bits) {
    return (bits + 63) / 64;
}

// Bits beyond the last interface or set would be a name that does not exist.
bool has_only_bits_below(std::span<const std::uint64_t> words, std::uint64_t bits) {
    const auto used = bits % 64;
    return used == 0 || words.empty() || words.back() >> used == 0;
}

Refusal check_mask(const TenantView& tenant, std::uint32_t offset, std::uint64_t bits, std::string_view what) {
    if (offset == no_row) return std::nullopt;
    const std::uint64_t words = words_for(bits);
    if (words == 0 || !fits(offset, words, tenant.masks.size())) {
        return fmt::format("has a mask of {} at word {} of {}, beyond the end", what, offset,
                           tenant.masks.size());
    }
    if (!has_only_bits_below(tenant.masks.subspan(offset, words), bits)) {
        return fmt::format("has a mask of {} with a bit beyond the last of {}", what, bits);
    }
    return std::nullopt;
}

Refusal check_side(const TenantView& tenant, std::string_view side, std::uint8_t any, std::uint32_t zones,
                   std::uint32_t sets) {
    if (any > 1) return fmt::format("has {}_any {}, expected 0 or 1", side, any);
    if (any == 1 && (zones != no_row || sets != no_row)) {
        return fmt::format("matches any address on its {} side and has a mask as well", side);
    }
    if (auto refusal = check_mask(tenant, zones, tenant.interfaces.size(), "zones")) return refusal;
    return check_mask(tenant, sets, tenant.table->set_names()->size(), "sets");
}

Refusal check_rule(const TenantView& tenant, std::size_t index) {
    const image::FirewallRule& row = tenant.rules[index];
    if (row.action() > image::FirewallAction::MAX) {
        return fmt::format("has action {}, expected at most {}", static_cast<unsigned>(row.action()),
                           static_cast<unsigned>(image::FirewallAction::MAX));
    }
    if (row.name() != index) return fmt::format("has name {}, expected its own number", row.name());
    if (row.log() > 1) return fmt::format("has log {}, expected 0 or 1", row.log());
    if (!fits(row.first_service(), row.service_count(), tenant.services.size())) {
        return fmt::format("has services {} and the next {}, the table has {}", row.first_service(),
                           row.service_count(), tenant.services.size());
    }
    if (auto refusal = check_side(tenant, "from", row.from_any(), row.from_zones(), row.from_sets()))
        return refusal;
    return check_side(tenant, "to", row.to_any(), row.to_zones(), row.to_sets());
}

Refusal check_services(const TenantView& tenant) {
    for (std::size_t i = 0; i < tenant.services.size(); ++i) {
        const image::Service& row = tenant.services[i];
        if (row.low() > row.high())
            return fmt::format("service {} has range {} to {}, not in order", i, row.low(), row.high());
        if (row.family() != 0 && row.family() != 4 && row.family() != 6) {
            return fmt::format("service {} has family {}, expected 0, 4 or 6", i, row.family());
        }
    }
    return std::nullopt;
}

Refusal check_router_flags(const TenantView& tenant) {
    if (!tenant.has_firewall && !tenant.rules.empty()) return "has firewall rules and says it has no firewall";
    const bool has_nat =
        !tenant.snat_rules.empty() || !tenant.dnat_rules.empty() || !tenant.one_to_one_rules.empty();
    if (tenant.has_service_router != (tenant.has_firewall || has_nat)) {
        return "has_service_router is not what its firewall and NAT rules say";
    }
    return std::nullopt;
}

}  // namespace

Refusal check_address_classes(const TenantView& tenant) {
    const std::uint64_t sets = tenant.table->set_names()->size();
    if (tenant.set_words != words_for(sets)) {
        return fmt::format("set_words is {}, expected {} for {} sets", tenant.set_words, words_for(sets), sets);
    }
    std::uint64_t classes = 1;  // class 0 alone where there is no set
    if (tenant.set_words == 0) {
        if (!tenant.class_rows.empty()) return "has address classes and no set";
    } else {
        if (tenant.class_rows.empty() || tenant.class_rows.size() % tenant.set_words != 0) {
            return fmt::format("class_rows has {} words, expected a multiple of {}", tenant.class_rows.size(),
                               tenant.set_words);
        }
        classes = tenant.class_rows.size() / tenant.set_words;
        for (std::uint64_t i = 0; i < classes; ++i) {
            const auto row = tenant.class_rows.subspan(i * tenant.set_words, tenant.set_words);
            if (!has_only_bits_below(row, sets)) {
                return fmt::format("address class {} has a bit beyond the last of {} sets", i, sets);
            }
        }
        const auto nobody = tenant.class_rows.first(tenant.set_words);
        if (std::any_of(nobody.begin(), nobody.end(), [](std::uint64_t word) { return word != 0; })) {
            return "address class 0 belongs to a set";
        }
    }
    if (auto refusal = check_lpm(*tenant.table->sets4(), Family::v4, classes, "sets4")) return refusal;
    return check_lpm(*tenant.table->sets6(), Family::v6, classes, "sets6");
}

Refusal check_firewall(const TenantView& tenant) {
    if (tenant.default_action > image::FirewallAction::MAX ||
        tenant.default_action_from_uplink > image::FirewallAction::MAX) {
        return "has a default action that is none";
    }
    if (tenant.zone_words != words_for(tenant.interfaces.size())) {
        return fmt::format("zone_words is {}, expected {} for {} interfaces", tenant.zone_words,
                           words_for(tenant.interfaces.size()), tenant.interfaces.size());
    }
    if (auto refusal = check_router_flags(tenant)) return refusal;
    if (tenant.rule_names.size() != tenant.rules.size()) {
        return fmt::format("{} firewall rules have {} names", tenant.rules.size(), tenant.rule_names.size());
    }
    if (auto refusal = check_names(tenant.rule_names, "firewall rule")) return refusal;
    if (auto refusal = check_services(tenant)) return refusal;
    for (std::size_t i = 0; i < tenant.rules.size(); ++i) {
        if (auto refusal = check_rule(tenant, i)) return fmt::format("firewall rule {} {}", i, *refusal);
    }
    return std::nullopt;
}

}  // namespace sluice::verify
