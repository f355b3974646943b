// SPDX-License-Identifier: Apache-2.0
//
// IPv4 identifications for translated datagrams that are not atomic (RFC 6864 5.3.1, RFC 7857 10): one counter
// for each of 4,096 classes of (external source, destination, protocol), so that no pair sees an ID again
// before its counter wrapped. Owner shard only.
#pragma once

#include <array>
#include <cstdint>

#include "runtime/packet/view.h"
#include "runtime/state/keyed_hash.h"

namespace sluice {

class IpIds {
  public:
    static constexpr std::uint32_t slots = 4096;

    explicit IpIds(const HashKey& key) : key_(key) {
        for (std::uint32_t slot = 0; slot < slots; ++slot) {
            counters_[slot] = static_cast<std::uint16_t>(KeyedHash(key).add(slot, ~0ULL).value());
        }
    }
    /// IPv4: one multiplication, since each packet that may become fragments asks.
    std::uint16_t slot_of(Ip source, Ip destination, std::uint8_t protocol) const noexcept {
        const std::uint64_t addresses = source.hi | destination.hi >> 32;
        return static_cast<std::uint16_t>(mix(addresses ^ key_.words[0], key_.words[1] ^ protocol) % slots);
    }
    std::uint16_t next(std::uint16_t slot) noexcept { return ++counters_[slot]; }

    /// Whose IDs matter: a datagram that is, or on its way may become, more than one packet.
    static bool needs_id(const IpView& view) noexcept {
        return view.family == Family::v4 && (!view.dont_fragment || view.fragment);
    }

  private:
    HashKey key_;
    std::array<std::uint16_t, slots> counters_{};
};

}  // namespace sluice
