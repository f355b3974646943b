// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <iterator>

#include "compiler/sema/keys.h"
#include "compiler/sema/nat_addresses.h"
#include "compiler/sema/nat_text.h"
#include "compiler/sema/passes.h"
#include "compiler/sema/scalars.h"
#include "compiler/sema/services.h"
#include "schemas/layout/rfc6052.h"

namespace sluice::sema {
namespace {

constexpr std::size_t most_pool_addresses = 4096;
constexpr std::size_t most_tenant_pool_addresses = 65536;
constexpr std::uint8_t tcp = 6, udp = 17;
constexpr std::uint32_t smallest_block = 8, largest_block = 32768;
constexpr std::uint16_t default_blocks_per_host = 4, most_blocks_per_host = 64;
constexpr std::size_t most_exemptions = 32;  // a bit each in the image

class NatReader {
  public:
    NatReader(Context& context, TenantScope& scope)
        : context_(context), scope_(scope), tenant_(context.tenant(scope)) {}

    void read(const Node& node);

  private:
    void snat(const Object& object);
    void nat64(const Object& object);
    /// `sources`: the key that has them.
    void translate_sources(const Object& object, std::string_view sources, policy::Snat result);
    bool prefix_of_nat64(const Node& node, policy::Snat& result);
    void dnat(const Object& object);
    void one_to_one(const Object& object);
    void exempt(const Object& object);
    std::uint16_t interface(const Object& object, std::string_view key);
    std::optional<Family> pool(const Node& node, policy::Snat& result);
    bool pool_range(const Node& node, policy::Snat& result, std::optional<Family>& family);
    bool ports(const Node& node, policy::Snat& result);
    bool blocks(const Object& object, policy::Snat& result);
    bool dnat_match(const Node& node, policy::Dnat& result);
    bool dnat_target(const Node& node, policy::Dnat& result);
    bool is_host(const Node& node, const IpAndFamily& ip);

