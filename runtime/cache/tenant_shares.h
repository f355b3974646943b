// SPDX-License-Identifier: Apache-2.0
//
// Who uses how much of a table that all tenants share: a tenant may use what nobody else needs, but only what
// it has beyond its share can be taken from it by others. All shares together are half of the table, so that a
// set of several ways hardly ever holds nothing but what is protected. Owner shard only. Allocates in the
// constructor only.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace sluice {

class TenantShares {
  public:
    /// Tenants by slot.
    TenantShares(std::uint32_t capacity, std::size_t tenants) : capacity_(capacity) { follow(tenants); }

    /// There are `tenants` now, no fewer than before. Allocates: between two bursts, where an image changes.
    void follow(std::size_t tenants) {
        used_.resize(std::max(tenants, used_.size()));
        share_ = capacity_ / 2 / static_cast<std::uint32_t>(std::max<std::size_t>(used_.size(), 1));
    }

    bool may_take(std::uint16_t taker, std::uint16_t owner) const noexcept {
        return taker == owner || used_[owner] > share_;
    }
    void add(std::uint16_t tenant) noexcept { ++used_[tenant]; }
    void remove(std::uint16_t tenant) noexcept { --used_[tenant]; }

    std::uint32_t share() const noexcept { return share_; }
    std::uint32_t used(std::uint16_t tenant) const noexcept { return used_[tenant]; }

  private:
    std::uint32_t capacity_;
    std::uint32_t share_ = 0;
    std::vector<std::uint32_t> used_;
};

}  // namespace sluice
