// SPDX-License-Identifier: Apache-2.0
//
// How full NAT's pools are, and who is to be told before it hurts (RFC 6888 REQ-11). Any thread but the packet
// thread, while the shard stays with the image (LiveImage::hold).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "runtime/image/image.h"
#include "runtime/shard/shard.h"
#include "runtime/state/nat_table.h"

namespace sluice {

struct Pool {
    std::string tenant;
    std::string name;  // the uplink and the ends of its addresses: "internet/203.0.113.10-203.0.113.14"
    PoolUse use;
};

/// Of all tenants, in the order of the image; rules that share a pool have it once.
std::vector<Pool> pools_of(const Image& image, const Shard& shard);

/// Which pools run low, from look to look.
class PoolAlarms {
  public:
    static constexpr std::uint32_t low_permille = 900;    // from there on a pool runs low
    static constexpr std::uint32_t clear_permille = 800;  // until it is as empty as this again

    /// What has changed since the last look, as sentences; `low`: it is worse.
    struct Change {
        std::string text;
        bool low = false;
    };
    std::vector<Change> look(const std::vector<Pool>& pools);

  private:
    std::map<std::pair<std::string, std::string>, bool> low_;  // by tenant and name
};

}  // namespace sluice
