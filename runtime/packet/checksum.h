// SPDX-License-Identifier: Apache-2.0
//
// The Internet checksum (RFC 1071) and its incremental update (RFC 1624 eqn 3). Any thread, no allocation.
//
// A delta is the one's complement sum of (~old + new) over the 16-bit words that change; adding it to ~checksum
// and complementing gives the new checksum. Deltas add up, so one delta serves a whole rewrite of a flow.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "schemas/layout/address.h"

namespace sluice {

/// Unfolded one's complement sum over bytes, big-endian words, an odd last byte padded with zero.
std::uint32_t checksum_sum(std::span<const std::uint8_t> bytes, std::uint32_t sum = 0) noexcept;
/// Folded and complemented, ready to be stored (big-endian).
std::uint16_t checksum_finish(std::uint32_t sum) noexcept;
/// Sum over the IPv4 or IPv6 pseudo-header.
std::uint32_t pseudo_header_sum(Ip source, Ip destination, Family family, std::uint8_t protocol,
                                std::uint32_t l4_length) noexcept;

class ChecksumDelta {
  public:
    constexpr ChecksumDelta() = default;
    constexpr void replace16(std::uint16_t before, std::uint16_t after) noexcept {
        add(static_cast<std::uint16_t>(~before));
        add(after);
    }
    void replace_ip(Ip before, Ip after, Family family) noexcept;
    constexpr std::uint16_t value() const noexcept { return sum_; }
    static constexpr ChecksumDelta from_value(std::uint16_t value) noexcept {
        ChecksumDelta delta;
        delta.sum_ = value;
        return delta;
    }
    /// The checksum after the change. Neither repairs nor breaks: a wrong checksum stays wrong by the same
    /// amount.
    constexpr std::uint16_t apply(std::uint16_t checksum) const noexcept {
        std::uint32_t sum = static_cast<std::uint16_t>(~checksum) + std::uint32_t{sum_};
        sum = (sum & 0xffff) + (sum >> 16);
        return static_cast<std::uint16_t>(~sum);
    }

  private:
    constexpr void add(std::uint16_t word) noexcept {
        const std::uint32_t sum = std::uint32_t{sum_} + word;
        sum_ = static_cast<std::uint16_t>((sum & 0xffff) + (sum >> 16));
    }
    std::uint16_t sum_ = 0;
};

}  // namespace sluice
