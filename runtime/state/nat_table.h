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

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "runtime/image/image.h"
#include "runtime/state/keyed_hash.h"
#include "runtime/state/session_table.h"

namespace sluice {

/// An inside endpoint as one SNAT rule of one tenant sees it. Protocols have separate port spaces.
struct InsideEndpoint {
    Ip ip;
    std::uint32_t snat_rule = 0;  // index into TenantView::snat_rules
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
    /// sharding.
    NatTable(const Image& image, std::uint32_t mapping_capacity, const HashKey& key, std::uint16_t shard = 0,
             std::uint16_t shard_count = 1);

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
    /// the table is full.
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

  private:
    struct Implementation;  // the helper that writes this file chooses the members
    std::vector<Mapping> mappings_;
    std::uint32_t live_ = 0;
};

}  // namespace sluice
