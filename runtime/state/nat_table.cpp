// SPDX-License-Identifier: Apache-2.0
#include "runtime/state/nat_table.h"

#include <algorithm>
#include <map>
#include <type_traits>

#include "runtime/packet/view.h"
#include "runtime/state/fetch_line.h"
#include "runtime/state/nat_change.h"
#include "schemas/layout/image_types.h"

namespace sluice {
namespace {

constexpr std::uint32_t first_unprivileged_port = 1024;

void keep(std::uint32_t& to, Ip ip) noexcept {
    to = ip.v4();
}
void keep(Ip& to, Ip ip) noexcept {
    to = ip;
}
Ip ip_of(std::uint32_t address) noexcept {
    return Ip::from_v4(address);
}
Ip ip_of(Ip address) noexcept {
    return address;
}

/// Of the inside endpoints in records of this kind; the outside ones may be of the other (NAT64).
template <typename Record>
constexpr Family inside_family = std::is_same_v<Record, NatRecord<Ip>> ? Family::v6 : Family::v4;

/// What an outside endpoint's hash has where an inside one's has its SNAT rule.
constexpr std::uint32_t in_place_of_rule = 0xffffffff;

std::uint64_t ends_of(std::uint16_t tenant, std::uint16_t port, std::uint8_t protocol, Family family) noexcept {
    return std::uint64_t{tenant} << 32 | std::uint64_t{port} << 16 | std::uint64_t{protocol} << 8 |
           static_cast<std::uint64_t>(family);
}

}  // namespace

bool in_sources(const TenantView& tenant, const image::SnatRule& rule, Ip ip) noexcept {
    for (const auto& row : tenant.prefixes.subspan(rule.first_source(), rule.source_count())) {
        if (row.family() == rule.family() && (ip & prefix_mask(row.length())) == from_image(row.ip()))
            return true;
    }
    return false;
}

NatTable::NatTable(std::span<const TenantView> tenants, Capacity capacity, const HashKey& key,
                   std::uint16_t shard, std::uint16_t shard_count)
    : tenants_(tenants),
      key_(key),
      shard_(shard),
      shard_count_(shard_count),
      first_ipv6_(capacity.ipv4),
      ipv4_(capacity.ipv4),
      ipv6_(capacity.ipv6),
      resting_(capacity.ipv4 + capacity.ipv6),
      index_(2 * (capacity.ipv4 + capacity.ipv6)) {
    for (std::uint32_t port = 1; port < 65536; ++port) {  // 0 is nobody's
        if ((port >> 1) % shard_count == shard) ours_[port >> 6] |= std::uint64_t{1} << (port & 63);
    }
    activate(*prepare(tenants));
}

PortSpace* NatTable::space_of(const InsideEndpoint& inside, std::uint32_t external) const noexcept {
    const auto kind = port_space_of(inside.protocol);
    PortSpace* spaces = layout_.externals[external].spaces;
    return kind && spaces != nullptr ? spaces + *kind : nullptr;
}

template <typename Record>
InsideEndpoint NatTable::inside_of(const Record& record) const noexcept {
    const External& external = layout_.externals[record.external];
    const auto kind = static_cast<std::uint32_t>(record.kind);
    return InsideEndpoint{.ip = ip_of(record.inside),
                          .snat_rule = static_cast<std::uint32_t>(record.snat_rule),
                          .port = record.inside_port,
                          .tenant = external.tenant,
                          .protocol = protocol_of(kind, inside_family<Record>),
                          .family = inside_family<Record>};
}

template <typename Record>
std::uint64_t NatTable::inside_hash_of(const Record& record) const noexcept {
    const External& external = layout_.externals[record.external];
    constexpr Family family = inside_family<Record>;
    const std::uint8_t protocol = protocol_of(static_cast<std::uint32_t>(record.kind), family);
    return endpoint_hash(record.inside, static_cast<std::uint32_t>(record.snat_rule),
                         ends_of(external.tenant, record.inside_port, protocol, family));
}

template <typename Record>
std::uint64_t NatTable::outside_hash_of(const Record& record) const noexcept {
    const External& external = layout_.externals[record.external];
    const std::uint8_t protocol = protocol_of(static_cast<std::uint32_t>(record.kind), external.family);
    return outside_hash(external.tenant, protocol, external.family, external.ip, record.external_port);
}

std::optional<NatTable::Choice> NatTable::choose(const InsideEndpoint& inside) const noexcept {
    const std::uint32_t position = tenants_[inside.tenant].snat_position(inside.snat_rule);
    Search search;
    search_for(inside, pool_at(inside.tenant, position), search);
    std::optional<Choice> choice;
    choose(inside, search, choice);
    return choice;
}

void NatTable::choose(const InsideEndpoint& inside, const Search& search,
                      std::optional<Choice>& choice) const noexcept {
    if (const std::uint32_t known = find_inside(inside, search.home); known != no_mapping) {
        const Mapping mapping = (*this)[known];
        choice = Choice{.mapping = known,
                        .external = mapping.external,
                        .external_ip = mapping.external_ip,
                        .external_port = mapping.external_port,
                        .as_of = changes_,
                        .inside = search.home};
    } else if (choice && choice->freed == freed_ && !search.space->used(choice->external_port)) {
        // The first free port from somewhere on stays the first while none becomes free and it is not taken.
        choice->as_of = changes_;
    } else {
        choose_free(inside, search, choice);
    }
}

void NatTable::choose_free(const InsideEndpoint& inside, const Search& search,
                           std::optional<Choice>& choice) const noexcept {
    choice.reset();
    const std::uint16_t port = search.low > search.high ? std::uint16_t{0} : free_port(inside, search);
    if (port == 0) return;
    const Ip ip = search.external_ip;
    const bool crosses = search.external_family != inside.family;
    const std::uint8_t protocol =
        crosses ? protocol_of(*port_space_of(inside.protocol), search.external_family) : inside.protocol;
    choice.emplace(Choice{
        .external = search.external,
        .external_ip = ip,
        .external_port = port,
        .space = search.space,
        .block_start = search.block_size == 0 ? std::uint16_t{0} : static_cast<std::uint16_t>(search.low),
        .block_size = search.block_size,
        .as_of = changes_,
        .freed = freed_,
        .inside = search.home,
        .outside = outside_home(inside.tenant, protocol, search.external_family, ip, port)});
}

std::uint64_t NatTable::host_hash(const InsideEndpoint& inside) const noexcept {
    return KeyedHash(key_)
        .add(inside.ip.hi, inside.ip.lo)
        .add(std::uint64_t{inside.tenant} << 32 | inside.snat_rule, static_cast<std::uint64_t>(inside.family))
        .value();
}

/// Paired (RFC 4787 REQ-2): the address depends on the host alone.
std::uint32_t NatTable::place_in_pool(const InsideEndpoint& inside, std::uint32_t addresses) const noexcept {
    return static_cast<std::uint32_t>(host_hash(inside) % addresses);
}

void NatTable::search_for(const InsideEndpoint& inside, const PortPool& pool, Search& search) const noexcept {
    const std::uint64_t hash = hash_of(inside);
    search.home = index_.home_of(hash);
    search.low = 1;
    search.high = 0;
    search.block_size = 0;
    if (pool.count == 0) return;
    const PoolAddress& address = pool.count == 1
                                     ? pool.first_address
                                     : layout_.pool_addresses[pool.first + place_in_pool(inside, pool.count)];
    const auto kind = port_space_of(inside.protocol);
    search.external = address.external;
    search.external_ip = address.ip;
    search.external_family = pool.external_family;
    search.owners = address.owners;
    if (!kind || address.spaces == nullptr) return;
    search.space = address.spaces + *kind;
    search.low = std::max<std::uint32_t>(pool.port_low, 1);
    search.high = pool.port_high;
    if (pool.block_size != 0) return search_block(inside, pool, hash, search);  // of any class
    if (inside.port < first_unprivileged_port) {
        if (search.low < first_unprivileged_port)
            search.high = std::min(search.high, first_unprivileged_port - 1);
    } else if (search.high >= first_unprivileged_port) {
        search.low = std::max(search.low, first_unprivileged_port);
    }
    if (search.low <= search.high) {
        const std::uint32_t ports = search.high - search.low + 1;
        search.start = search.low + static_cast<std::uint32_t>(hash % ports);
    }
}

std::uint16_t NatTable::free_port(const InsideEndpoint& inside, const Search& search) const noexcept {
    const PortSpace& space = *search.space;
    const std::uint32_t parity = inside.port & 1;
    const auto first = [&](std::uint32_t low, std::uint32_t high, std::uint32_t wished) {
        std::uint16_t port = space.first_free(low, high, wished, ours_);
        if (search.owners == nullptr || search.block_size != 0) return port;
        // Blocks of an earlier policy are their hosts' until they go.
        while (port != 0 && search.owners[port / PortBlocks::granule] != 0) {
            const std::uint32_t behind = (port | (PortBlocks::granule - 1)) + 1;
            port = behind > high ? std::uint16_t{0} : space.first_free(behind, high, wished, ours_);
        }
        return port;
    };
    for (const std::uint32_t wished : {parity, parity ^ 1}) {
        std::uint16_t port = first(search.start, search.high, wished);
        if (port == 0 && search.start != search.low) port = first(search.low, search.start - 1, wished);
        if (port != 0) return port;
    }
    return 0;
}

void NatTable::begin(const InsideEndpoint& inside, std::uint32_t position, Search& search) const noexcept {
    search_for(inside, pool_at(inside.tenant, position), search);
    index_.prefetch_both(search.home);
    if (search.low <= search.high) {
        fetch_line(search.space->line_of(static_cast<std::uint16_t>(search.start)));
    }
}

void NatTable::foresee(const InsideEndpoint& inside, const Search& search,
                       std::optional<Choice>& choice) const noexcept {
    choose_free(inside, search, choice);
    if (!choice) return;
    index_.prefetch(choice->outside);
    fetch_line(&layout_.uses[search.external]);
    fetch_line(inside.family == Family::v4 ? ipv4_.next_line() : ipv6_.next_line());
}

std::uint32_t NatTable::commit(const InsideEndpoint& inside, const Choice& choice, Ip remote) noexcept {
    // Two packets may have chosen before either committed: what counts is what the table says now.
    std::uint32_t mapping = choice.as_of == changes_ ? choice.mapping : find_inside(inside, choice.inside);
    if (choice.mapping != mapping && choice.mapping != no_mapping) return no_mapping;
    const auto work = [&](auto& pool) {
        std::remove_cvref_t<decltype(pool[0].remote)> address;
        keep(address, remote);
        if (mapping == no_mapping) {
            mapping = create(pool, inside, choice);
            if (mapping == no_mapping) return;
            auto& record = pool[mapping - first_of(pool)];
            record.remote = address;
            record.remote_sessions = 1;
            record.sessions = 1;
        } else if (admit(pool, mapping, address)) {
            ++pool[mapping - first_of(pool)].sessions;
        } else {
            mapping = no_mapping;
        }
    };
    inside.family == Family::v4 ? work(ipv4_) : work(ipv6_);
    return mapping;
}

template <typename Pool>
std::uint32_t NatTable::create(Pool& pool, const InsideEndpoint& inside, const Choice& choice) noexcept {
    const auto kind = port_space_of(inside.protocol);
    if (pool.full() || !kind || choice.space == nullptr) return no_mapping;
    PortSpace& space = *choice.space;
    if (space.used(choice.external_port)) return no_mapping;
    const std::uint32_t number = pool.take();
    const std::uint32_t mapping = first_of(pool) + number;
    std::remove_cvref_t<decltype(pool[0])> record{.inside = {},
                                                  .remote = {},
                                                  .inside_port = inside.port,
                                                  .external_port = choice.external_port,
                                                  .remote_sessions = 0,
                                                  .sessions = 0,
                                                  .kind = *kind & 3,
                                                  .external = choice.external & 0xfffff,
                                                  .snat_rule = static_cast<std::uint16_t>(inside.snat_rule),
                                                  .live = 1,
                                                  .in_block = choice.block_size != 0};
    keep(record.inside, inside.ip);
    pool[number] = record;
    if (choice.block_size != 0 && !hold_block(inside, choice)) {
        pool.give_back(number);
        return no_mapping;
    }
    if (!put(choice.inside, mapping * 2)) {
        if (choice.block_size != 0) release_block(choice.external, choice.external_port);
        pool.give_back(number);
        return no_mapping;
    }
    if (!put(choice.outside, mapping * 2 + 1)) {
        index_.erase(choice.inside, mapping * 2);
        if (choice.block_size != 0) release_block(choice.external, choice.external_port);
        pool.give_back(number);
        return no_mapping;
    }
    space.set(choice.external_port, true, ours_);
    ++layout_.uses[choice.external].mappings[*kind];
    ++live_;
    ++changes_;
    return mapping;
}

std::vector<std::uint32_t> NatTable::externals_for(std::span<const ExternalName> names) {
    std::map<ExternalName, std::uint32_t> known;
    for (std::uint32_t slot = 0; slot < layout_.externals.size(); ++slot) {
        const External& external = layout_.externals[slot];
        known.emplace(ExternalName{external.tenant, external.family, external.ip}, slot);
    }
    std::vector<std::uint32_t> slots, without_ports;
    for (const ExternalName& name : names) {
        const auto [at, is_new] = known.try_emplace(name, static_cast<std::uint32_t>(layout_.externals.size()));
        if (is_new) {
            layout_.externals.push_back(
                {.ip = name.ip, .tenant = name.tenant, .family = name.family, .named = false});
            layout_.uses.emplace_back();
        }
        slots.push_back(at->second);
        if (layout_.externals[at->second].spaces == nullptr) without_ports.push_back(at->second);
    }
    if (without_ports.empty()) return slots;
    chunks_.emplace_back(without_ports.size() * port_spaces, Touch::when_used);
    for (std::size_t i = 0; i < without_ports.size(); ++i) {
        layout_.externals[without_ports[i]].spaces = &chunks_.back()[i * port_spaces];
    }
    return slots;
}

std::uint32_t NatTable::adopt(const InsideEndpoint& inside, std::uint32_t external,
                              std::uint16_t port) noexcept {
    PortSpace* space = space_of(inside, external);
    const bool is_ours = (ours_[port >> 6] >> (port & 63) & 1) != 0;
    if (space == nullptr || !is_ours) return no_mapping;
    const Ip ip = layout_.externals[external].ip;
    const Family family = layout_.externals[external].family;
    const std::uint8_t protocol = protocol_of(*port_space_of(inside.protocol), family);
    Choice choice{.external = external,
                  .external_ip = ip,
                  .external_port = port,
                  .space = space,
                  .inside = index_.home_of(hash_of(inside)),
                  .outside = outside_home(inside.tenant, protocol, family, ip, port)};
    const std::uint32_t other = index_.find(choice.outside, [&](std::uint32_t candidate) {
        if ((candidate & 1) == 0) return false;
        const Mapping mapping = (*this)[candidate / 2];
        return mapping.external == external && mapping.external_port == port &&
               port_space_of(mapping.inside.protocol) == port_space_of(inside.protocol);
    });
    if (other != TagIndex::none) return no_mapping;
    // DNAT may have come to publish the port since: the mapping keeps it until it goes.
    const bool published = space->used(port);
    space->set(port, false, ours_);
    const auto make = [&] {
        return inside.family == Family::v4 ? create(ipv4_, inside, choice) : create(ipv6_, inside, choice);
    };
    const std::uint32_t position = tenants_[inside.tenant].snat_position(inside.snat_rule);
    const std::uint16_t size =
        position == no_position ? std::uint16_t{0} : pool_at(inside.tenant, position).block_size;
    std::uint32_t mapping = no_mapping;
    if (size != 0 && layout_.externals[external].owners != nullptr) {
        choice.block_start = static_cast<std::uint16_t>(port & ~(size - 1U));
        choice.block_size = size;
        mapping = make();
        choice.block_start = choice.block_size = 0;
    }
    if (mapping == no_mapping) mapping = make();  // from before there were blocks
    if (mapping == no_mapping) space->set(port, published, ours_);
    return mapping;
}

template <typename Pool, typename Address>
std::uint32_t NatTable::find_more(const Pool& pool, std::uint32_t mapping, Address remote) const noexcept {
    const std::uint32_t first = first_of(pool);
    const std::uint32_t key = index_.find(remote_hash(mapping, ip_of(remote)), [&](std::uint32_t candidate) {
        if ((candidate & 1) != 0 || candidate / 2 < first || candidate / 2 - first >= pool.size()) return false;
        const auto& record = pool[candidate / 2 - first];
        return record.kind == record.remote_only && record.remote == remote && record.mapping() == mapping;
    });
    return key == TagIndex::none ? no_mapping : key / 2;
}

/// Counts one session more towards `remote`. False: there is no room to remember it.
template <typename Pool, typename Address>
bool NatTable::admit(Pool& pool, std::uint32_t mapping, Address remote) noexcept {
    const std::uint32_t first = first_of(pool);
    auto& own = pool[mapping - first];
    if (own.remote_sessions != 0 && own.remote == remote) {
        ++own.remote_sessions;
        return true;
    }
    // Most mappings have one remote address and never ask the index for more.
    const std::uint32_t known = own.sessions == 0 ? no_mapping : find_more(pool, mapping, remote);
    if (known != no_mapping) {
        ++pool[known - first].remote_sessions;
        return true;
    }
    if (own.remote_sessions == 0) {
        own.remote = remote;
        own.remote_sessions = 1;
        return true;
    }
    if (pool.full()) return false;
    const std::uint32_t number = pool.take();
    auto& record = pool[number];
    record = {};
    record.kind = record.remote_only;
    record.remote = remote;
    record.set_mapping(mapping);
    record.remote_sessions = 1;
    record.live = 1;
    if (put(index_.home_of(remote_hash(mapping, ip_of(remote))), (first + number) * 2)) return true;
    pool.give_back(number);
    return false;
}

template <typename Pool, typename Address>
void NatTable::forget(Pool& pool, std::uint32_t mapping, Address remote, const Removal& removal,
                      bool was_used) noexcept {
    const std::uint32_t first = first_of(pool);
    auto& own = pool[mapping - first];
    if (!own.live || own.kind == own.remote_only) return;
    if (own.remote_sessions != 0 && own.remote == remote) {
        --own.remote_sessions;
    } else if (const std::uint32_t more = find_more(pool, mapping, remote); more != no_mapping) {
        if (--pool[more - first].remote_sessions == 0) {
            index_.erase(remote_hash(mapping, ip_of(remote)), more * 2);
            pool.give_back(more - first);
        }
    }
    --own.sessions;
    if (own.sessions != 0) return;
    index_.erase(removal.inside, mapping * 2);
    index_.erase(removal.outside, mapping * 2 + 1);
    // A TCP connection is followed to its end: its port may be another's at once (RFC 6888 REQ-8 A).
    const bool rests = was_used && layout_.externals[own.external].rests && own.kind != own.tcp &&
                       resting_.add(static_cast<std::uint32_t>(own.external),
                                    static_cast<std::uint16_t>(own.kind), own.external_port, tick_);
    if (!rests) {
        free_port_of(static_cast<std::uint32_t>(own.external), static_cast<std::uint32_t>(own.kind),
                     own.external_port);
    }
    if (own.in_block) release_block(own.external, own.external_port);
    pool.give_back(mapping - first);
    --live_;
    ++changes_;
}

void NatTable::free_port_of(std::uint32_t external, std::uint32_t kind, std::uint16_t port) noexcept {
    --layout_.uses[external].mappings[kind];
    ++freed_;
    const External& address = layout_.externals[external];
    if (address.published_count != 0 && publishes(layout_.published_of(address), kind, port)) return;
    address.spaces[kind].set(port, false, ours_);
}

void NatTable::free_rested() noexcept {
    while (const auto rested = resting_.take_rested(tick_)) {
        free_port_of(rested->external, rested->kind, rested->port);
        // A change of the policy may have freed it before, for another.
        if (has_mapping(rested->external, rested->kind, rested->port))
            layout_.externals[rested->external].spaces[rested->kind].set(rested->port, true, ours_);
    }
}

void NatTable::join(std::uint32_t mapping, Ip remote) noexcept {
    const auto work = [&](auto& pool) {
        std::remove_cvref_t<decltype(pool[0].remote)> address;
        keep(address, remote);
        admit(pool, mapping, address);
        ++pool[mapping - first_of(pool)].sessions;
    };
    mapping < first_ipv6_ ? work(ipv4_) : work(ipv6_);
}

void NatTable::release(std::uint32_t mapping, Ip remote, const Removal& removal) noexcept {
    const auto work = [&](auto& pool) {
        std::remove_cvref_t<decltype(pool[0].remote)> address;
        keep(address, remote);
        forget(pool, mapping, address, removal, true);
    };
    mapping < first_ipv6_ ? work(ipv4_) : work(ipv6_);
}

void NatTable::undo(std::uint32_t mapping, Ip remote) noexcept {
    const Removal removal = removal_of(mapping);
    const auto work = [&](auto& pool) {
        std::remove_cvref_t<decltype(pool[0].remote)> address;
        keep(address, remote);
        forget(pool, mapping, address, removal, false);
    };
    mapping < first_ipv6_ ? work(ipv4_) : work(ipv6_);
}

NatTable::Removal NatTable::removal_of(std::uint32_t mapping) const noexcept {
    return with(mapping, [&](const auto& record) -> Removal {
        if (!record.live || record.kind == record.remote_only) return {};
        return {index_.home_of(inside_hash_of(record)), index_.home_of(outside_hash_of(record))};
    });
}

void NatTable::prefetch(std::uint32_t mapping, const Removal& removal) const noexcept {
    with(mapping, [&](const auto& record) {
        if (record.sessions != 1) return;
        index_.prefetch(removal.inside);
        index_.prefetch(removal.outside);
        const PortSpace& space = layout_.externals[record.external].spaces[record.kind];
        fetch_line(space.line_of(record.external_port));
    });
}

Mapping NatTable::operator[](std::uint32_t mapping) const noexcept {
    return with(mapping, [&](const auto& record) {
        const External& external = layout_.externals[record.external];
        return Mapping{.inside = inside_of(record),
                       .external = static_cast<std::uint32_t>(record.external),
                       .external_ip = external.ip,
                       .external_family = external.family,
                       .external_port = record.external_port,
                       .sessions = static_cast<std::uint32_t>(record.sessions)};
    });
}

bool NatTable::stands(const Mapping& mapping) const noexcept {
    const TenantView& tenant = tenants_[mapping.inside.tenant];
    if (tenant.section_changed == 0) return true;  // as it was when the mapping was made
    const std::uint32_t position = tenant.snat_position(mapping.inside.snat_rule);
    if (position == no_position) return false;
    const image::SnatRule& rule = tenant.snat_rules[position];
    if (mapping.external_port < rule.port_low() || mapping.external_port > rule.port_high()) return false;
    if (!in_sources(tenant, rule, mapping.inside.ip)) return false;
    for (const auto row : tenant.pool_addresses.subspan(rule.first_pool_address(), rule.pool_address_count())) {
        const image::ExternalAddress& external = tenant.externals[row];
        if (from_image(external.ip()) == mapping.external_ip &&
            external.family() == static_cast<std::uint8_t>(mapping.external_family)) {
            return true;
        }
    }
    return false;
}

PoolUse NatTable::use_of_pool(std::uint16_t tenant, std::uint32_t position) const noexcept {
    const PortPool& pool = pool_at(tenant, position);
    const std::uint32_t ports = pool.port_high - pool.port_low + 1U;
    PoolUse use;
    for (std::uint32_t i = 0; i < pool.count; ++i) {
        const AddressUse& address = layout_.uses[layout_.pool_addresses[pool.first + i].external];
        std::uint32_t most = pool.block_size != 0 ? observed(address.in_blocks) : 0;
        for (const std::uint32_t& mappings : address.mappings) {
            use.mappings += observed(mappings);
            most = std::max(most, observed(mappings));
        }
        const std::uint64_t permille = std::uint64_t{most} * 1000 / ports;
        use.fullest_permille = std::max(use.fullest_permille, static_cast<std::uint32_t>(permille));
    }
    return use;
}

std::uint32_t NatTable::find_outside(std::uint16_t tenant, std::uint8_t protocol, Family family, Ip external_ip,
                                     std::uint16_t external_port) const noexcept {
    const std::uint64_t hash = outside_hash(tenant, protocol, family, external_ip, external_port);
    const std::uint32_t key = index_.find(hash, [&](std::uint32_t candidate) {
        if ((candidate & 1) == 0) return false;
        const Mapping mapping = (*this)[candidate / 2];
        return mapping.external_port == external_port && mapping.external_ip == external_ip &&
               mapping.inside.tenant == tenant &&
               port_space_of(mapping.inside.protocol) == port_space_of(protocol) &&
               mapping.external_family == family && stands(mapping);
    });
    return key == TagIndex::none ? no_mapping : key / 2;
}

bool NatTable::accepts(std::uint32_t mapping, Ip remote) const noexcept {
    const auto ask = [&](const auto& pool) {
        std::remove_cvref_t<decltype(pool[0].remote)> address;
        keep(address, remote);
        const auto& own = pool[mapping - first_of(pool)];
        if (own.remote_sessions != 0 && own.remote == address) return true;
        return find_more(pool, mapping, address) != no_mapping;
    };
    return mapping < first_ipv6_ ? ask(ipv4_) : ask(ipv6_);
}

std::uint32_t NatTable::find_inside(const InsideEndpoint& inside, const TagIndex::Home& home) const noexcept {
    const std::uint32_t key = index_.find(home, [&](std::uint32_t candidate) {
        if ((candidate & 1) != 0) return false;
        return with(candidate / 2, [&](const auto& record) {
            return record.kind != record.remote_only && inside_of(record) == inside &&
                   stands((*this)[candidate / 2]);
        });
    });
    return key == TagIndex::none ? no_mapping : key / 2;
}

bool NatTable::put(const TagIndex::Home& home, std::uint32_t key) noexcept {
    return index_.insert(home, key, [this](std::uint32_t other) { return hash_of_key(other); });
}

std::uint64_t NatTable::hash_of_key(std::uint32_t key) const noexcept {
    const std::uint32_t number = key / 2;
    return with(number, [&](const auto& record) {
        if ((key & 1) != 0) return outside_hash_of(record);
        return record.kind == record.remote_only ? remote_hash(record.mapping(), ip_of(record.remote))
                                                 : inside_hash_of(record);
    });
}

std::uint64_t NatTable::hash_of(const InsideEndpoint& inside) const noexcept {
    const std::uint64_t ends = ends_of(inside.tenant, inside.port, inside.protocol, inside.family);
    if (inside.family == Family::v4) return endpoint_hash(inside.ip.v4(), inside.snat_rule, ends);
    return endpoint_hash(inside.ip, inside.snat_rule, ends);
}

std::uint64_t NatTable::outside_hash(std::uint16_t tenant, std::uint8_t protocol, Family family, Ip ip,
                                     std::uint16_t port) const noexcept {
    const std::uint64_t ends = ends_of(tenant, port, protocol, family);
    if (family == Family::v4) return endpoint_hash(ip.v4(), in_place_of_rule, ends);
    return endpoint_hash(ip, in_place_of_rule, ends);
}

std::uint64_t NatTable::remote_hash(std::uint32_t mapping, Ip remote) const noexcept {
    return KeyedHash(key_).add(remote.hi, remote.lo).add(mapping, 0).value();
}

}  // namespace sluice
