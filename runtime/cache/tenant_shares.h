// SPDX-License-Identifier: Apache-2.0
//
// Who uses how much of a table that all tenants share. A tenant may use what nobody else needs, but only what
// it has beyond its share can be taken from it by others. Those that use the table at all share half of it
// equally, so that a set of several ways hardly ever holds nothing but what is protected. Tenants are told
// apart by the low bits of their slots: more than there are counts for share theirs. Owner shard only; no
// allocation.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace sluice {

/// A place for each of so many tenants.
constexpr std::uint32_t tenant_places = 4096;
constexpr std::uint32_t place_of_tenant(std::uint16_t tenant) {
    return tenant % tenant_places;
}

class TenantShares {
  public:
    explicit TenantShares(std::uint32_t capacity) : capacity_(capacity) { divide(); }

    bool may_take(std::uint16_t taker, std::uint16_t owner) const noexcept {
        return taker == owner || used(owner) > share_;
    }
    void add(std::uint16_t tenant) noexcept {
        if (used_[place_of_tenant(tenant)]++ != 0) return;
        ++users_;
        divide();
    }
    void remove(std::uint16_t tenant) noexcept {
        if (--used_[place_of_tenant(tenant)] != 0) return;
        --users_;
        divide();
    }

    std::uint32_t share() const noexcept { return share_; }
    std::uint32_t used(std::uint16_t tenant) const noexcept { return used_[place_of_tenant(tenant)]; }

  private:
    void divide() noexcept { share_ = capacity_ / 2 / std::max(users_, 1U); }

    std::uint32_t capacity_;
    std::uint32_t users_ = 0;
    std::uint32_t share_ = 0;
    std::array<std::uint32_t, tenant_places> used_{};
};

}  // namespace sluice
