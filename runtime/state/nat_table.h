// SPDX-License-Identifier: Apache-2.0
//
// Dynamic NAT of one shard: which external address and port stands for which inside one (RFC 4787, 5382, 5508;
// the numbers are in seed-systems 0.4). Mapping is endpoint-independent and per protocol: one inside (address,
// port, protocol) keeps one external (address, port) to all destinations; filtering is address-dependent. The
// external address of an inside host is always the same one of the pool (paired, hard).
//
// Choosing is a pure function of secret, tuple and table state: choose() changes nothing; the shard commits
// when the packet leaves. Owner shard only. Allocates in the constructor only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "runtime/image/image.h"
#include "runtime/state/fetch_line.h"
#include "runtime/state/keyed_hash.h"
#include "runtime/state/nat_records.h"
#include "runtime/state/observed.h"
#include "runtime/state/port_blocks.h"
#include "runtime/state/port_space.h"
#include "runtime/state/resting_ports.h"
#include "runtime/state/session_table.h"
#include "runtime/state/tag_index.h"

namespace sluice {

/// An inside endpoint as one SNAT rule of one tenant sees it; the rule's external addresses may be of the other
/// family (NAT64). Protocols have separate port spaces.
struct InsideEndpoint {
    Ip ip;
    std::uint32_t snat_rule = 0;  // its slot
    std::uint16_t port = 0;
    std::uint16_t tenant = 0;
    std::uint8_t protocol = 0;
    Family family = Family::v4;
    friend bool operator==(const InsideEndpoint&, const InsideEndpoint&) = default;
};

/// Does the rule translate this inside address? Linear in its prefixes.
bool in_sources(const TenantView& tenant, const image::SnatRule& rule, Ip ip) noexcept;

/// As read by stages and people; the table keeps it in 24 bytes.
struct Mapping {
    InsideEndpoint inside;
    std::uint32_t external = 0;  // the slot of its external address
    Ip external_ip;
    Family external_family = Family::v4;
    std::uint16_t external_port = 0;
    std::uint32_t sessions = 0;  // how many use it; the mapping goes with the last one
};

/// How much of a pool is in use.
struct PoolUse {
    std::uint64_t mappings = 0;  // and ports that rest
    /// Of a thousand ports, at the address and protocol that has fewest left: a host keeps to one address, so
    /// that is where the next one may be refused. A block counts whole.
    std::uint32_t fullest_permille = 0;
};

class NatTable {
  public:
    /// How many mappings there may be, and pairs of mapping and remote address: as many as sessions.
    struct Capacity {
        std::uint32_t ipv4 = 0, ipv6 = 0;
    };
    /// `shard` of `shard_count`: a port belongs to shard (port >> 1) % shard_count, so that parity survives
    /// sharding. The tenants must outlive the table.
    NatTable(std::span<const TenantView> tenants, Capacity capacity, const HashKey& key,
             std::uint16_t shard = 0, std::uint16_t shard_count = 1);
    NatTable(std::span<const TenantView> tenants, std::uint32_t capacity, const HashKey& key,
             std::uint16_t shard = 0, std::uint16_t shard_count = 1)
        : NatTable(tenants, Capacity{capacity, capacity}, key, shard, shard_count) {}
    NatTable(const Image& image, std::uint32_t capacity, const HashKey& key)
        : NatTable(image.tenants(), capacity, key) {}

    /// The mapping an outbound packet uses: an existing one (`mapping` set) or one to be made.
    struct Choice {
        std::uint32_t mapping = no_mapping;
        std::uint32_t external = 0;
        Ip external_ip;
        std::uint16_t external_port = 0;
        PortSpace* space = nullptr;                     // where the port is, of a mapping to be made
        std::uint16_t block_start = 0, block_size = 0;  // the block it is in; size 0: none
        std::uint32_t as_of = 0;                        // the table's changes when it was made
        std::uint32_t freed = 0;                        // how often ports had become free then
        TagIndex::Home inside{};   // where the index is to have the mapping: by its inside endpoint,
        TagIndex::Home outside{};  // and by what is chosen, where that is new
    };
    /// nullopt: NAT_NO_PORT. A new port lies in the rule's range and, where the range has such ports, in the
    /// inside port's class (0-1023 or 1024-65535), has its parity where one is free, is not 0 and none that a
    /// DNAT rule of the tenant publishes on that address and protocol. Protocols other than TCP, UDP and ICMP
    /// queries have no ports: nullopt.
    std::optional<Choice> choose(const InsideEndpoint& inside) const noexcept;