    Context& context_;
    TenantScope& scope_;
    policy::Tenant& tenant_;
};

void NatReader::read(const Node& node) {
    const Span start = node.is_map() && node.entry_count() > 0 ? node.key(0).span : node.span;
    // The key that names the kind of rule tells which keys belong to it.
    const auto has = [&](std::string_view key) {
        for (std::size_t entry = 0; node.is_map() && entry < node.entry_count(); ++entry) {
            if (node.key(entry).text == key) return true;
        }
        return false;
    };
    const auto kinds = {&keys::snat, &keys::nat64, &keys::dnat, &keys::one_to_one, &keys::exempt};
    const auto kind =
        std::find_if(kinds.begin(), kinds.end(), [&](const auto* table) { return has(table->definition); });
    if (kind == kinds.end()) {
        const Code code = node.is_map() ? Code::conflicting_keys : Code::wrong_type;
        context_.report(code, start, "a NAT rule begins with snat, nat64, dnat, one-to-one or exempt")
            .help("for example {snat: 10.1.0.0/16, out: internet, to: 203.0.113.10}");
        return;
    }
    const Object object(context_, node, **kind, start);
    if (*kind == &keys::snat) snat(object);
    if (*kind == &keys::nat64) nat64(object);
    if (*kind == &keys::dnat) dnat(object);
    if (*kind == &keys::one_to_one) one_to_one(object);
    if (*kind == &keys::exempt) exempt(object);
}

std::uint16_t NatReader::interface(const Object& object, std::string_view key) {
    const auto* node = object[key];
    if (node == nullptr || !text_of(context_, *node, "an interface")) return policy::no_index;
    const auto found = scope_.names.find(node->text);
    if (found == scope_.names.end()) {
        std::vector<std::string_view> candidates;
        for (const auto& interface : tenant_.interfaces) candidates.push_back(interface.name);
        context_.report_unknown(*node, "uplink, peer or segment", candidates);
        return policy::no_index;
    }
    if (found->second.kind == Symbol::Kind::zone) return static_cast<std::uint16_t>(found->second.index);
    context_
        .report(Code::nat_interface_not_outside, node->span,
                fmt::format("\"{}\" is a set of addresses; NAT is done on an interface", node->text))
        .note(found->second.where, "it is given here");
    return policy::no_index;
}

bool NatReader::is_host(const Node& node, const IpAndFamily& ip) {
    const auto why = why_no_host(ip);
    if (why.empty()) return true;
    context_.report(Code::address_not_usable, node.span,
                    fmt::format("NAT cannot use {}: {}", to_string(ip.ip, ip.family), why));
    return false;
}

bool NatReader::pool_range(const Node& node, policy::Snat& result, std::optional<Family>& family) {
    if (!text_of(context_, node, "a pool")) return false;
    const auto range = parse_address_range(node.text);
    if (!range) {
        context_.report(Code::pool_bad, node.span, fmt::format("\"{}\" is not a pool", node.text))
            .help("a pool reads ADDRESS, FIRST-LAST or a list of those");
        return false;
    }
    if (!is_host(node, range->first) || !is_host(node, range->last)) return false;
    if (family && *family != range->first.family) {
        context_.report(Code::families_mixed, node.span, "a pool holds IPv4 or IPv6 addresses, not both")
            .help("write one rule for IPv4 and one for IPv6");
        return false;
    }
    family = range->first.family;
    const std::size_t count = address_count(*range, most_pool_addresses);
    if (result.pool.size() + count > most_pool_addresses) {
        context_.report(Code::pool_bad, node.span,
                        fmt::format("a pool has at most {} addresses", most_pool_addresses));
        return false;
    }
    scope_.pool_addresses += count;
    if (scope_.pool_addresses > most_tenant_pool_addresses) {
        context_.report(
            Code::too_many, node.span,
            fmt::format("the pools of a tenant have at most {} addresses", most_tenant_pool_addresses));
        return false;
    }
    for (std::size_t n = 0; n < count; ++n) result.pool.push_back(advance(range->first, n));
    return true;
}

std::optional<Family> NatReader::pool(const Node& node, policy::Snat& result) {
    std::optional<Family> family;
    const auto items = items_of(node);
    if (items.empty()) context_.report(Code::empty_list, node.span, "a pool needs an address");
    bool all_good = !items.empty();
    for (const auto* item : items) {
        if (!pool_range(*item, result, family)) all_good = false;
    }
    auto sorted = result.pool;
    std::sort(sorted.begin(), sorted.end());
    const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
    if (family && twice != sorted.end()) {
        context_.report(Code::pool_bad, node.span,
                        fmt::format("the pool holds {} twice", to_string(*twice, *family)));
        all_good = false;
    }
    return all_good ? family : std::nullopt;
}

bool NatReader::ports(const Node& node, policy::Snat& result) {
    if (!text_of(context_, node, "ports")) return false;
    const auto range = parse_port_range(node.text);
    if (range && range->low > 0) {
        result.ports = *range;
        return true;
    }
    context_.report(Code::bad_number, node.span, fmt::format("\"{}\" is not a range of ports", node.text))
        .help("write LOW-HIGH, from 1 to 65535, for example 1024-65535");
    return false;
}

/// How a host gets its ports: one by one, or in blocks.
bool NatReader::blocks(const Object& object, policy::Snat& result) {
    const auto* size = object["block-size"];
    const auto* most = object["blocks-per-host"];
    if (size == nullptr && most != nullptr) {
        context_
            .report(Code::bad_blocks, object.key_span("blocks-per-host"),
                    "blocks-per-host without blocks of ports")
            .help("write block-size as well, for example block-size: 512");
        return false;
    }
    if (size == nullptr) return true;
    const auto ports =
        number_of(context_, *size, "the size of a block of ports", smallest_block, largest_block);
    if (!ports) return false;
    if (!std::has_single_bit(*ports)) {
        context_
            .report(Code::bad_blocks, size->span,
                    fmt::format("a block has 8, 16, 32 ... ports, not {}", *ports))
            .help(fmt::format("write {} or {}", std::bit_floor(*ports), std::bit_ceil(*ports)));
        return false;
    }
    // A block begins at a multiple of its size.
    const std::uint32_t first = (result.ports.low + *ports - 1) / *ports * *ports;
    if (first + *ports > result.ports.high + 1U) {
        context_
            .report(Code::bad_blocks, size->span,
                    fmt::format("no block of {} ports fits into the ports {}-{}", *ports, result.ports.low,
                                result.ports.high))
            .help("a block begins at a multiple of its size: write fewer ports a block, or a wider range");
        return false;
    }
    result.block_size = static_cast<std::uint16_t>(*ports);
    result.most_blocks = default_blocks_per_host;
    if (most == nullptr) return true;
    const auto count = number_of(context_, *most, "blocks-per-host", 1, most_blocks_per_host);
    if (!count) return false;
    result.most_blocks = static_cast<std::uint16_t>(*count);
    return true;
}

void NatReader::snat(const Object& object) {
    translate_sources(object, "snat", {});
}

/// RFC 6052 2.2, and that a destination is of one prefix at most.
bool NatReader::prefix_of_nat64(const Node& node, policy::Snat& result) {
    if (!text_of(context_, node, "a prefix")) return false;
    const auto prefix = parse_prefix(node.text);
    if (!prefix || !can_embed_ipv4(*prefix)) {
        context_
            .report(Code::bad_nat64, node.span,
                    fmt::format("\"{}\" is not a prefix with room for an IPv4 address", node.text))
            .help(
                "write 64:ff9b::/96, or a prefix of your own of 32, 40, 48, 56, 64 or 96 bits (RFC 6052 2.2)");
        return false;
    }
    const auto overlaps = [&](const Prefix& other) {
        return other.family == Family::v6 && (prefix->contains(other.ip) || other.contains(prefix->ip));
    };
    constexpr Prefix link_local{{0xfe80ULL << 48, 0}, 10, Family::v6},
        multicast{{0xffULL << 56, 0}, 8, Family::v6};
    for (const policy::Interface& interface : tenant_.interfaces) {
        for (const policy::InterfaceAddress& address : interface.addresses) {
            if (!overlaps(address.subnet)) continue;
            context_.report(Code::bad_nat64, node.span,
                            fmt::format("{} and the subnet {} of \"{}\" overlap", node.text,
                                        to_string(address.subnet), interface.name));
            return false;
        }
    }
    if (overlaps(link_local) || overlaps(multicast)) {
        context_.report(Code::bad_nat64, node.span,
                        fmt::format("{} is for addresses of one link or of groups", node.text));
        return false;
    }
    std::vector<Prefix> others;
    for (const policy::Snat& rule : tenant_.snat) {
        if (!rule.nat64 || *rule.nat64 == *prefix) continue;
        if (std::ranges::count(others, *rule.nat64) == 0) others.push_back(*rule.nat64);
        if (!overlaps(*rule.nat64)) continue;
        context_.report(Code::bad_nat64, node.span,
                        fmt::format("{} and {} of another rule overlap", node.text, to_string(*rule.nat64)));
        return false;
    }
    if (others.size() >= most_nat64_prefixes) {
        context_.report(Code::too_many, node.span,
                        fmt::format("a tenant has at most {} prefixes of NAT64", most_nat64_prefixes));
        return false;
    }
    result.nat64 = *prefix;
    return true;
}

void NatReader::nat64(const Object& object) {
    policy::Snat result;
    const auto* prefix = object["nat64"];
    const bool is_good = prefix != nullptr && prefix_of_nat64(*prefix, result);
    if (!is_good) result.nat64 = Prefix{};  // for what else the rule says wrong
    const std::size_t before = tenant_.snat.size();
    translate_sources(object, "from", std::move(result));
    if (is_good || tenant_.snat.size() == before) return;
    tenant_.snat.pop_back();
    scope_.snat_spans.pop_back();
}

void NatReader::translate_sources(const Object& object, std::string_view sources, policy::Snat result) {
    result.where = context_.position(object.owner());
    result.out = interface(object, "out");
    const auto* to = object["to"];
    auto family = to == nullptr ? std::nullopt : pool(*to, result);
    if (family && result.nat64) {
        if (*family != Family::v4) {
            context_.report(Code::families_mixed, to->span, "the pool of a nat64 rule holds IPv4 addresses");
            return;
        }
        family = Family::v6;
    }
    bool all_good = family && result.out != policy::no_index;
    if (const auto* node = object["ports"]) all_good = ports(*node, result) && all_good;
    if (const auto* node = object["filter"]) {
        const auto word = word_of(context_, *node, "filter", {"address-dependent", "endpoint-independent"});
        result.any_remote = word == 1u;
    }
    all_good = blocks(object, result) && all_good;
    const auto* from = object[sources];
    if (from == nullptr || !family) return;
    result.family = *family;
    auto prefixes = nat_addresses_of(context_, scope_, *from, result.nat64 ? "nat64" : "snat", family);
    if (!prefixes || !all_good) return;
    result.sources = std::move(*prefixes);
    scope_.snat_spans.push_back(object.owner());
    tenant_.snat.push_back(std::move(result));
}

bool NatReader::dnat_match(const Node& node, policy::Dnat& result) {
    if (!text_of(context_, node, "dnat")) return false;
    const auto space = node.text.find(' ');
    const auto word = space == std::string_view::npos ? std::string_view() : node.text.substr(0, space);
    const auto place = space == std::string_view::npos ? node.text : node.text.substr(space + 1);
    const auto fail = [&](std::string text) {
        context_.report(Code::bad_dnat, node.span, std::move(text))
            .help(
                "dnat reads \"tcp 203.0.113.10:443\", \"udp [2001:db8::1]:5000-5010\", \"icmp 203.0.113.10\" "
                "or \"203.0.113.10\"");
        return false;
    };
    if (!word.empty()) {
        const auto service = parse_service(word);
        const bool is_whole = service && (word.find('/') == std::string_view::npos || word.starts_with("ip/"));
        if (!is_whole || service->protocol == 0) return fail(fmt::format("\"{}\" is not a protocol", word));
        result.protocol = service->protocol;
    }
    const auto external = parse_address_and_ports(place);
    if (!external) return fail(fmt::format("\"{}\" is not an address with or without ports", place));
    const bool has_ports = result.protocol == tcp || result.protocol == udp;
    if (external->ports && !has_ports) return fail("ports need tcp or udp before the address");
    if (external->ports && external->ports->low == 0) return fail("port 0 cannot be translated");
    result.external = external->ip.ip;
    result.family = external->ip.family;
    result.ports = external->ports;
    if ((result.protocol == 1 && result.family == Family::v6) ||
        (result.protocol == 58 && result.family == Family::v4)) {
        return fail("icmp is for IPv4, icmpv6 for IPv6");
    }
    return is_host(node, external->ip);
}

bool NatReader::dnat_target(const Node& node, policy::Dnat& result) {
    if (!text_of(context_, node, "what dnat translates to")) return false;
    const auto to = parse_address_and_ports(node.text);
    const auto fail = [&](std::string text, std::string_view help) {
        context_.report(Code::bad_dnat, node.span, std::move(text)).help(std::string(help));
        return false;
    };
    if (!to)
        return fail(fmt::format("\"{}\" is not ADDRESS or ADDRESS:PORT", node.text),
                    "an IPv6 address with a port stands in brackets");
    if (!is_of_family(context_, node, to->ip.family, result.family) || !is_host(node, to->ip)) return false;
    result.to = to->ip.ip;
    if (!to->ports) return true;
    if (!result.ports)
        return fail("a port to translate to needs a port to translate",
                    "write a port behind the address of dnat as well");
    const unsigned count = result.ports->high - result.ports->low;
    const bool is_same_size =
        to->ports->low == to->ports->high || to->ports->high - to->ports->low == static_cast<int>(count);
    if (!is_same_size)
        return fail("the two ranges of ports differ in size",
                    "write the first port alone: the others follow it");
    if (to->ports->low == 0) return fail("port 0 cannot be translated to", "ports are from 1 to 65535");
    if (to->ports->low + count > 65535)
        return fail("the range of ports goes beyond 65535", "let it begin at a lower port");
    result.to_port = to->ports->low;
    return true;
}

void NatReader::dnat(const Object& object) {
    policy::Dnat result;
    result.where = context_.position(object.owner());
    result.on = interface(object, "on");
    const auto* match = object["dnat"];
    const auto* to = object["to"];
    if (match == nullptr || !dnat_match(*match, result)) return;
    if (to == nullptr || !dnat_target(*to, result) || result.on == policy::no_index) return;
    scope_.dnat_spans.push_back(match->span);
    tenant_.dnat.push_back(result);
}

void NatReader::one_to_one(const Object& object) {
    policy::OneToOne result;
    result.where = context_.position(object.owner());
    result.on = interface(object, "on");
    const auto* external_node = object["one-to-one"];
    const auto* inside_node = object["inside"];
    const auto external =
        external_node == nullptr ? std::nullopt : ip_of(context_, *external_node, "a one-to-one address");
    const auto inside =
        inside_node == nullptr ? std::nullopt : ip_of(context_, *inside_node, "an inside address");
    if (!external || !inside || !is_host(*external_node, *external) || !is_host(*inside_node, *inside)) return;
    if (!is_of_family(context_, *inside_node, inside->family, external->family) ||
        result.on == policy::no_index)
        return;
    result.external = external->ip;
    result.inside = inside->ip;
    result.family = external->family;
    scope_.one_to_one_spans.push_back(external_node->span);
    tenant_.one_to_one.push_back(result);
}

/// One of each family that has both sources and destinations.
void NatReader::exempt(const Object& object) {
    const std::uint16_t out = interface(object, "out");
    const auto* from = object["exempt"];
    const auto* to = object["to"];
    if (from == nullptr) return;
    const auto sources = nat_addresses_of(context_, scope_, *from, "exempt", std::nullopt);
    std::optional<std::vector<Prefix>> destinations;
    if (to != nullptr) destinations = nat_addresses_of(context_, scope_, *to, "to", std::nullopt);
    if (out == policy::no_index || !sources || (to != nullptr && !destinations)) return;
    bool any = false;
    for (const Family family : {Family::v4, Family::v6}) {
        const auto of_family = [family](const Prefix& prefix) { return prefix.family == family; };
        policy::Exemption result{
            .sources = {}, .family = family, .out = out, .where = context_.position(object.owner())};
        std::ranges::copy_if(*sources, std::back_inserter(result.sources), of_family);
        if (result.sources.empty()) continue;
        if (destinations) {
            std::ranges::copy_if(*destinations, std::back_inserter(result.destinations.emplace()), of_family);
            if (result.destinations->empty()) continue;
        }
        any = true;
        tenant_.exemptions.push_back(std::move(result));
        scope_.exemption_spans.push_back(object.owner());
    }
    if (!any && !sources->empty()) {
        context_
            .report(Code::families_mixed, to == nullptr ? from->span : to->span,
                    "nothing goes from IPv4 to IPv6: this exempts no packet")
            .help("write sources and destinations of one family");
    }
    if (tenant_.exemptions.size() > most_exemptions) {
        tenant_.exemptions.resize(most_exemptions);
        context_
            .report(Code::too_many, object.owner(),
                    fmt::format("a tenant has at most {} exemptions, an address family each", most_exemptions))
            .help("put destinations that the same sources reach into one exemption");
    }
}

}  // namespace

void read_nat(Context& context, TenantScope& scope) {
    const auto* node = (*scope.object)["nat"];
    if (node == nullptr) return;
    NatReader reader(context, scope);
    for (const auto* item : list_of(context, *node, "nat")) reader.read(*item);
}

}  // namespace sluice::sema
