// SPDX-License-Identifier: Apache-2.0
//
// The NAT table goes over to another image: external addresses keep their slots and port spaces, with all that
// is in use in them; what DNAT publishes there is the new image's.
#include "runtime/state/nat_change.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "schemas/layout/image_types.h"

namespace sluice {
namespace {

/// Up to so many bytes of port spaces a tenant are taken at once, in 2 MB pages where there are any: with a
/// thousand tenants the walks to ordinary pages cost more than the lines themselves. An idle tenant may take
/// 64 KiB in all.
constexpr std::size_t little_a_tenant = std::size_t{32} << 10;

}  // namespace

std::unique_ptr<NatTable::Change> NatTable::prepare(std::span<const TenantView> next) const {
    using Key = std::tuple<std::uint16_t, Family, Ip>;
    auto change = std::make_unique<Change>();
    change->tenants = next;
    Layout& layout = change->layout;
    std::map<Key, std::uint32_t> known;
    std::vector<std::uint32_t> free;
    for (std::uint32_t slot = 0; slot < layout_.externals.size(); ++slot) {
        const External& old = layout_.externals[slot];
        layout.externals.push_back({.ip = old.ip,
                                    .tenant = old.tenant,
                                    .family = old.family,
                                    .named = false,
                                    .spaces = old.spaces,
                                    .owners = old.owners});
        if (old.family == Family{}) {
            free.push_back(slot);
        } else {
            known.emplace(Key{old.tenant, old.family, old.ip}, slot);
        }
    }
    const auto slot_for = [&](const TenantView& tenant, const image::ExternalAddress& row) {
        const auto family = static_cast<Family>(row.family());
        const auto [at, is_new] = known.try_emplace(Key{tenant.index, family, from_image(row.ip())}, 0);
        if (is_new && free.empty()) {
            at->second = static_cast<std::uint32_t>(layout.externals.size());
            layout.externals.emplace_back();
        } else if (is_new) {
            at->second = free.back();
            free.pop_back();
        }
        External& external = layout.externals[at->second];
        external.ip = from_image(row.ip());
        external.tenant = tenant.index;
        external.family = family;
        external.named = true;
        return at->second;
    };
    std::vector<std::uint32_t> without_ports, slots;
    for (const TenantView& tenant : next) {
        slots.clear();
        for (const image::ExternalAddress& row : tenant.externals) {
            const std::uint32_t slot = slot_for(tenant, row);
            slots.push_back(slot);
            if (row.in_pool() == 0) continue;
            External& external = layout.externals[slot];
            if (external.spaces == nullptr) without_ports.push_back(slot);
            external.first_published = static_cast<std::uint32_t>(layout.published.size());
            list_published(tenant, row, layout.published);
            external.published_count =
                static_cast<std::uint32_t>(layout.published.size()) - external.first_published;
        }
        list_pools(tenant, slots, layout);
    }
    prepare_blocks(*change);
    change->chunks.reserve(chunks_.size() + 1);
    const std::size_t spaces = without_ports.size() * port_spaces;
    const bool small = spaces * sizeof(PortSpace) * shard_count_ <= next.size() * little_a_tenant;
    change->chunks.emplace_back(spaces, small ? Touch::now : Touch::when_used);
    for (std::size_t i = 0; i < without_ports.size(); ++i) {
        layout.externals[without_ports[i]].spaces = &change->chunks.back()[i * port_spaces];
    }
    for (PoolAddress& address : layout.pool_addresses) {
        address.ip = layout.externals[address.external].ip;
        address.spaces = layout.externals[address.external].spaces;
        address.owners = layout.externals[address.external].owners;
    }
    for (PortPool& pool : layout.pools) {
        if (pool.count != 0) pool.first_address = layout.pool_addresses[pool.first];
    }
    layout.uses.resize(layout.externals.size());  // how many there are is the packets' to change
    return change;
}

void NatTable::activate(Change& change) noexcept {
    std::swap(layout_, change.layout);
    tenants_ = change.tenants;
    ++changes_;
    ++freed_;
    for (std::uint32_t slot = 0; slot < layout_.externals.size(); ++slot) {
        const External before =
            slot < change.layout.externals.size() ? change.layout.externals[slot] : External{};
        if (slot < change.layout.uses.size()) layout_.uses[slot] = change.layout.uses[slot];
        republish(slot, before, change.layout);
        External& now = layout_.externals[slot];
        // A vanished address whose last mapping has gone may be given to another; its port space is empty.
        if (!now.named && layout_.uses[slot].is_empty()) now.family = Family{};
    }
    if (change.blocks != nullptr) {
        blocks_ = std::move(change.blocks);
        block_events_.swap(change.events);
    }
    if (!change.owner_chunks.empty()) {
        for (auto& chunk : owner_chunks_) change.owner_chunks.push_back(std::move(chunk));
        owner_chunks_.swap(change.owner_chunks);
    }
    const bool has_new = change.chunks.back().size() != 0;
    if (!has_new) change.chunks.pop_back();
    for (auto& chunk : chunks_) change.chunks.push_back(std::move(chunk));
    chunks_.swap(change.chunks);
}

void NatTable::republish(std::uint32_t slot, const External& before, const Layout& old_layout) noexcept {
    const External& now = layout_.externals[slot];
    const auto old_ports = old_layout.published_of(before);
    const auto ports = layout_.published_of(now);
    if (now.spaces == nullptr || std::ranges::equal(old_ports, ports)) return;
    const auto set = [&](const Published& range, bool used) {
        for (std::uint32_t port = std::max<std::uint32_t>(range.low, 1); port <= range.high; ++port) {
            const auto number = static_cast<std::uint16_t>(port);
            if (!used && (publishes(ports, range.kind, number) || has_mapping(slot, range.kind, number)))
                continue;
            now.spaces[range.kind].set(number, used, ours_);
        }
    };
    for (const Published& range : old_ports) set(range, false);
    for (const Published& range : ports) set(range, true);
}

bool NatTable::has_mapping(std::uint32_t external, std::uint32_t kind, std::uint16_t port) const noexcept {
    const External& address = layout_.externals[external];
    const std::uint8_t protocol = protocol_of(kind, address.family);
    const std::uint64_t hash = outside_hash(address.tenant, protocol, address.family, address.ip, port);
    const auto key = index_.find(hash, [&](std::uint32_t candidate) {
        if ((candidate & 1) == 0) return false;
        const Mapping mapping = (*this)[candidate / 2];
        return mapping.external == external && mapping.external_port == port &&
               port_space_of(mapping.inside.protocol) == kind;
    });
    return key != TagIndex::none;
}

bool NatTable::publishes(std::span<const Published> published, std::uint32_t kind,
                         std::uint16_t port) noexcept {
    return std::ranges::any_of(published, [&](const Published& range) {
        return range.kind == kind && range.low <= port && port <= range.high;
    });
}

void NatTable::list_pools(const TenantView& tenant, std::span<const std::uint32_t> slots, Layout& layout) {
    layout.first_pool.push_back(static_cast<std::uint32_t>(layout.pools.size()));
    for (std::uint32_t position = 0; position < tenant.snat_rules.size(); ++position) {
        const image::SnatRule& rule = tenant.snat_rules[position];
        layout.pools.push_back(
            {.rule_slot = tenant.snat_slot(position),
             .first = static_cast<std::uint32_t>(layout.pool_addresses.size()),
             .count = rule.pool_address_count(),
             .port_low = rule.port_low(),
             .port_high = rule.port_high(),
             .block_size = rule.block_size(),
             .most_blocks = rule.most_blocks(),
             .external_family = rule.nat64() != 0 ? Family::v4 : static_cast<Family>(rule.family())});
        for (const std::uint32_t row :
             tenant.pool_addresses.subspan(rule.first_pool_address(), rule.pool_address_count())) {
            layout.pool_addresses.push_back({.external = slots[row]});
            layout.externals[slots[row]].rests |= rule.any_remote() != 0;
        }
    }
}

void NatTable::list_published(const TenantView& tenant, const image::ExternalAddress& external,
                              std::vector<Published>& published) {
    for (const image::DnatRule& rule :
         tenant.dnat_rules.subspan(external.first_dnat(), external.dnat_count())) {
        const bool every_port = rule.port_low() == 0 && rule.port_high() == 0;
        const auto only = port_space_of(rule.protocol());
        for (std::uint32_t kind = 0; kind < port_spaces; ++kind) {
            if (rule.protocol() != 0 && only != kind) continue;
            published.push_back({kind, rule.port_low(), every_port ? std::uint16_t{65535} : rule.port_high()});
        }
    }
}

}  // namespace sluice