    /// Uses the choice for one more session towards `remote`, making the mapping where it is new. no_mapping:
    /// the table is full, or the chosen port was taken since; nothing has changed then.
    std::uint32_t commit(const InsideEndpoint& inside, const Choice& choice, Ip remote) noexcept;
    struct ExternalName {
        std::uint16_t tenant = 0;
        Family family{};
        Ip ip;
        friend auto operator<=>(const ExternalName&, const ExternalName&) = default;
    };
    /// Their slots, for adopt(): also of addresses that no pool has any more, and mappings of an earlier
    /// process still use. Each name once. Allocates.
    std::vector<std::uint32_t> externals_for(std::span<const ExternalName> names);
    /// A mapping that an earlier process made, without its sessions: join() one at once. no_mapping: its
    /// address (by slot) gives no ports, the port is another mapping's or another shard's, or there is no room.
    std::uint32_t adopt(const InsideEndpoint& inside, std::uint32_t external, std::uint16_t port) noexcept;
    /// A session that arrived from `remote` through an existing mapping.
    void join(std::uint32_t mapping, Ip remote) noexcept;
    /// One session towards `remote` less; frees port and mapping with the last.
    void release(std::uint32_t mapping, Ip remote) noexcept { release(mapping, remote, removal_of(mapping)); }
    /// The same by what removal_of() says: where the index has the mapping.
    struct Removal {
        TagIndex::Home inside, outside;
    };
    void release(std::uint32_t mapping, Ip remote, const Removal& removal) noexcept;
    /// As release(), of a session that no packet has left for: nobody knows of its port, which needs no rest.
    void undo(std::uint32_t mapping, Ip remote) noexcept;
    /// It is this tick. Frees the ports that have rested long enough (RFC 6888 REQ-8): those but TCP's of
    /// addresses that a rule with endpoint-independent filtering gives rest two minutes, while there is room to
    /// remember them.
    void advance(std::uint32_t tick) noexcept {
        if (tick == tick_) return;
        tick_ = tick;
        free_rested();
    }
    Removal removal_of(std::uint32_t mapping) const noexcept;

    /// Fetches a mapping, then what release() will touch of it if it is the last.
    void prefetch(std::uint32_t mapping) const noexcept {
        fetch_line(mapping < first_ipv6_ ? static_cast<const void*>(&ipv4_[mapping])
                                         : &ipv6_[mapping - first_ipv6_]);
    }
    void prefetch(std::uint32_t mapping, const Removal& removal) const noexcept;

    std::uint32_t find_outside(std::uint16_t tenant, std::uint8_t protocol, Family family, Ip external_ip,
                               std::uint16_t external_port) const noexcept;  // no_mapping where there is none
    /// Has a session of this mapping been towards `remote`? (RFC 4787 REQ-8: address-dependent filtering.)
    /// Remote addresses are of the inside's family: with NAT64, as the inside host knows them.
    bool accepts(std::uint32_t mapping, Ip remote) const noexcept;

    /// Does the SNAT rule that made this mapping still exist, match its host, and own its address and port?
    /// Where it does not, the mapping serves no packet any more and goes with its last session.
    bool stands(const Mapping& mapping) const noexcept;

    /// What the table needs to go over to the tenants of an image that follows. Any thread, while no other
    /// change is on its way; allocates, reads nothing that packets change.
    struct Change;
    std::unique_ptr<Change> prepare(std::span<const TenantView> next) const;
    /// Owner, between two bursts. What is not needed any more goes into `change`. The tenants must outlive
    /// this. Costs nothing for addresses whose published ports are the same.
    void activate(Change& change) noexcept;

