// SPDX-License-Identifier: Apache-2.0
//
// Ports that hosts inside hold in blocks (RFC 6888 REQ-14, RFC 7422 2): the first mapping of a host takes a
// block of its external address, all its mappings live in its blocks, and the last one to go gives a block
// back. So what must be kept to know who was behind a port is two lines a block, not one a session. A block is
// of all protocols. Owner shard only; allocates in the constructor only, and uses memory as blocks come.
#pragma once

#include <cstdint>
#include <optional>

#include "runtime/state/big_array.h"
#include "runtime/state/keyed_hash.h"
#include "runtime/state/observed.h"
#include "runtime/state/tag_index.h"
#include "schemas/layout/address.h"

namespace sluice {

/// A host inside as one SNAT rule of one tenant sees it.
struct BlockHolder {
    Ip ip;
    std::uint32_t snat_rule = 0;  // its slot
    std::uint16_t tenant = 0;     // its slot
    Family family = Family::v4;
    friend bool operator==(const BlockHolder&, const BlockHolder&) = default;
};

struct PortBlock {
    BlockHolder holder;
    std::uint32_t external = 0;  // the slot of the external address
    std::uint16_t start = 0, size = 0;
    std::uint32_t mappings = 0;  // that live in it; it goes with the last
    std::uint32_t next = 0;      // of the same holder, plus one; 0: none
    bool holds(std::uint32_t port) const noexcept { return port >= start && port - start < size; }
};

/// A block was taken or given back: what is to be kept of it.
struct BlockEvent {
    Ip host, external;
    std::uint16_t tenant = 0;  // its slot
    std::uint16_t first_port = 0, last_port = 0;
    Family family = Family::v4;  // of the host
    Family external_family = Family::v4;
    bool taken = false;
    friend bool operator==(const BlockEvent&, const BlockEvent&) = default;
};

class PortBlocks {
  public:
    static constexpr std::uint32_t none = 0xffffffff;
    static constexpr std::uint32_t granule = 8;  // ports; no block is smaller
    static constexpr std::uint32_t granules = 65536 / granule;
    /// By granule of an external address: the block it is in, plus one; 0: in none.
    using Owners = std::uint32_t*;

    PortBlocks(std::uint32_t blocks, const HashKey& key);

    /// The holder's, one after the other; none ends them.
    std::uint32_t first_of(const BlockHolder& holder) const noexcept;
    std::uint32_t next_of(std::uint32_t block) const noexcept {
        return blocks_[block].next == 0 ? none : blocks_[block].next - 1;
    }
    const PortBlock& operator[](std::uint32_t block) const noexcept { return blocks_[block]; }
    static bool is_free(Owners owners, std::uint32_t start, std::uint32_t size) noexcept;

    /// One mapping more in this block, which its holder has or takes now. False: somebody else has a part of
    /// it, or there is no room.
    bool hold(Owners owners, const PortBlock& block) noexcept;
    /// One mapping less at this port. What it gives back, if it was the block's last.
    std::optional<PortBlock> release(Owners owners, std::uint16_t port) noexcept;

    SLUICE_READ_BY_OTHERS std::uint32_t size() const noexcept { return live_; }

  private:
    std::uint64_t hash(const BlockHolder& holder) const noexcept {
        return KeyedHash(key_)
            .add(holder.ip.hi, holder.ip.lo)
            .add(std::uint64_t{holder.tenant} << 32 | holder.snat_rule,
                 static_cast<std::uint64_t>(holder.family))
            .value();
    }
    bool take(Owners owners, const PortBlock& block) noexcept;
    bool put(std::uint32_t number) noexcept;
    void give_back(std::uint32_t number) noexcept;

    HashKey key_;
    BigArray<PortBlock> blocks_;
    TagIndex index_;                // the first block of each holder
    std::uint32_t next_ = 0;        // never used yet from here
    std::uint32_t given_back_ = 0;  // the last one, plus one, linked through next
    std::uint32_t live_ = 0;
};

}  // namespace sluice
