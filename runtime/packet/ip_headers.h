// SPDX-License-Identifier: Apache-2.0
//
// The fields of IP headers, options and extension headers, read into a view without judging lengths and
// addresses. Internal to sluice_packet.
#pragma once

#include <cstdint>
#include <span>

#include "runtime/packet/view.h"

namespace sluice {

constexpr std::uint8_t ipv6_hop_by_hop = 0, ipv6_routing = 43, ipv6_fragment = 44, ipv6_authentication = 51,
                       ipv6_destination_options = 60;
constexpr unsigned most_extension_headers = 8;

/// Needs 20 readable bytes. header_length and total_length are as the header says.
void read_ipv4_header(const std::uint8_t* packet, IpView& view) noexcept;
/// False: an option without room for its length byte, or with a length that does not fit (RFC 1122 3.2.1.8).
bool read_ipv4_options(std::span<const std::uint8_t> options, IpView& view) noexcept;

/// Needs 40 readable bytes. protocol and header_length are for read_ipv6_extensions to fill.
void read_ipv6_header(const std::uint8_t* packet, IpView& view) noexcept;
/// Walks the chain from the fixed header's next-header value `first`. False: it leaves `packet`, is longer than
/// most_extension_headers, has a second fragment header, or a hop-by-hop header that is not the first (RFC 8200
/// 4.1). Behind the fragment header of a non-first fragment there are no headers: the walk ends there.
bool read_ipv6_extensions(std::span<const std::uint8_t> packet, std::uint8_t first, IpView& view) noexcept;

}  // namespace sluice
