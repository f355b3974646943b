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
#include <optional>
#include <span>
#include <vector>

#include "runtime/image/image.h"
#include "runtime/state/index_table.h"
#include "runtime/state/keyed_hash.h"
#include "runtime/state/session_table.h"

namespace sluice {

/// An inside endpoint as one SNAT rule of one tenant sees it. Protocols have separate port spaces.
struct InsideEndpoint {
    Ip ip;
    std::uint32_t snat_rule = 0;  // its slot
    std::uint16_t port = 0;
    std::uint16_t tenant = 0;
    std::uint8_t protocol = 0;
    Family family = Family::v4;
    friend bool operator==(const InsideEndpoint&, const InsideEndpoint&) = default;
};

struct Mapping {
    InsideEndpoint inside;
    std::uint32_t external = 0;  // index into TenantView::externals
    Ip external_ip;
    std::uint16_t external_port = 0;
    std::uint32_t sessions = 0;  // how many use it; the mapping goes with the last one
    bool live = false;
};

class NatTable {
  public:
    /// `shard` of `shard_count`: a port belongs to shard (port >> 1) % shard_count, so that parity survives
    /// sharding. `mapping_capacity` also bounds the pairs of mapping and remote address, so it is the session
    /// table's capacity. The tenants must outlive the table.
    NatTable(std::span<const TenantView> tenants, std::uint32_t mapping_capacity, const HashKey& key,
             std::uint16_t shard = 0, std::uint16_t shard_count = 1);
    NatTable(const Image& image, std::uint32_t mapping_capacity, const HashKey& key, std::uint16_t shard = 0,
             std::uint16_t shard_count = 1)
        : NatTable(image.tenants(), mapping_capacity, key, shard, shard_count) {}

    /// The mapping an outbound packet uses: an existing one (`mapping` set) or one to be made.
    struct Choice {
        std::uint32_t mapping = no_mapping;
        std::uint32_t external = 0;
        Ip external_ip;
        std::uint16_t external_port = 0;
    };
    /// nullopt: NAT_NO_PORT. A new port lies in the rule's range and, where the range has such ports, in the
    /// inside port's class (0-1023 or 1024-65535), has its parity where one is free, is not 0 and none that a
    /// DNAT rule of the tenant publishes on that address and protocol. Protocols other than TCP, UDP and ICMP
    /// queries have no ports: nullopt.
    std::optional<Choice> choose(const InsideEndpoint& inside) const noexcept;

    /// Uses the choice for one more session towards `remote`, making the mapping where it is new. no_mapping:
    /// the table is full, or the chosen port was taken since; nothing has changed then.
    std::uint32_t commit(const InsideEndpoint& inside, const Choice& choice, Ip remote) noexcept;
    /// A session that arrived from `remote` through an existing mapping.
    void join(std::uint32_t mapping, Ip remote) noexcept;
    /// One session towards `remote` less; frees port and mapping with the last.
    void release(std::uint32_t mapping, Ip remote) noexcept;

    std::uint32_t find_outside(std::uint16_t tenant, std::uint8_t protocol, Family family, Ip external_ip,
                               std::uint16_t external_port) const noexcept;  // no_mapping where there is none
    /// Has a session of this mapping been towards `remote`? (RFC 4787 REQ-8: address-dependent filtering)
    bool accepts(std::uint32_t mapping, Ip remote) const noexcept;

    const Mapping& operator[](std::uint32_t mapping) const noexcept { return mappings_[mapping]; }
    std::uint32_t size() const noexcept { return live_; }

    static constexpr std::size_t mapping_bytes() { return sizeof(Mapping) + sizeof(std::uint32_t); }
    static constexpr std::size_t filter_bytes() { return sizeof(FilterEntry) + sizeof(std::uint32_t); }

  private:
    static constexpr std::uint32_t port_words = 65536 / 64;
    static constexpr std::uint32_t port_spaces = 3;  // TCP, UDP, ICMP queries
    using PortBits = std::array<std::uint64_t, port_words>;

    /// How many sessions of a mapping are towards a remote address.
    struct FilterEntry {
        Ip remote;
        std::uint32_t mapping = no_mapping;
        std::uint32_t sessions = 0;
    };

    void publish(const TenantView& tenant, const image::ExternalAddress& external, std::uint32_t first_space);
    const PortBits* ports_of(std::uint16_t tenant, std::uint32_t external,
                             std::uint8_t protocol) const noexcept;
    std::uint16_t find_free_port(const PortBits& used, std::uint32_t low, std::uint32_t high,
                                 std::uint32_t start, std::uint64_t parity_mask) const noexcept;
    void set_port(const Mapping& mapping, bool used) noexcept;
    std::uint64_t hash_of(const InsideEndpoint& inside) const noexcept;
    std::uint64_t outside_hash(std::uint16_t tenant, std::uint8_t protocol, Family family, Ip ip,
                               std::uint16_t port) const noexcept;
    std::uint64_t filter_hash(std::uint32_t mapping, Ip remote) const noexcept;
    std::uint32_t find_inside(const InsideEndpoint& inside) const noexcept;
    std::uint32_t find_filter(std::uint32_t mapping, Ip remote) const noexcept;
    std::uint32_t create(const InsideEndpoint& inside, const Choice& choice) noexcept;

    std::span<const TenantView> tenants_;
    HashKey key_;
    std::vector<PortBits> ports_;                // used or published: three a pool address
    std::vector<std::uint32_t> first_space_;     // into ports_, by external row of all tenants
    std::vector<std::uint32_t> first_external_;  // into first_space_, by tenant
    PortBits ours_{};                            // the ports of this shard
    std::vector<Mapping> mappings_;
    std::vector<std::uint32_t> free_mappings_;
    std::vector<FilterEntry> filters_;
    std::vector<std::uint32_t> free_filters_;
    IndexTable inside_, outside_, filter_index_;
    std::uint32_t live_ = 0;
};

}  // namespace sluice
