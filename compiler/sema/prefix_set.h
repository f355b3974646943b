// SPDX-License-Identifier: Apache-2.0
//
// A set of addresses as ranges that neither touch nor overlap, so that two lists of prefixes that mean the same
// are the same. Plain value; any thread. Building costs a sort, asking a binary search.
#pragma once

#include <tuple>
#include <vector>

#include "schemas/layout/address.h"

namespace sluice::sema {

struct IpRange {
    Family family = Family::v4;
    Ip first, last;
    friend bool operator==(const IpRange&, const IpRange&) = default;
};

class PrefixSet {
  public:
    PrefixSet() = default;
    explicit PrefixSet(const std::vector<Prefix>& prefixes);

    bool contains(const IpRange& range) const;
    bool contains(const PrefixSet& other) const;
    const std::vector<IpRange>& ranges() const { return ranges_; }

  private:
    std::vector<IpRange> ranges_;
};

}  // namespace sluice::sema
