// SPDX-License-Identifier: Apache-2.0
#include "runtime/state/nat_table.h"

#include <algorithm>
#include <bit>

#include "runtime/packet/view.h"

namespace sluice {
namespace {

constexpr std::uint32_t no_space = 0xffffffff;
constexpr std::uint32_t first_unprivileged_port = 1024;
constexpr std::uint64_t even_ports = 0x5555555555555555;

/// 0 TCP, 1 UDP, 2 ICMP queries; nullopt for what has no ports.
std::optional<std::uint32_t> port_space_of(std::uint8_t protocol) noexcept {
    switch (protocol) {
        case protocol_tcp:
            return 0;
        case protocol_udp:
            return 1;
        case protocol_icmp:
        case protocol_icmpv6:
            return 2;
        default:
            return std::nullopt;
    }
}

/// The first set bit of candidates(word) in [low, high].
template <typename Candidates>
std::uint16_t first_port(std::uint32_t low, std::uint32_t high, Candidates&& candidates) noexcept {
    for (std::uint32_t word = low >> 6; word <= high >> 6; ++word) {
        std::uint64_t bits = candidates(word);
        if (word == low >> 6) bits &= ~std::uint64_t{0} << (low & 63);
        if (word == high >> 6) bits &= ~std::uint64_t{0} >> (63 - (high & 63));
        if (bits != 0)
            return static_cast<std::uint16_t>(word << 6 | static_cast<unsigned>(std::countr_zero(bits)));
    }
    return 0;
}

std::vector<std::uint32_t> all_free(std::uint32_t capacity) {
    std::vector<std::uint32_t> free;
    free.reserve(capacity);
    for (std::uint32_t index = capacity; index-- > 0;) free.push_back(index);
    return free;
}

}  // namespace

NatTable::NatTable(std::span<const TenantView> tenants, std::uint32_t mapping_capacity, const HashKey& key,
                   std::uint16_t shard, std::uint16_t shard_count)
    : tenants_(tenants),
      key_(key),
      mappings_(mapping_capacity),
      free_mappings_(all_free(mapping_capacity)),
      filters_(mapping_capacity),
      free_filters_(all_free(mapping_capacity)),
      inside_(mapping_capacity),
      outside_(mapping_capacity),
      filter_index_(mapping_capacity) {
    for (std::uint32_t port = 1; port < 65536; ++port) {  // 0 is nobody's
        if ((port >> 1) % shard_count == shard) ours_[port >> 6] |= std::uint64_t{1} << (port & 63);
    }
    for (const TenantView& tenant : tenants) {
        first_external_.push_back(static_cast<std::uint32_t>(first_space_.size()));
        for (const image::ExternalAddress& external : tenant.externals) {
            const auto first_space = static_cast<std::uint32_t>(ports_.size());
            first_space_.push_back(external.in_pool() != 0 ? first_space : no_space);
            if (external.in_pool() == 0) continue;
            ports_.resize(first_space + port_spaces);
            publish(tenant, external, first_space);
        }
    }
}

void NatTable::publish(const TenantView& tenant, const image::ExternalAddress& external,
                       std::uint32_t first_space) {
    for (const image::DnatRule& rule :
         tenant.dnat_rules.subspan(external.first_dnat(), external.dnat_count())) {
        const bool every_port = rule.port_low() == 0 && rule.port_high() == 0;
        const std::uint32_t high = every_port ? 65535 : rule.port_high();
        const auto only = port_space_of(rule.protocol());
        for (std::uint32_t space = 0; space < port_spaces; ++space) {
            if (rule.protocol() != 0 && only != space) continue;
            for (std::uint32_t port = rule.port_low(); port <= high; ++port) {
                ports_[first_space + space][port >> 6] |= std::uint64_t{1} << (port & 63);
            }
        }
    }
}

const NatTable::PortBits* NatTable::ports_of(std::uint16_t tenant, std::uint32_t external,
                                             std::uint8_t protocol) const noexcept {
    const auto space = port_space_of(protocol);
    const std::uint32_t first = first_space_[first_external_[tenant] + external];
    return space && first != no_space ? &ports_[first + *space] : nullptr;
}

std::optional<NatTable::Choice> NatTable::choose(const InsideEndpoint& inside) const noexcept {
    if (const std::uint32_t known = find_inside(inside); known != no_mapping) {
        const Mapping& mapping = mappings_[known];
        return Choice{known, mapping.external, mapping.external_ip, mapping.external_port};
    }
    const TenantView& tenant = tenants_[inside.tenant];
    const image::SnatRule& rule = tenant.snat_rules[tenant.snat_position(inside.snat_rule)];
    if (rule.pool_address_count() == 0) return std::nullopt;
    // Paired (RFC 4787 REQ-2): the address depends on the host alone.
    const std::uint64_t host = KeyedHash(key_)
                                   .add(inside.ip.hi, inside.ip.lo)
                                   .add(std::uint64_t{inside.tenant} << 32 | inside.snat_rule,
                                        static_cast<std::uint64_t>(inside.family))
                                   .value();
    const auto member = static_cast<std::uint32_t>(host % rule.pool_address_count());
    const std::uint32_t external = tenant.pool_addresses[rule.first_pool_address() + member];
    const PortBits* used = ports_of(inside.tenant, external, inside.protocol);
    if (used == nullptr) return std::nullopt;

    std::uint32_t low = std::max<std::uint32_t>(rule.port_low(), 1);
    std::uint32_t high = rule.port_high();
    if (inside.port < first_unprivileged_port) {
        if (low < first_unprivileged_port) high = std::min(high, first_unprivileged_port - 1);
    } else if (high >= first_unprivileged_port) {
        low = std::max(low, first_unprivileged_port);
    }
    if (low > high) return std::nullopt;

    const auto start = static_cast<std::uint32_t>(low + hash_of(inside) % (high - low + 1));
    const std::uint64_t same_parity = even_ports << (inside.port & 1);
    std::uint16_t port = find_free_port(*used, low, high, start, same_parity);
    if (port == 0) port = find_free_port(*used, low, high, start, ~same_parity);
    if (port == 0) return std::nullopt;
    const image::Ip& ip = tenant.externals[external].ip();
    return Choice{no_mapping, external, {ip.hi(), ip.lo()}, port};
}

std::uint16_t NatTable::find_free_port(const PortBits& used, std::uint32_t low, std::uint32_t high,
                                       std::uint32_t start, std::uint64_t parity_mask) const noexcept {
    const auto candidates = [&](std::uint32_t word) { return ours_[word] & ~used[word] & parity_mask; };
    const std::uint16_t port = first_port(start, high, candidates);
    if (port != 0 || start == low) return port;
    return first_port(low, start - 1, candidates);
}

std::uint32_t NatTable::commit(const InsideEndpoint& inside, const Choice& choice, Ip remote) noexcept {
    // Two packets may have chosen before either committed: what counts is what the table says now.
    std::uint32_t mapping = find_inside(inside);
    if (choice.mapping != mapping && choice.mapping != no_mapping) return no_mapping;
    if (mapping == no_mapping) {
        if (free_filters_.empty()) return no_mapping;
        mapping = create(inside, choice);
        if (mapping == no_mapping) return no_mapping;
    } else if (free_filters_.empty() && find_filter(mapping, remote) == IndexTable::none) {
        return no_mapping;
    }
    join(mapping, remote);
    return mapping;
}

std::uint32_t NatTable::create(const InsideEndpoint& inside, const Choice& choice) noexcept {
    const PortBits* ports = ports_of(inside.tenant, choice.external, inside.protocol);
    const std::uint16_t port = choice.external_port;
    if (free_mappings_.empty() || ports == nullptr || ((*ports)[port >> 6] >> (port & 63) & 1) != 0) {
        return no_mapping;
    }
    const std::uint32_t mapping = free_mappings_.back();
    free_mappings_.pop_back();
    mappings_[mapping] = {inside, choice.external, choice.external_ip, port, 0, true};
    set_port(mappings_[mapping], true);
    inside_.insert(hash_of(inside), mapping);
    outside_.insert(outside_hash(inside.tenant, inside.protocol, inside.family, choice.external_ip, port),
                    mapping);
    ++live_;
    return mapping;
}

void NatTable::join(std::uint32_t mapping, Ip remote) noexcept {
    ++mappings_[mapping].sessions;
    const std::uint32_t known = find_filter(mapping, remote);
    if (known != IndexTable::none) {
        ++filters_[known].sessions;
        return;
    }
    if (free_filters_.empty()) return;
    const std::uint32_t entry = free_filters_.back();
    free_filters_.pop_back();
    filters_[entry] = {remote, mapping, 1};
    filter_index_.insert(filter_hash(mapping, remote), entry);
}

void NatTable::release(std::uint32_t number, Ip remote) noexcept {
    Mapping& mapping = mappings_[number];
    if (!mapping.live) return;
    const std::uint32_t entry = find_filter(number, remote);
    if (entry != IndexTable::none && --filters_[entry].sessions == 0) {
        filter_index_.erase(filter_hash(number, remote), entry);
        free_filters_.push_back(entry);
    }
    if (--mapping.sessions != 0) return;
    const InsideEndpoint& inside = mapping.inside;
    inside_.erase(hash_of(inside), number);
    outside_.erase(
        outside_hash(inside.tenant, inside.protocol, inside.family, mapping.external_ip, mapping.external_port),
        number);
    set_port(mapping, false);
    mapping.live = false;
    free_mappings_.push_back(number);
    --live_;
}

void NatTable::set_port(const Mapping& mapping, bool used) noexcept {
    const std::uint32_t first = first_space_[first_external_[mapping.inside.tenant] + mapping.external];
    std::uint64_t& word = ports_[first + *port_space_of(mapping.inside.protocol)][mapping.external_port >> 6];
    const std::uint64_t bit = std::uint64_t{1} << (mapping.external_port & 63);
    word = used ? word | bit : word & ~bit;
}

std::uint32_t NatTable::find_outside(std::uint16_t tenant, std::uint8_t protocol, Family family, Ip external_ip,
                                     std::uint16_t external_port) const noexcept {
    return outside_.find(outside_hash(tenant, protocol, family, external_ip, external_port),
                         [&](std::uint32_t number) {
                             const Mapping& mapping = mappings_[number];
                             return mapping.external_ip == external_ip &&
                                    mapping.external_port == external_port && mapping.inside.tenant == tenant &&
                                    mapping.inside.protocol == protocol && mapping.inside.family == family;
                         });
}

bool NatTable::accepts(std::uint32_t mapping, Ip remote) const noexcept {
    return find_filter(mapping, remote) != IndexTable::none;
}

std::uint32_t NatTable::find_inside(const InsideEndpoint& inside) const noexcept {
    return inside_.find(hash_of(inside),
                        [&](std::uint32_t number) { return mappings_[number].inside == inside; });
}

std::uint32_t NatTable::find_filter(std::uint32_t mapping, Ip remote) const noexcept {
    return filter_index_.find(filter_hash(mapping, remote), [&](std::uint32_t entry) {
        return filters_[entry].mapping == mapping && filters_[entry].remote == remote;
    });
}

std::uint64_t NatTable::hash_of(const InsideEndpoint& inside) const noexcept {
    return KeyedHash(key_)
        .add(inside.ip.hi, inside.ip.lo)
        .add(std::uint64_t{inside.tenant} << 32 | inside.snat_rule,
             std::uint64_t{inside.port} << 16 | std::uint64_t{inside.protocol} << 8 |
                 static_cast<std::uint64_t>(inside.family))
        .value();
}

std::uint64_t NatTable::outside_hash(std::uint16_t tenant, std::uint8_t protocol, Family family, Ip ip,
                                     std::uint16_t port) const noexcept {
    return KeyedHash(key_)
        .add(ip.hi, ip.lo)
        .add(std::uint64_t{tenant} << 32 | port,
             std::uint64_t{protocol} << 8 | static_cast<std::uint64_t>(family))
        .value();
}

std::uint64_t NatTable::filter_hash(std::uint32_t mapping, Ip remote) const noexcept {
    return KeyedHash(key_).add(remote.hi, remote.lo).add(mapping, 0).value();
}

}  // namespace sluice
