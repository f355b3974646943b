// SPDX-License-Identifier: Apache-2.0
//
// Ports that became free and are not to be given again for two minutes (RFC 6888 REQ-8): a stranger may still
// send to whoever had them last. A queue of fixed length in the order in which they became free. Owner shard
// only. Allocates in the constructor only, and touches memory as it is used first.
#pragma once

#include <cstdint>
#include <optional>

#include "runtime/state/big_array.h"
#include "runtime/state/timer_wheel.h"

namespace sluice {

struct RestingPort {
    std::uint32_t external;  // the slot of its address
    std::uint16_t port, kind;
    std::uint32_t until;  // a tick
};

class RestingPorts {
  public:
    static constexpr std::uint32_t ticks = 120 * (nanoseconds_per_second / tick_nanoseconds);

    explicit RestingPorts(std::uint32_t most) : ring_(most, Touch::when_used) {}

    /// From now on. False: there are as many as there may be.
    bool add(std::uint32_t external, std::uint16_t kind, std::uint16_t port, std::uint32_t now) noexcept {
        if (count_ == ring_.size()) return false;
        const std::size_t end = first_ + count_;
        ring_[end < ring_.size() ? end : end - ring_.size()] = {external, port, kind, now + ticks + 1};
        ++count_;
        return true;
    }
    /// The one that has rested longest, if it has long enough; it is not here any more then.
    std::optional<RestingPort> take_rested(std::uint32_t now) noexcept {
        if (count_ == 0 || static_cast<std::int32_t>(now - ring_[first_].until) < 0) return std::nullopt;
        const RestingPort rested = ring_[first_];
        first_ = first_ + 1 == ring_.size() ? 0 : first_ + 1;
        --count_;
        return rested;
    }

  private:
    BigArray<RestingPort> ring_;
    std::size_t first_ = 0, count_ = 0;
};

}  // namespace sluice
