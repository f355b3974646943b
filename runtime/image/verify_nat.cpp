// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <bit>
#include <vector>

#include "runtime/image/verify_tenant.h"
#include "schemas/layout/image_types.h"
#include "schemas/layout/rfc6052.h"

namespace sluice::verify {
namespace {

Refusal check_prefixes(const TenantView& tenant) {
    for (std::size_t i = 0; i < tenant.prefixes.size(); ++i) {
        const image::PrefixRow& row = tenant.prefixes[i];
        if (!is_canonical(row.ip(), row.family()) ||
            row.length() > address_bits(static_cast<Family>(row.family()))) {
            return fmt::format("prefix {} is of neither family or too long", i);
        }
        const Ip ip = from_image(row.ip());
        if ((ip & prefix_mask(row.length())) != ip) return fmt::format("prefix {} has host bits set", i);
    }
    return std::nullopt;
}

Refusal check_nat64_prefixes(const TenantView& tenant) {
    if (tenant.nat64_prefixes.size() > most_nat64_prefixes) {
        return fmt::format("{} NAT64 prefixes, at most {} are possible", tenant.nat64_prefixes.size(),
                           most_nat64_prefixes);
    }
    for (std::size_t i = 0; i < tenant.nat64_prefixes.size(); ++i) {
        if (!can_embed_ipv4(from_image(tenant.nat64_prefixes[i]))) {
            return fmt::format("NAT64 prefix {} has no room for an IPv4 address", i);
        }
    }
    return std::nullopt;
}

constexpr unsigned smallest_block = 8;  // who has which ports is kept by so many (port_blocks.h)

Refusal check_snat(const TenantView& tenant, const image::SnatRule& row) {
    if (row.out_interface() >= tenant.interfaces.size()) {
        return fmt::format("is for interface {}, the tenant has {}", row.out_interface(),
                           tenant.interfaces.size());
    }
    if (row.port_low() == 0 || row.port_low() > row.port_high()) {
        return fmt::format("has ports {} to {}, expected 1 to 65535 in order", row.port_low(), row.port_high());
    }
    if ((row.block_size() == 0) != (row.most_blocks() == 0) ||
        (row.block_size() != 0 &&
         (!std::has_single_bit(row.block_size()) || row.block_size() < smallest_block))) {
        return fmt::format("has blocks of {} ports, {} a host", row.block_size(), row.most_blocks());
    }
    if (!fits(row.first_source(), row.source_count(), tenant.prefixes.size())) {
        return fmt::format("has sources {} and the next {}, the table has {}", row.first_source(),
                           row.source_count(), tenant.prefixes.size());
    }
    for (const auto& source : tenant.prefixes.subspan(row.first_source(), row.source_count())) {
        if (source.family() != row.family()) return "has a source of the other family";
    }
    if (row.nat64() > tenant.nat64_prefixes.size() ||
        (row.nat64() != 0 && row.family() != static_cast<std::uint8_t>(Family::v6))) {
        return fmt::format("is of NAT64 prefix {}, the tenant has {}", row.nat64() - 1,
                           tenant.nat64_prefixes.size());
    }
    if (row.pool_address_count() == 0) return "has an empty pool";
    if (!fits(row.first_pool_address(), row.pool_address_count(), tenant.pool_addresses.size())) {
        return fmt::format("has pool addresses {} and the next {}, the table has {}", row.first_pool_address(),
                           row.pool_address_count(), tenant.pool_addresses.size());
    }
    for (const std::uint32_t index :
         tenant.pool_addresses.subspan(row.first_pool_address(), row.pool_address_count())) {
        if (index >= tenant.externals.size()) {
            return fmt::format("has external address {} in its pool, there are {}", index,
                               tenant.externals.size());
        }
        const image::ExternalAddress& external = tenant.externals[index];
        const auto family = row.nat64() != 0 ? static_cast<std::uint8_t>(Family::v4) : row.family();
        if (external.family() != family || external.on_interface() != row.out_interface()) {
            return "has a pool address of the other family or of another interface";
        }
    }
    return std::nullopt;
}

Refusal check_dnat(const TenantView& tenant, const image::DnatRule& row) {
    if (row.on_interface() >= tenant.interfaces.size()) {
        return fmt::format("is on interface {}, the tenant has {}", row.on_interface(),
                           tenant.interfaces.size());
    }
    if (!is_canonical(row.to(), row.family())) return "leads to an address of neither family";
    const bool every_port = row.port_low() == 0 && row.port_high() == 0;
    if (row.port_low() > row.port_high()) {
        return fmt::format("has ports {} to {}, not in order", row.port_low(), row.port_high());
    }
    if (every_port && row.to_port() != 0) {
        return fmt::format("is for every port and leads to port {}, expected 0", row.to_port());
    }
    if (!every_port && row.protocol() == 0) return "has ports and no protocol";
    if (!every_port && row.to_port() + (row.port_high() - row.port_low()) > 65535) {
        return fmt::format("leads to ports beyond 65535: {} and the next {}", row.to_port(),
                           row.port_high() - row.port_low());
    }
    return std::nullopt;
}

// Ports first, then a protocol, then the bare address: the first that matches counts.
int rank_of(const image::DnatRule& row) {
    return row.port_low() != 0 || row.port_high() != 0 ? 0 : row.protocol() != 0 ? 1 : 2;
}

Refusal check_external(const TenantView& tenant, std::size_t index, std::uint64_t& next_dnat) {
    const image::ExternalAddress& row = tenant.externals[index];
    if (!is_canonical(row.ip(), row.family())) return "is of neither family";
    if (row.on_interface() >= tenant.interfaces.size()) {
        return fmt::format("is on interface {}, the tenant has {}", row.on_interface(),
                           tenant.interfaces.size());
    }
    if (row.first_dnat() != next_dnat || !fits(next_dnat, row.dnat_count(), tenant.dnat_rules.size())) {
        return fmt::format("has DNAT rules {} and the next {}, expected to begin at {} of {}", row.first_dnat(),
                           row.dnat_count(), next_dnat, tenant.dnat_rules.size());
    }
    next_dnat += row.dnat_count();
    int rank = 0;
    for (const auto& rule : tenant.dnat_rules.subspan(row.first_dnat(), row.dnat_count())) {
        if (rule.external() != index || rule.family() != row.family() ||
            rule.on_interface() != row.on_interface()) {
            return "has a DNAT rule of another address or interface";
        }
        if (rank_of(rule) < rank) return "has a DNAT rule behind a less specific one";
        rank = rank_of(rule);
    }
    if (row.one_to_one() == no_row) return std::nullopt;
    if (row.one_to_one() >= tenant.one_to_one_rules.size()) {
        return fmt::format("has one-to-one rule {}, there are {}", row.one_to_one(),
                           tenant.one_to_one_rules.size());
    }
    const image::OneToOneRule& rule = tenant.one_to_one_rules[row.one_to_one()];
    if (rule.external() != index || from_image(rule.external_ip()) != from_image(row.ip()) ||
        rule.family() != row.family() || rule.on_interface() != row.on_interface()) {
        return "has the one-to-one rule of another address or interface";
    }
    return std::nullopt;
}

Refusal check_one_to_one(const TenantView& tenant, std::size_t index) {
    const image::OneToOneRule& row = tenant.one_to_one_rules[index];
    if (row.on_interface() >= tenant.interfaces.size()) {
        return fmt::format("is on interface {}, the tenant has {}", row.on_interface(),
                           tenant.interfaces.size());
    }
    if (!is_canonical(row.inside_ip(), row.family())) return "leads to an address of neither family";
    if (row.external() >= tenant.externals.size() || tenant.externals[row.external()].one_to_one() != index) {
        return "belongs to no external address";
    }
    return std::nullopt;
}

Refusal check_pool_flags(const TenantView& tenant) {
    std::vector<bool> in_pool(tenant.externals.size());
    for (const std::uint32_t index : tenant.pool_addresses) {
        if (index >= in_pool.size()) {
            return fmt::format("a pool has external address {}, there are {}", index, in_pool.size());
        }
        in_pool[index] = true;
    }
    for (std::size_t i = 0; i < in_pool.size(); ++i) {
        const unsigned expected = in_pool[i] ? 1 : 0;
        if (tenant.externals[i].in_pool() != expected) {
            return fmt::format("external address {} has in_pool {}, expected {}", i,
                               tenant.externals[i].in_pool(), expected);
        }
    }
    return std::nullopt;
}

}  // namespace

Refusal check_nat_rules(const TenantView& tenant) {
    if (auto refusal = check_prefixes(tenant)) return refusal;
    if (auto refusal = check_nat64_prefixes(tenant)) return refusal;
    for (std::size_t i = 0; i < tenant.snat_rules.size(); ++i) {
        if (auto refusal = check_snat(tenant, tenant.snat_rules[i]))
            return fmt::format("SNAT rule {} {}", i, *refusal);
    }
    for (std::size_t i = 0; i < tenant.dnat_rules.size(); ++i) {
        if (auto refusal = check_dnat(tenant, tenant.dnat_rules[i]))
            return fmt::format("DNAT rule {} {}", i, *refusal);
    }
    return check_pool_flags(tenant);
}

Refusal check_externals(const TenantView& tenant) {
    const auto key = [](const image::ExternalAddress& row) {
        return std::pair(row.family(), from_image(row.ip()));
    };
    std::uint64_t next_dnat = 0;
    for (std::size_t i = 0; i < tenant.externals.size(); ++i) {
        if (i != 0 && !(key(tenant.externals[i - 1]) < key(tenant.externals[i]))) {
            return fmt::format("external address {} is not sorted behind the one before it", i);
        }
        if (auto refusal = check_external(tenant, i, next_dnat)) {
            return fmt::format("external address {} {}", i, *refusal);
        }
    }
    if (next_dnat != tenant.dnat_rules.size()) {
        return fmt::format("the external addresses have {} DNAT rules, the table {}", next_dnat,
                           tenant.dnat_rules.size());
    }
    for (std::size_t i = 0; i < tenant.one_to_one_rules.size(); ++i) {
        if (auto refusal = check_one_to_one(tenant, i))
            return fmt::format("one-to-one rule {} {}", i, *refusal);
    }
    return std::nullopt;
}

}  // namespace sluice::verify