    Mapping operator[](std::uint32_t mapping) const noexcept;
    SLUICE_READ_BY_OTHERS std::uint32_t size() const noexcept { return live_; }
    /// Of the addresses that the SNAT rule in this place of a tenant's (slot) section gives. Any thread, while
    /// nobody calls activate().
    PoolUse use_of_pool(std::uint16_t tenant, std::uint32_t position) const noexcept;

    // choose() in steps, for bursts: begin() fetches where foresee() will look, foresee() fetches what commit()
    // will touch if the mapping is a new one, and choose() then has little left to do.

    /// Where a new mapping looks for a port: which address, from which port on.
    struct Search {
        TagIndex::Home home{};  // of the inside endpoint
        std::uint32_t external = 0;
        Ip external_ip{};
        Family external_family{};
        PortSpace* space = nullptr;
        std::uint32_t low = 1, high = 0, start = 0;  // nothing where low > high
        PortBlocks::Owners owners = nullptr;
        std::uint16_t block_size = 0;  // from low to high is a block; 0: it is not
    };
    /// `position`: of the SNAT rule in its tenant's section.
    void begin(const InsideEndpoint& inside, std::uint32_t position, Search& search) const noexcept;
    /// Fetches what begin() reads: first the rule's own line, then, where it has many addresses, those.
    void prefetch_pool(std::uint16_t tenant, std::uint32_t position) const noexcept {
        fetch_line(&pool_at(tenant, position));
    }
    void prefetch_pool_addresses(std::uint16_t tenant, std::uint32_t position) const noexcept {
        const PortPool& pool = pool_at(tenant, position);
        if (pool.count > 1) fetch_line(&layout_.pool_addresses[pool.first]);
    }
    /// Blocks taken and given back since they were forgotten last, as many as there is room for, and how many
    /// more there were.
    std::span<const BlockEvent> block_events() const noexcept { return block_events_; }
    std::uint64_t block_events_lost() const noexcept { return block_events_lost_; }
    void forget_block_events() noexcept {
        block_events_.clear();
        block_events_lost_ = 0;
    }
    /// Blocks that hosts hold. Any thread.
    std::uint32_t blocks() const noexcept { return blocks_ == nullptr ? 0 : observed(blocks_->size()); }

    /// What will be chosen unless there is a mapping already.
    void foresee(const InsideEndpoint& inside, const Search& search,
                 std::optional<Choice>& choice) const noexcept;
    /// Brings what foresee() said lately up to what choose(inside) says.
    void choose(const InsideEndpoint& inside, const Search& search,
                std::optional<Choice>& choice) const noexcept;
    /// The SNAT rule in this place of a tenant's (slot) section, as InsideEndpoint names it.
    std::uint32_t rule_slot(std::uint16_t tenant, std::uint32_t position) const noexcept {
        return pool_at(tenant, position).rule_slot;
    }

    static constexpr std::size_t mapping_bytes(Family family) {
        return family == Family::v4 ? sizeof(NatRecord<std::uint32_t>) : sizeof(NatRecord<Ip>);
    }

    /// So many events of blocks are kept between two calls.
    static constexpr std::size_t most_block_events = 8192;

  private:
    static constexpr std::uint32_t port_spaces = 3;  // TCP, UDP, ICMP queries

