// SPDX-License-Identifier: Apache-2.0
#include "compiler/sema/scalars.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <unordered_map>

namespace sluice::sema {
namespace {

constexpr std::size_t longest_name = 63;

bool is_letter(char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

bool is_name_byte(char byte) {
    return is_letter(byte) || (byte >= '0' && byte <= '9') || byte == '_' || byte == '-';
}

std::string_view kind_words(const Node& node) {
    return node.is_map() ? "a mapping" : node.is_list() ? "a list" : "text";
}

Prefix full_length(const IpAndFamily& ip) {
    return {ip.ip, static_cast<std::uint8_t>(address_bits(ip.family)), ip.family};
}

std::optional<Prefix> check_host_bits(Context& context, const Node& node, const Prefix& prefix) {
    const Prefix network{prefix.ip & prefix_mask(prefix.length), prefix.length, prefix.family};
    if (network.ip == prefix.ip) return prefix;
    const auto host = full_length({prefix.ip, prefix.family});
    context
        .report(Code::host_bits_set, node.span, fmt::format("\"{}\" has bits set behind its length", node.text))
        .help(fmt::format("write {} for the network, or {} for the one address", to_string(network),
                          to_string(host)));
    return std::nullopt;
}

}  // namespace

std::optional<std::uint32_t> parse_decimal(std::string_view digits, std::uint32_t highest) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size() || value > highest) {
        return std::nullopt;
    }
    return value;
}

std::optional<std::string_view> text_of(Context& context, const Node& node, std::string_view what) {
    if (node.is_scalar() && !node.is_null() && !node.text.empty()) return node.text;
    const auto found = node.is_scalar() ? std::string_view("nothing") : kind_words(node);
    context.report(Code::wrong_type, node.span, fmt::format("{} must be text, not {}", what, found));
    return std::nullopt;
}

std::optional<std::uint32_t> number_of(Context& context, const Node& node, std::string_view what,
                                       std::uint32_t low, std::uint32_t high) {
    const bool digits_only =
        node.is_scalar() && !node.text.empty() &&
        std::all_of(node.text.begin(), node.text.end(), [](char byte) { return byte >= '0' && byte <= '9'; });
    if (!digits_only || !node.plain) {
        auto& diagnostic =
            context.report(Code::wrong_type, node.span, fmt::format("{} must be a number", what));
        if (digits_only) diagnostic.help("delete the quotes");
        return std::nullopt;
    }
    const auto value = parse_decimal(node.text, high);
    if (!value || *value < low) {
        context.report(Code::bad_number, node.span, fmt::format("{} must be from {} to {}", what, low, high));
        return std::nullopt;
    }
    return value;
}

std::optional<bool> boolean_of(Context& context, const Node& node, std::string_view what) {
    if (node.is_scalar() && node.plain && node.text == "true") return true;
    if (node.is_scalar() && node.plain && node.text == "false") return false;
    context.report(Code::wrong_type, node.span, fmt::format("{} must be true or false", what));
    return std::nullopt;
}

std::optional<IpAndFamily> ip_of(Context& context, const Node& node, std::string_view what) {
    const auto text = text_of(context, node, what);
    if (!text) return std::nullopt;
    if (const auto ip = parse_ip(*text)) return ip;
    auto& diagnostic = context.report(Code::bad_address, node.span,
                                      fmt::format("{} must be an IP address, not \"{}\"", what, *text));
    if (const auto prefix = parse_prefix(*text)) {
        diagnostic.help(fmt::format("write {}, without the length", to_string(prefix->ip, prefix->family)));
    }
    return std::nullopt;
}

std::optional<Prefix> prefix_of(Context& context, const Node& node, std::string_view what) {
    const auto text = text_of(context, node, what);
    if (!text) return std::nullopt;
    if (const auto prefix = parse_prefix(*text)) return check_host_bits(context, node, *prefix);
    auto& diagnostic = context.report(Code::bad_address, node.span,
                                      fmt::format("{} must be ADDRESS/LENGTH, not \"{}\"", what, *text));
    if (const auto ip = parse_ip(*text)) diagnostic.help(fmt::format("write {}", to_string(full_length(*ip))));
    return std::nullopt;
}

