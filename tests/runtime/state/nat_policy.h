// SPDX-License-Identifier: Apache-2.0
//
// The rows of one or two tenants' NAT sections, as the compiler would write them, for tests of the NAT table.
#pragma once

#include <vector>

#include "runtime/image/image.h"
#include "runtime/state/nat_table.h"

namespace sluice::test {

constexpr std::uint32_t first_pool_ip = 0xcb007100;  // 203.0.113.0

/// Tenant `index` with `pool` addresses of its own, all in the pool of SNAT rule 0 (ports low..high) and of
/// rule 1 (1..65535); rule 0 may give them in blocks. On the first address DNAT publishes what `published`
/// says.
class NatPolicy {
  public:
    NatPolicy(std::uint16_t index, std::uint32_t pool, std::uint16_t low, std::uint16_t high,
              std::vector<image::DnatRule> published = {}, std::uint16_t block_size = 0,
              std::uint16_t most_blocks = 0, std::uint8_t any_remote = 0)
        : dnat_(std::move(published)) {
        const auto dnat_count = static_cast<std::uint32_t>(dnat_.size());
        for (std::uint32_t n = 0; n < pool; ++n) {
            externals_.emplace_back(row(address(index, n)), 0, n == 0 ? dnat_count : 0, no_row, 0, 4, 1);
            pool_.push_back(n);
        }
        externals_.emplace_back(row(address(index, pool)), 0, 0, no_row, 0, 4, 0);  // not in the pool
        snat_.emplace_back(0, 0, 0, pool, 0, low, high, block_size, most_blocks, 4, any_remote, 0, 1);
        snat_.emplace_back(0, 0, 0, pool, 0, 1, 65535, 0, 0, 4, 0, 0, 2);
        view_.index = index;
        view_.externals = externals_;
        view_.pool_addresses = pool_;
        view_.snat_rules = snat_;
        view_.dnat_rules = dnat_;
    }
    NatPolicy(const NatPolicy&) = delete;
    NatPolicy& operator=(const NatPolicy&) = delete;

    const TenantView& view() const { return view_; }
    static Ip address(std::uint16_t tenant, std::uint32_t n) {
        return Ip::from_v4(first_pool_ip + std::uint32_t{tenant} * 256 + n);
    }
    static image::DnatRule publish(std::uint8_t protocol, std::uint16_t low, std::uint16_t high) {
        return {image::Ip(0, 0), 0, 0, low, high, 0, protocol, 4, 0, 1};
    }

  private:
    static image::Ip row(Ip ip) { return {ip.hi, ip.lo}; }

    std::vector<image::ExternalAddress> externals_;
    std::vector<std::uint32_t> pool_;
    std::vector<image::SnatRule> snat_;
    std::vector<image::DnatRule> dnat_;
    TenantView view_;
};

}  // namespace sluice::test
