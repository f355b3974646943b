// SPDX-License-Identifier: Apache-2.0
//
// Which ports have lost their link, by slot. Owner shard only; no allocation.
#pragma once

#include <bitset>
#include <cstdint>
#include <memory>

namespace sluice {

class LinkStates {
  public:
    bool all_up() const noexcept { return down_count_ == 0; }
    bool up(std::uint16_t port) const noexcept { return !(*down_)[port]; }
    /// Whether that is news.
    bool set(std::uint16_t port, bool up) noexcept {
        if (this->up(port) == up) return false;
        (*down_)[port] = !up;
        down_count_ += up ? -1 : 1;
        return true;
    }

  private:
    using Bits = std::bitset<1U << 16>;
    std::unique_ptr<Bits> down_ = std::make_unique<Bits>();
    std::int32_t down_count_ = 0;
};

}  // namespace sluice
