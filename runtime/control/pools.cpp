// SPDX-License-Identifier: Apache-2.0
#include "runtime/control/pools.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "schemas/layout/image_types.h"

namespace sluice {
namespace {

std::string name_of(const TenantView& tenant, const image::SnatRule& rule) {
    const auto rows = tenant.pool_addresses.subspan(rule.first_pool_address(), rule.pool_address_count());
    const auto address = [&](std::uint32_t row) {
        const image::ExternalAddress& external = tenant.externals[row];
        return to_string(from_image(external.ip()), static_cast<Family>(external.family()));
    };
    std::string name = std::string(tenant.interface_names[rule.out_interface()]) + "/" + address(rows.front());
    if (rows.size() > 1) name += "-" + address(rows.back());
    return name;
}

}  // namespace

std::vector<Pool> pools_of(const Image& image, const Shard& shard) {
    std::vector<Pool> pools;
    for (const TenantView& tenant : image.tenants()) {
        const std::size_t first = pools.size();
        for (std::uint32_t position = 0; position < tenant.snat_rules.size(); ++position) {
            const image::SnatRule& rule = tenant.snat_rules[position];
            if (rule.pool_address_count() == 0) continue;
            std::string name = name_of(tenant, rule);
            const PoolUse use = shard.live_use_of_pool(tenant.index, position);
            const auto same = std::find_if(pools.begin() + static_cast<std::ptrdiff_t>(first), pools.end(),
                                           [&](const Pool& pool) { return pool.name == name; });
            if (same == pools.end()) {
                pools.push_back({std::string(tenant.name), std::move(name), use});
            } else {  // the rule with the fewer ports runs out first
                same->use.fullest_permille = std::max(same->use.fullest_permille, use.fullest_permille);
            }
        }
    }
    return pools;
}

std::vector<PoolAlarms::Change> PoolAlarms::look(const std::vector<Pool>& pools) {
    std::vector<Change> changes;
    std::map<std::pair<std::string, std::string>, bool> now;
    for (const Pool& pool : pools) {
        const auto key = std::pair(pool.tenant, pool.name);
        const auto before = low_.find(key);
        const bool was_low = before != low_.end() && before->second;
        const bool low = pool.use.fullest_permille >= (was_low ? clear_permille : low_permille);
        now.emplace(key, low);
        if (low == was_low) continue;
        const std::string percent = fmt::format("{} %", pool.use.fullest_permille / 10);
        changes.push_back(
            {low ? fmt::format("NAT pool {} of tenant {} runs low: {} of the ports of one of its addresses "
                               "are in use; give it more addresses, or hosts fewer sessions",
                               pool.name, pool.tenant, percent)
                 : fmt::format("NAT pool {} of tenant {} has room again: {} in use at most", pool.name,
                               pool.tenant, percent),
             low});
    }
    low_ = std::move(now);
    return changes;
}

}  // namespace sluice
