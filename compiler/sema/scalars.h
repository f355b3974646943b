// SPDX-License-Identifier: Apache-2.0
//
// One value each: a syntax tree's node in, a checked value out. Nothing comes out where the text is wrong, and
// the reason is then reported.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "compiler/sema/context.h"

namespace sluice::sema {

/// `what` names the value in messages: "the port's MTU".
std::optional<std::string_view> text_of(Context& context, const Node& node, std::string_view what);
std::optional<std::uint32_t> number_of(Context& context, const Node& node, std::string_view what,
                                       std::uint32_t low, std::uint32_t high);
std::optional<bool> boolean_of(Context& context, const Node& node, std::string_view what);

/// A host's or a network's address alone.
std::optional<IpAndFamily> ip_of(Context& context, const Node& node, std::string_view what);
/// ADDRESS/LENGTH without host bits.
std::optional<Prefix> prefix_of(Context& context, const Node& node, std::string_view what);
/// Either; an address counts as a prefix of full length.
std::optional<Prefix> address_or_prefix_of(Context& context, const Node& node, std::string_view what);
/// The gateway's own ADDRESS/LENGTH on a subnet, usable by a host there.
std::optional<policy::InterfaceAddress> interface_address_of(Context& context, const Node& node);
/// A station's own MAC: not a group, not zero.
std::optional<Mac> mac_of(Context& context, const Node& node, std::string_view what);
std::optional<policy::Action> action_of(Context& context, const Node& node, std::string_view what);

/// Why an address cannot be a host's; empty where it can.
std::string_view why_no_host(const IpAndFamily& ip);
/// Why an address cannot be a host's in this subnet: its first (IPv4: or last) address.
std::string_view why_no_host_in(const Prefix& subnet, Ip ip);

/// The first two addresses of a subnet that hosts may have; nothing where it has no two.
std::optional<std::pair<Ip, Ip>> first_hosts_of(const Prefix& subnet);

/// A letter, then letters, digits, _ and -; at most 63. Reports what is wrong with it.
bool is_name(Context& context, const Node& node, std::string_view what);

/// The items of a list, or the one value that stands for a list of one.
std::vector<const Node*> items_of(const Node& node);
/// The items of what must be a list.
std::vector<const Node*> list_of(Context& context, const Node& node, std::string_view what);
/// Name and value of each entry of a mapping that the user fills; duplicates are reported and left out.
std::vector<std::pair<const Node*, const Node*>> entries_of(Context& context, const Node& node,
                                                            std::string_view what);

/// A word out of a few; `words` in the order in which a message lists them.
std::optional<std::size_t> word_of(Context& context, const Node& node, std::string_view what,
                                   std::initializer_list<std::string_view> words);

std::optional<std::uint32_t> parse_decimal(std::string_view digits, std::uint32_t highest);

}  // namespace sluice::sema
