// SPDX-License-Identifier: Apache-2.0
//
// The text of services: tcp, udp/1000-2000, icmp/TYPE/CODE, ip/NUMBER. Pure; any thread.
#pragma once

#include <optional>
#include <string_view>

#include "compiler/policy/policy.h"

namespace sluice::sema {

/// tcp, udp, icmp, icmpv6 and ip: what a literal begins with, so no name of the user's.
bool is_service_word(std::string_view word);

std::optional<policy::Service> parse_service(std::string_view text);

/// LOW-HIGH or one number, LOW at most HIGH.
std::optional<policy::PortRange> parse_port_range(std::string_view text);

constexpr std::string_view service_forms =
    "tcp, udp, tcp/80, udp/1000-2000, icmp, icmp/TYPE, icmp/TYPE/CODE, icmpv6/TYPE or ip/NUMBER";

}  // namespace sluice::sema
