// SPDX-License-Identifier: Apache-2.0
//
// The texts of NAT rules: "tcp 203.0.113.10:443", "[2001:db8::1]:443", "203.0.113.10-203.0.113.14". Pure; any
// thread.
#pragma once

#include <optional>
#include <string_view>

#include "compiler/policy/policy.h"

namespace sluice::sema {

struct AddressAndPorts {
    IpAndFamily ip;
    std::optional<policy::PortRange> ports;
};

/// ADDRESS, ADDRESS:PORT or ADDRESS:PORT-PORT; an IPv6 address with a port stands in brackets.
std::optional<AddressAndPorts> parse_address_and_ports(std::string_view text);

struct AddressRange {
    IpAndFamily first;
    IpAndFamily last;
};

/// FIRST-LAST, or one address; of one family, in order.
std::optional<AddressRange> parse_address_range(std::string_view text);

/// How many addresses a range has, at most `limit` + 1.
std::size_t address_count(const AddressRange& range, std::size_t limit);

/// The address `n` behind this one.
Ip advance(const IpAndFamily& ip, std::uint64_t n);

}  // namespace sluice::sema
