// SPDX-License-Identifier: Apache-2.0
//
// IPv4 identifications for translated datagrams that are not atomic (RFC 6864 5.3.1, RFC 7857 10): one counter
// for each of 4,096 classes of (external source, destination), so that no pair sees an ID again before its
// counter wrapped; a pair's protocols share it. Owner shard only.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "runtime/packet/view.h"
#include "runtime/state/keyed_hash.h"

namespace sluice {

class IpIds {
  public:
    static constexpr std::uint32_t slot_bits = 12, slots = 1u << slot_bits;

    explicit IpIds(const HashKey& key) : addend_(key.words[0]), factor_(key.words[1] | 1) {
        for (std::uint32_t slot = 0; slot < slots; ++slot) {
            counters_[slot] = static_cast<std::uint16_t>(KeyedHash(key).add(slot, ~0ULL).value());
        }
    }
    /// Of IPv4 addresses in the byte order of the wire. One multiplication, since each packet that may become
    /// fragments asks.
    std::uint16_t slot_of(std::uint32_t source, std::uint32_t destination) const noexcept {
        const std::uint64_t addresses = source | std::uint64_t{destination} << 32;
        return static_cast<std::uint16_t>((addresses ^ addend_) * factor_ >> (64 - slot_bits));
    }
    std::uint16_t slot_of(Ip source, Ip destination) const noexcept {
        return slot_of(__builtin_bswap32(source.v4()), __builtin_bswap32(destination.v4()));
    }
    std::uint16_t next(std::uint16_t slot) noexcept { return __builtin_bswap16(next_on_wire(slot)); }
    /// The same as it lies on the wire.
    std::uint16_t next_on_wire(std::uint16_t slot) noexcept { return ++counters_[slot]; }

    std::span<const std::uint16_t> counters() const noexcept { return counters_; }
    /// Goes on from where an earlier process was, which had the same key.
    void resume(std::span<const std::uint16_t, slots> counters) noexcept {
        std::ranges::copy(counters, counters_.begin());
    }

    /// Whose IDs matter: a datagram that is, or on its way may become, more than one packet.
    static bool needs_id(const IpView& view) noexcept {
        return view.family == Family::v4 && (!view.dont_fragment || view.fragment);
    }

  private:
    std::uint64_t addend_, factor_;
    std::array<std::uint16_t, slots> counters_{};
};

}  // namespace sluice