    /// Ports of an external address that DNAT publishes, of one protocol; no mapping gets them.
    struct Published {
        std::uint32_t kind = 0;
        std::uint16_t low = 0, high = 0;
        friend bool operator==(const Published&, const Published&) = default;
    };
    /// An address that some rule presents to the outside. It keeps its slot from image to image.
    struct External {
        Ip ip;
        std::uint16_t tenant = 0;
        Family family{};
        bool named = true;                    // by the running image
        bool rests = false;                   // its ports, when they become free
        PortSpace* spaces = nullptr;          // three; none where it has never been in a pool
        PortBlocks::Owners owners = nullptr;  // none where it has never been in a pool with blocks
        std::uint32_t first_published = 0, published_count = 0;
    };
    /// An address of a pool, and again what its External says: with many tenants each line is a cold one.
    struct PoolAddress {
        Ip ip{};
        PortSpace* spaces = nullptr;
        PortBlocks::Owners owners = nullptr;
        std::uint32_t external = 0;  // its slot
    };
    /// What a SNAT rule gives its mappings, in one line.
    struct alignas(64) PortPool {
        std::uint32_t rule_slot = 0;
        std::uint32_t first = 0, count = 0;  // of Layout::pool_addresses
        std::uint16_t port_low = 0, port_high = 0;
        std::uint16_t block_size = 0, most_blocks = 0;
        Family external_family{};
        PoolAddress first_address{};  // again
    };
    static_assert(sizeof(PortPool) == 64);
    /// Of an external address.
    struct AddressUse {
        std::array<std::uint32_t, port_spaces> mappings{};  // live ones, and ports that rest
        std::uint32_t in_blocks = 0;                        // ports of its blocks
        bool is_empty() const noexcept { return (mappings[0] | mappings[1] | mappings[2]) == 0; }
    };
    /// All that follows from an image.
    struct Layout {
        std::vector<External> externals;        // by slot
        std::vector<AddressUse> uses;           // the same. New mappings touch nothing else of it
        std::vector<std::uint32_t> first_pool;  // into pools, by tenant: one a SNAT rule, by position
        std::vector<PortPool> pools;
        std::vector<PoolAddress> pool_addresses;
        std::vector<Published> published;
        std::span<const Published> published_of(const External& external) const noexcept {
            return std::span(published).subspan(external.first_published, external.published_count);
        }
    };
    /// What blocks need that have not been there before.
    void prepare_blocks(Change& change) const;
    static void list_published(const TenantView& tenant, const image::ExternalAddress& external,
                               std::vector<Published>& published);
    /// `slots`: of the tenant's external addresses, by row.
    static void list_pools(const TenantView& tenant, std::span<const std::uint32_t> slots, Layout& layout);
    bool has_mapping(std::uint32_t external, std::uint32_t kind, std::uint16_t port) const noexcept;
    void free_port_of(std::uint32_t external, std::uint32_t kind, std::uint16_t port) noexcept;
    void free_rested() noexcept;
    static bool publishes(std::span<const Published> published, std::uint32_t kind,
                          std::uint16_t port) noexcept;
    /// Ports that are not published any more are free, those that are now are not.
    void republish(std::uint32_t slot, const External& before, const Layout& old_layout) noexcept;
    /// Null where the address or the protocol has no ports to give.
    PortSpace* space_of(const InsideEndpoint& inside, std::uint32_t external) const noexcept;
    std::uint64_t host_hash(const InsideEndpoint& inside) const noexcept;
    std::uint32_t place_in_pool(const InsideEndpoint& inside, std::uint32_t addresses) const noexcept;
    void search_for(const InsideEndpoint& inside, const PortPool& pool, Search& search) const noexcept;
    const PortPool& pool_at(std::uint16_t tenant, std::uint32_t position) const noexcept {
        return layout_.pools[layout_.first_pool[tenant] + position];
    }
    /// Of a rule with blocks: the first of the host's that has a port for it, else one to be taken.
    void search_block(const InsideEndpoint& inside, const PortPool& pool, std::uint64_t hash,
                      Search& search) const noexcept;
    /// From `search` on; nullopt: none between its bounds is free.
    std::optional<std::uint32_t> free_block(const Search& search, std::uint32_t size,
                                            std::uint64_t host) const noexcept;
    void tell(const PortBlock& block, bool taken) noexcept;
    void choose_free(const InsideEndpoint& inside, const Search& search,
                     std::optional<Choice>& choice) const noexcept;
    std::uint16_t free_port(const InsideEndpoint& inside, const Search& search) const noexcept;
    std::uint32_t find_inside(const InsideEndpoint& inside, const TagIndex::Home& home) const noexcept;
    template <typename Record>
    InsideEndpoint inside_of(const Record& record) const noexcept;
    template <typename Record>
    std::uint64_t inside_hash_of(const Record& record) const noexcept;
    template <typename Record>
    std::uint64_t outside_hash_of(const Record& record) const noexcept;
    bool put(const TagIndex::Home& home, std::uint32_t key) noexcept;
    bool hold_block(const InsideEndpoint& inside, const Choice& choice) noexcept;
    void release_block(std::uint32_t external, std::uint16_t port) noexcept;

