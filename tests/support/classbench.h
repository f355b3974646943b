// SPDX-License-Identifier: Apache-2.0
//
// ClassBench filter sets and header traces (Taylor and Turner, INFOCOM 2005), and the linear scan that every
// classifier is compared with.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace sluice::test {

struct FilterRule {
    std::uint32_t source = 0, destination = 0;
    std::uint8_t source_length = 0, destination_length = 0;
    std::uint16_t source_port_low = 0, source_port_high = 65535;
    std::uint16_t destination_port_low = 0, destination_port_high = 65535;
    std::uint8_t protocol = 0, protocol_mask = 0;
};

struct FilterHeader {
    std::uint32_t source = 0, destination = 0;
    std::uint16_t source_port = 0, destination_port = 0;
    std::uint8_t protocol = 0;
};

struct FilterSet {
    std::string name;
    std::vector<FilterRule> rules;      // first match wins; TCP flags are left out
    std::vector<FilterHeader> headers;  // of its trace; made from the rules' corners where it has none
    bool has_trace = false;
};

/// All sets of the data folder ($SLUICE_DATA, else ../shared/data beside the project), smallest first; none
/// where the folder or the program zstd is missing.
std::vector<FilterSet> read_filter_sets();

/// Headers at, just inside and just outside the corners of random rules.
std::vector<FilterHeader> corner_headers(const std::vector<FilterRule>& rules, std::size_t count,
                                         std::uint64_t seed);

constexpr std::uint32_t no_filter = 0xffffffff;
/// The first rule that matches, as anyone would write it first.
std::uint32_t linear_scan(const std::vector<FilterRule>& rules, const FilterHeader& header);

}  // namespace sluice::test
