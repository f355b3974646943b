// SPDX-License-Identifier: Apache-2.0
//
// A filter set in DPDK's librte_acl: what the classifier is measured beside. Needs DPDK's environment; one
// table at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "tests/support/classbench.h"

struct rte_acl_ctx;

namespace sluice::bench {

/// A header as librte_acl reads it: big-endian, protocol first.
struct AclHeader {
    std::uint8_t protocol;
    std::uint8_t pad[3];
    std::uint32_t source, destination;
    std::uint16_t source_port, destination_port;
};

AclHeader acl_header(const test::FilterHeader& header);

class AclTable {
  public:
    /// Throws std::runtime_error where librte_acl refuses.
    explicit AclTable(const std::vector<test::FilterRule>& rules);

    /// The first rule that matches plus one, 0 where none does. AVX2.
    void lookup(const std::uint8_t* const* headers, std::uint32_t count, std::uint32_t* found) const;
    std::size_t bytes() const { return bytes_; }

  private:
    std::unique_ptr<rte_acl_ctx, void (*)(rte_acl_ctx*)> table_;
    std::size_t bytes_ = 0;
};

}  // namespace sluice::bench