    std::uint64_t endpoint_hash(std::uint32_t ip, std::uint32_t rule, std::uint64_t ends) const noexcept {
        return hash_of_words(std::uint64_t{ip} << 32 | rule, ends, key_);
    }
    std::uint64_t endpoint_hash(Ip ip, std::uint32_t rule, std::uint64_t ends) const noexcept {
        return KeyedHash(key_).add(ip.hi, ip.lo).add(rule, ends).value();
    }
    std::uint64_t hash_of(const InsideEndpoint& inside) const noexcept;
    std::uint64_t outside_hash(std::uint16_t tenant, std::uint8_t protocol, Family family, Ip ip,
                               std::uint16_t port) const noexcept;
    TagIndex::Home outside_home(std::uint16_t tenant, std::uint8_t protocol, Family family, Ip ip,
                                std::uint16_t port) const noexcept {
        return index_.home_of(outside_hash(tenant, protocol, family, ip, port));
    }
    std::uint64_t remote_hash(std::uint32_t mapping, Ip remote) const noexcept;
    std::uint64_t hash_of_key(std::uint32_t key) const noexcept;

    // Of one pool; mappings and records by their number in all.
    template <typename Pool>
    std::uint32_t create(Pool& pool, const InsideEndpoint& inside, const Choice& choice) noexcept;
    template <typename Pool, typename Address>
    std::uint32_t find_more(const Pool& pool, std::uint32_t mapping, Address remote) const noexcept;
    template <typename Pool, typename Address>
    bool admit(Pool& pool, std::uint32_t mapping, Address remote) noexcept;
    template <typename Pool, typename Address>
    void forget(Pool& pool, std::uint32_t mapping, Address remote, const Removal& removal,
                bool was_used) noexcept;
    /// What use(record) says of a mapping's record, or of that of one remote address more.
    template <typename Use>
    decltype(auto) with(std::uint32_t number, Use&& use) const noexcept {
        return number < first_ipv6_ ? use(ipv4_[number]) : use(ipv6_[number - first_ipv6_]);
    }
    std::uint32_t first_of(const NatPool<std::uint32_t>&) const noexcept { return 0; }
    std::uint32_t first_of(const NatPool<Ip>&) const noexcept { return first_ipv6_; }

    std::span<const TenantView> tenants_;
    HashKey key_;
    std::uint16_t shard_, shard_count_;
    std::vector<BigArray<PortSpace>> chunks_;  // three a pool address
    Layout layout_;
    PortSpace::Bits ours_{};    // the ports of this shard
    std::uint32_t first_ipv6_;  // mappings are numbered through both pools
    NatPool<std::uint32_t> ipv4_;
    NatPool<Ip> ipv6_;
    std::unique_ptr<PortBlocks> blocks_;  // null while no image has had rules with blocks
    std::vector<BigArray<std::uint32_t>> owner_chunks_;
    std::vector<BlockEvent> block_events_;
    std::uint64_t block_events_lost_ = 0;
    RestingPorts resting_;
    std::uint32_t tick_ = 0;
    TagIndex index_;  // of mapping * 2: by inside endpoint, or one remote address more; * 2 + 1: by outside
    std::uint32_t live_ = 0;
    std::uint32_t changes_ = 0;  // of which mappings there are
    std::uint32_t freed_ = 0;    // how often ports became free
};

}  // namespace sluice
