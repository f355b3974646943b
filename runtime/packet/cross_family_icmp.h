// SPDX-License-Identifier: Apache-2.0
//
// ICMP types, codes, pointers and MTUs in the other IP version (RFC 7915 4.2, 5.2). Internal to sluice_packet.
#pragma once

#include <cstdint>
#include <optional>

#include "runtime/packet/view.h"

namespace sluice {

struct IcmpKind {
    std::uint8_t type = 0, code = 0;
};
/// Of a query or an error. nullopt: silently dropped.
std::optional<IcmpKind> icmp_across(Family from, IcmpKind kind) noexcept;

/// The four bytes behind the checksum of an error that icmp_across knows: pointer, MTU or zero. `quoted_length`
/// is the total length that the quoted packet's header says. nullopt: the pointer's field is not in the other
/// header.
std::optional<std::uint32_t> icmp_error_word_across(Family from, IcmpKind kind, std::uint32_t word,
                                                    std::uint32_t quoted_length) noexcept;

}  // namespace sluice