std::optional<Prefix> address_or_prefix_of(Context& context, const Node& node, std::string_view what) {
    const auto text = text_of(context, node, what);
    if (!text) return std::nullopt;
    if (const auto ip = parse_ip(*text)) return full_length(*ip);
    if (const auto prefix = parse_prefix(*text)) return check_host_bits(context, node, *prefix);
    context.report(Code::bad_address, node.span,
                   fmt::format("{} must be ADDRESS or ADDRESS/LENGTH, not \"{}\"", what, *text));
    return std::nullopt;
}

std::string_view why_no_host(const IpAndFamily& ip) {
    if (ip.family == Family::v4) {
        const std::uint32_t first = ip.ip.v4() >> 24;
        if (first == 0) return "0.0.0.0/8 is no host's";
        if (first == 127) return "127.0.0.0/8 is loopback";
        if (first >= 224 && first < 240) return "it is a multicast address";
        if (first >= 240) return "240.0.0.0/4 is reserved";
        return {};
    }
    if (ip.ip.hi >> 56 == 0xff) return "it is a multicast address";
    if (ip.ip.hi == 0 && ip.ip.lo == 0) return "it is the unspecified address";
    if (ip.ip.hi == 0 && ip.ip.lo == 1) return "it is loopback";
    if (ip.ip.hi == 0 && ip.ip.lo >> 32 == 0xffff) return "it is an IPv4-mapped address";
    if (ip.ip.hi >> 54 == 0xfe80 >> 6) return "it is a link-local address";
    return {};
}

std::string_view why_no_host_in(const Prefix& subnet, Ip ip) {
    const unsigned bits = address_bits(subnet.family);
    if (subnet.length + 1U >= bits)
        return {};  // RFC 3021, RFC 6164: both ends are hosts; and a host of its own
    if (ip == subnet.ip) {
        return subnet.family == Family::v4 ? "it is the network's own address"
                                           : "it is the subnet-router anycast address";
    }
    const Ip broadcast = subnet.ip | (~prefix_mask(subnet.length) & prefix_mask(bits));
    return subnet.family == Family::v4 && ip == broadcast ? "it is the broadcast address" : "";
}

std::optional<std::pair<Ip, Ip>> first_hosts_of(const Prefix& subnet) {
    const unsigned bits = address_bits(subnet.family);
    if (subnet.length == 0 || subnet.length >= bits) return std::nullopt;
    const std::uint64_t first = subnet.length + 1U == bits ? 0 : 1;  // RFC 3021, RFC 6164: both are hosts'
    const auto host = [&](std::uint64_t number) {
        return subnet.ip | (subnet.family == Family::v4 ? Ip{number << 32, 0} : Ip{0, number});
    };
    return std::pair(host(first), host(first + 1));
}

std::optional<policy::InterfaceAddress> interface_address_of(Context& context, const Node& node) {
    const auto text = text_of(context, node, "an interface's address");
    if (!text) return std::nullopt;
    const auto prefix = parse_prefix(*text);
    if (!prefix) {
        auto& diagnostic =
            context.report(Code::bad_address, node.span,
                           fmt::format("an interface's address must be ADDRESS/LENGTH, not \"{}\"", *text));
        if (const auto ip = parse_ip(*text)) {
            const char* length = ip->family == Family::v4 ? "24" : "64";
            diagnostic.help(fmt::format("add the subnet's length, for example {}/{}",
                                        to_string(ip->ip, ip->family), length));
        }
        return std::nullopt;
    }
    const Prefix subnet{prefix->ip & prefix_mask(prefix->length), prefix->length, prefix->family};
    auto why = why_no_host({prefix->ip, prefix->family});
    if (why.empty()) why = why_no_host_in(subnet, prefix->ip);
    if (why.empty() && prefix->length == 0) why = "a subnet of length 0 is everything there is";
    if (!why.empty()) {
        context.report(Code::address_not_usable, node.span,
                       fmt::format("the gateway cannot have the address {}: {}", *text, why));
        return std::nullopt;
    }
    return policy::InterfaceAddress{subnet, prefix->ip};
}

