// SPDX-License-Identifier: Apache-2.0
//
// Real routing tables, where the data is at hand ($SLUICE_DATA/fib, else ../shared/data/fib beside the
// project), and longest-prefix match over them as anyone would write it first: what tests and benchmarks
// compare with.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "schemas/layout/address.h"

namespace sluice::test {

/// All prefixes of a file, in its order and with their host bits clear, or why there are none ("needs ...").
std::variant<std::vector<Prefix>, std::string> read_routing_table(const std::string& file);

/// An address below `prefix` with these host bits.
constexpr Ip address_in(const Prefix& prefix, Ip random) {
    return prefix.ip | (random & ~prefix_mask(prefix.length) & prefix_mask(address_bits(prefix.family)));
}

/// One hash table a prefix length, tried from the longest down.
class PrefixesByLength {
  public:
    /// The last of equal prefixes counts.
    void add(const Prefix& prefix, std::uint32_t value) { values_[prefix.length][prefix.ip] = value; }
    std::uint32_t lookup(Ip ip) const;

  private:
    struct Hash {
        std::size_t operator()(Ip ip) const { return (ip.hi ^ ip.lo * 31) * 0x9e3779b97f4a7c15 >> 16; }
    };
    std::unordered_map<Ip, std::uint32_t, Hash> values_[129];
};

}  // namespace sluice::test
