// SPDX-License-Identifier: Apache-2.0
//
// What the class tables of NAT say about an address and a port is what a walk over the rules says.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "compiler/lower/passes.h"
#include "runtime/image/image.h"
#include "runtime/stages/external_address.h"
#include "tests/support/policies.h"

namespace sluice::lower {
namespace {

constexpr std::uint16_t interfaces = 3;

Ip address(std::uint64_t bits, Family family) {
    return family == Family::v4 ? Ip{bits << 60, 0} : Ip{0x2001ULL << 48, bits << 60};
}
Prefix prefix(std::uint64_t bits, int length, Family family) {
    const auto whole = static_cast<std::uint8_t>(family == Family::v4 ? length : 64 + length);
    return {address(bits, family) & prefix_mask(whole), whole, family};
}

struct Tables {
    TenantTables tables;
    TenantView view;

    explicit Tables(const policy::Tenant& tenant) {
        lower_nat(tenant, tables);
        lower_nat_classes(tenant, tables);
        view.nat4 = tables.nat4.view();
        view.nat6 = tables.nat6.view();
        view.nat_classes4 = tables.nat_classes4;
        view.nat_classes6 = tables.nat_classes6;
        view.dnat_ports = tables.dnat_ports;
        view.source_matches = tables.source_matches;
        view.externals = tables.externals;
    }
};

std::uint32_t dnat_by_walk(const TenantTables& tables, std::uint32_t external, std::uint8_t protocol,
                           std::uint16_t port) {
    const image::ExternalAddress& row = tables.externals[external];
    for (std::uint32_t i = row.first_dnat(); i < row.first_dnat() + row.dnat_count(); ++i) {
        const image::DnatRule& rule = tables.dnat_rules[i];
        if (rule.protocol() != 0 && rule.protocol() != protocol) continue;
        if (rule.port_low() == 0 && rule.port_high() == 0) return i;
        if (rule.port_low() <= port && port <= rule.port_high()) return i;
    }
    return no_row;
}

struct Source {
    std::uint32_t row;
    image::SourceKind kind;
    friend bool operator==(const Source&, const Source&) = default;
};

bool holds(const std::vector<Prefix>& prefixes, Ip ip) {
    return std::ranges::any_of(prefixes, [ip](const Prefix& prefix) { return prefix.contains(ip); });
}

/// 1 + the prefix that the address is of.
std::uint32_t nat64_by_walk(const TenantTables& tables, Ip ip) {
    for (std::uint32_t i = 0; i < tables.nat64_prefixes.size(); ++i) {
        if (from_image(tables.nat64_prefixes[i]).contains(ip)) return i + 1;
    }
    return 0;
}

std::optional<Source> source_by_walk(const policy::Tenant& tenant, const TenantTables& tables, Ip ip, Ip to,
                                     Family family, std::uint16_t out, std::uint32_t nat64) {
    for (const bool always : {false, true}) {
        if (nat64 != 0) break;
        for (std::uint32_t i = 0; i < tenant.exemptions.size(); ++i) {
            const policy::Exemption& rule = tenant.exemptions[i];
            if (rule.family != family || rule.out != out || !holds(rule.sources, ip)) continue;
            if (rule.destinations.has_value() == always) continue;
            if (always) return Source{i, image::SourceKind::Exempt};
            if (holds(*rule.destinations, to)) return Source{i, image::SourceKind::ExemptTowards};
        }
    }
    for (std::uint32_t i = 0; nat64 == 0 && i < tables.one_to_one_rules.size(); ++i) {
        const image::OneToOneRule& rule = tables.one_to_one_rules[i];
        if (rule.on_interface() == out && rule.family() == static_cast<std::uint8_t>(family) &&
            from_image(rule.inside_ip()) == ip) {
            return Source{i, image::SourceKind::OneToOne};
        }
    }
    for (std::uint32_t i = 0; i < tables.snat_rules.size(); ++i) {
        const image::SnatRule& rule = tables.snat_rules[i];
        if (rule.out_interface() != out || rule.family() != static_cast<std::uint8_t>(family)) continue;
        if (rule.nat64() != nat64) continue;
        for (std::uint32_t k = 0; k < rule.source_count(); ++k) {
            const image::PrefixRow& row = tables.prefixes[rule.first_source() + k];
            if ((ip & prefix_mask(row.length())) == from_image(row.ip()))
                return Source{i, image::SourceKind::Snat};
        }
    }
    return std::nullopt;
}

policy::Tenant random_tenant() {
    const auto family = rc::gen::element(Family::v4, Family::v6);
    const auto bits = rc::gen::inRange<std::uint64_t>(0, 16);
    const auto out = rc::gen::inRange<std::uint16_t>(0, interfaces);
    policy::Tenant tenant;
    for (int i = *rc::gen::inRange(0, 6); i > 0; --i) {
        policy::Snat rule;
        rule.family = *family;
        rule.out = *out;
        for (int k = *rc::gen::inRange(1, 4); k > 0; --k) {
            rule.sources.push_back(prefix(*bits, *rc::gen::inRange(0, 5), rule.family));
        }
        if (rule.family == Family::v6 && *rc::gen::arbitrary<bool>()) {
            // Apart from each other, and in the way of what else is said of these addresses.
            rule.nat64 = prefix(*rc::gen::inRange<std::uint64_t>(0, 2) << 3, 1, Family::v6);
        }
        rule.pool = {address(*bits, rule.pool_family())};
        tenant.snat.push_back(rule);
    }
    for (int i = *rc::gen::inRange(0, 5); i > 0; --i) {
        policy::OneToOne rule;
        rule.family = *family;
        rule.external = address(*bits, rule.family);
        rule.inside = address(*bits, rule.family);
        rule.on = *out;
        tenant.one_to_one.push_back(rule);
    }
    for (int i = *rc::gen::inRange(0, 5); i > 0; --i) {
        policy::Exemption rule;
        rule.family = *family;
        rule.out = *out;
        const auto some = [&] {
            std::vector<Prefix> prefixes;
            for (int k = *rc::gen::inRange(1, 4); k > 0; --k) {
                prefixes.push_back(prefix(*bits, *rc::gen::inRange(0, 5), rule.family));
            }
            return prefixes;
        };
        rule.sources = some();
        if (*rc::gen::inRange(0, 4) != 0) rule.destinations = some();
        tenant.exemptions.push_back(rule);
    }
    for (int i = *rc::gen::inRange(0, 10); i > 0; --i) {
        policy::Dnat rule;
        rule.protocol = *rc::gen::element<std::uint8_t>(0, 6, 17, 255);
        rule.family = *family;
        rule.external = address(*rc::gen::inRange<std::uint64_t>(0, 2), rule.family);
        if (rule.protocol == 6 || rule.protocol == 17) {
            const auto low = *rc::gen::element<std::uint16_t>(1, 2, 5, 8, 65530);
            const int high = *rc::gen::element(int{low}, low + 3, 65535);
            rule.ports = policy::PortRange{low, static_cast<std::uint16_t>(high)};
        }
        rule.on = 0;
        tenant.dnat.push_back(rule);
    }
    return tenant;
}

RC_GTEST_PROP(NatClasses, SayWhatAWalkOverTheRulesSays, ()) {
    const policy::Tenant tenant = random_tenant();
    const Tables built(tenant);
    const TenantTables& tables = built.tables;
    for (const Family family : {Family::v4, Family::v6}) {
        for (std::uint64_t bits = 0; bits < 16; ++bits) {
            const Ip ip = address(bits, family);
            const image::NatClass& nat_class = built.view.nat_class(ip, family);
            RC_ASSERT(nat_class.nat64() == (family == Family::v6 ? nat64_by_walk(tables, ip) : 0));
            for (std::uint32_t place = 0; place < interfaces * (tables.nat64_prefixes.size() + 1); ++place) {
                const auto out = static_cast<std::uint16_t>(place % interfaces);
                const std::uint32_t nat64 = place / interfaces;
                const Ip to = address((bits * 7 + out) % 16, family);
                const image::SourceMatch* match = source_match_of(
                    built.view.source_matches, nat_class, out,
                    [&]() -> const image::NatClass& { return built.view.nat_class(to, family); }, nat64);
                const auto expected = source_by_walk(tenant, tables, ip, to, family, out, nat64);
                RC_ASSERT((match != nullptr) == expected.has_value());
                if (match != nullptr) RC_ASSERT((Source{match->row(), match->kind()}) == *expected);
            }
            const image::ExternalAddress* external = external_of(built.view, nat_class);
            std::uint32_t expected = no_row;
            for (std::uint32_t i = 0; i < tables.externals.size(); ++i) {
                const image::ExternalAddress& row = tables.externals[i];
                if (row.family() == static_cast<std::uint8_t>(family) && from_image(row.ip()) == ip)
                    expected = i;
            }
            RC_ASSERT(nat_class.external() == expected);
            if (external == nullptr) continue;
            for (const std::uint8_t protocol : {0, 1, 6, 16, 17, 18, 255}) {
                for (const std::uint16_t port : {0, 1, 2, 3, 4, 5, 8, 9, 11, 12, 65529, 65530, 65534, 65535}) {
                    const bool has_ports = protocol == 6 || protocol == 17;
                    const std::uint16_t looked_up = has_ports ? port : std::uint16_t{0};
                    RC_ASSERT(dnat_rule_of(built.view, nat_class, protocol, looked_up) ==
                              dnat_by_walk(tables, expected, protocol, looked_up));
                }
            }
        }
    }
}

TEST(NatClasses, ATenantWithoutNatHasClassZeroAlone) {
    const Tables built(policy::Tenant{});
    EXPECT_EQ(built.tables.nat_classes4.size(), 1U);
    EXPECT_EQ(built.tables.nat_classes6.size(), 1U);
    EXPECT_TRUE(built.tables.nat4.root.empty());
}

TEST(NatClasses, GrowWithTheRulesAndNotWithTheirProduct) {
    policy::Tenant tenant;
    for (std::uint32_t i = 0; i < 3000; ++i) {
        policy::Dnat rule;
        rule.protocol = 6;
        rule.external = Ip::from_v4(0xcb007101);
        rule.on = 0;
        rule.to = Ip::from_v4(0x0a000000 + i);
        const auto port = static_cast<std::uint16_t>(2 * i + 1);
        rule.ports = policy::PortRange{port, port};
        tenant.dnat.push_back(rule);
        policy::OneToOne one_to_one;
        one_to_one.external = Ip::from_v4(0xcb010000 + i);
        one_to_one.inside = Ip::from_v4(0x0a010000 + i);
        one_to_one.on = 0;
        tenant.one_to_one.push_back(one_to_one);
    }
    const Tables built(tenant);
    EXPECT_EQ(built.tables.nat_classes4.size(), 1U + 1U + 6000U);
    EXPECT_EQ(built.tables.dnat_ports.size(), 6001U);
    EXPECT_EQ(built.tables.source_matches.size(), 3000U);
}

}  // namespace
}  // namespace sluice::lower