std::optional<Mac> mac_of(Context& context, const Node& node, std::string_view what) {
    const auto text = text_of(context, node, what);
    if (!text) return std::nullopt;
    const auto mac = parse_mac(*text);
    if (mac && !mac->is_group() && *mac != Mac{}) return mac;
    const auto words =
        !mac              ? fmt::format("{} must be six hexadecimal pairs with colons, not \"{}\"", what, *text)
        : mac->is_group() ? fmt::format("{} cannot be {}: it is a group address", what, *text)
                          : fmt::format("{} cannot be all zeros", what);
    auto& diagnostic = context.report(Code::bad_mac, node.span, words);
    if (!mac) diagnostic.help("write it like \"02:00:5e:00:01:01\"");
    return std::nullopt;
}

std::optional<std::size_t> word_of(Context& context, const Node& node, std::string_view what,
                                   std::initializer_list<std::string_view> words) {
    const auto text = text_of(context, node, what);
    if (!text) return std::nullopt;
    const auto found = std::find(words.begin(), words.end(), *text);
    if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
    std::string all;
    for (const auto* word = words.begin(); word != words.end(); ++word) {
        if (word != words.begin()) all += word + 1 == words.end() ? " or " : ", ";
        all += *word;
    }
    auto& diagnostic =
        context.report(Code::bad_word, node.span, fmt::format("{} must be {}, not \"{}\"", what, all, *text));
    const auto nearest = context.suggester.nearest(*text, {words.begin(), words.end()});
    if (!nearest.empty()) diagnostic.help(fmt::format("did you mean \"{}\"?", nearest));
    return std::nullopt;
}

std::optional<policy::Action> action_of(Context& context, const Node& node, std::string_view what) {
    const auto word = word_of(context, node, what, {"allow", "drop", "reject"});
    if (!word) return std::nullopt;
    return static_cast<policy::Action>(*word);
}

bool is_name(Context& context, const Node& node, std::string_view what) {
    const auto text = text_of(context, node, what);
    if (!text) return false;
    const bool well_formed = text->size() <= longest_name && is_letter(text->front()) &&
                             std::all_of(text->begin(), text->end(), is_name_byte);
    if (!well_formed) {
        context.report(Code::bad_name, node.span, fmt::format("{} cannot be called \"{}\"", what, *text))
            .help("a name begins with a letter and has letters, digits, - and _, 63 characters at most");
    }
    return well_formed;
}

std::vector<const Node*> items_of(const Node& node) {
    std::vector<const Node*> items;
    if (!node.is_list()) return {&node};
    for (const auto& item : node.children) items.push_back(&item);
    return items;
}

std::vector<const Node*> list_of(Context& context, const Node& node, std::string_view what) {
    if (node.is_list()) return items_of(node);
    context.report(Code::wrong_type, node.span,
                   fmt::format("{} must be a list, not {}", what, kind_words(node)));
    return {};
}

std::vector<std::pair<const Node*, const Node*>> entries_of(Context& context, const Node& node,
                                                            std::string_view what) {
    std::vector<std::pair<const Node*, const Node*>> entries;
    if (!node.is_map()) {
        context.report(Code::wrong_type, node.span,
                       fmt::format("{} must be a mapping of names to values, not {}", what, kind_words(node)));
        return entries;
    }
    std::unordered_map<std::string_view, Span> seen;
    for (std::size_t entry = 0; entry < node.entry_count(); ++entry) {
        const auto& key = node.key(entry);
        const auto [first, is_new] = seen.emplace(key.text, key.span);
        if (is_new) {
            entries.emplace_back(&key, &node.value(entry));
        } else {
            context
                .report(Code::duplicate_key, key.span,
                        fmt::format("the key \"{}\" stands here twice", key.text))
                .note(first->second, "it stands here first");
        }
    }
    return entries;
}

}  // namespace sluice::sema
