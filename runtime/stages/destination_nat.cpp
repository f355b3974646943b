// SPDX-License-Identifier: Apache-2.0
//
// Step 6 of a service router, for the first packet of a session: who stands behind an external address? A live
// dynamic mapping (subject to its filter), then DNAT (most specific first, as the compiler sorted them), then
// one-to-one. From the uplink the address belongs to, and from inside (hairpin, RFC 4787 REQ-9).
#include "runtime/stages/external_address.h"
#include "runtime/stages/nat64.h"
#include "runtime/stages/source_choice.h"
#include "runtime/stages/stage.h"
#include "schemas/layout/rfc6052.h"

namespace sluice {
namespace {

bool has_ports(L4Kind kind) {
    return kind == L4Kind::tcp || kind == L4Kind::udp;
}

/// By the interface that presents the address: who comes there is a stranger to its mappings.
bool is_from_its_side(const StageContext& context, const image::ExternalAddress& external) {
    return context.hop->in_interface == external.on_interface();
}

/// Whose address the mapping's filter sees: an inside sender appears under its own external address (RFC 4787
/// REQ-9a).
Ip seen_source(const StageContext& context, const image::ExternalAddress& external,
               const IpAndFamily& receiver) {
    return is_from_its_side(context, external)
               ? context.current.source
               : choose_source(context, external.on_interface(), receiver).source;
}

/// Who is behind a mapping, which stands.
std::optional<Exit> join_mapping(StageContext& context, const image::NatClass& nat_class,
                                 const image::ExternalAddress& external, std::uint32_t number) {
    Hop& hop = *context.hop;
    const NatTable& nat = context.tables.nat;
    const TenantView& tenant = *context.tenant;
    const Mapping mapping = nat[number];
    const image::SnatRule& rule = tenant.snat_rules[tenant.snat_position(mapping.inside.snat_rule)];
    record(context, StageId::destination_nat, number);
    hop.destination_rule = nat_class.external() | mapping_bit;
    hop.joined_remote = seen_source(context, external, {mapping.inside.ip, mapping.inside.family});
    if (mapping.inside.family == Family::v6 && rule.nat64() != 0) {
        hop.joined_remote = embed_ipv4(nat64_prefix(tenant, rule.nat64()), hop.joined_remote);
        context.nat64 = rule.nat64();
    }
    // The filter keeps strangers outside; who is inside is the firewall's to judge (RFC 4787 REQ-9: two hosts
    // of one pool could never begin to talk otherwise, since each one's first packet would be filtered).
    const bool admitted = rule.any_remote() != 0 || nat.accepts(number, hop.joined_remote);
    if (is_from_its_side(context, external) && !admitted) return drop(context, DropReason::NAT_FILTERED);
    hop.joined_mapping = number;
    context.current.destination = mapping.inside.ip;
    context.current.destination_port = mapping.inside.port;
    context.destination_family = mapping.inside.family;
    return Exit::next;
}

/// Rewrites the destination, or drops what a mapping's filter refuses; nothing where nobody stands behind it.
std::optional<Exit> find_who_is_behind(StageContext& context, const image::NatClass& nat_class,
                                       const image::ExternalAddress& external) {
    Hop& hop = *context.hop;
    const IpView& ip = context.ip();
    const TenantView& tenant = *context.tenant;
    const Family family = context.destination_family;
    const std::uint8_t protocol = protocol_in(family, ip.protocol);
    if (external.in_pool() != 0 && has_ports(ip.l4_kind)) {
        const std::uint32_t mapping = context.tables.nat.find_outside(
            hop.tenant, protocol, family, context.current.destination, context.current.destination_port);
        if (mapping != no_mapping) return join_mapping(context, nat_class, external, mapping);
    }
    const std::uint32_t row =
        dnat_rule_of(tenant, nat_class, protocol, has_ports(ip.l4_kind) ? context.current.destination_port : 0);
    if (row != no_row) {
        const image::DnatRule& rule = tenant.dnat_rules[row];
        record(context, StageId::destination_nat, row);
        hop.destination_rule = row;
        context.current.destination = from_image(rule.to());
        if (rule.to_port() != 0 && has_ports(ip.l4_kind)) {
            context.current.destination_port = static_cast<std::uint16_t>(
                rule.to_port() + (context.current.destination_port - rule.port_low()));
        }
        return Exit::next;
    }
    if (external.one_to_one() != no_row) {
        record(context, StageId::destination_nat, external.one_to_one());
        hop.destination_rule = external.one_to_one() | one_to_one_bit;
        context.current.destination = from_image(tenant.one_to_one_rules[external.one_to_one()].inside_ip());
        return Exit::next;
    }
    return std::nullopt;
}

/// The IPv4 address that the destination stands for takes its place.
Exit leave_as_ipv4(StageContext& context, std::uint32_t number) {
    const Prefix prefix = nat64_prefix(*context.tenant, number);
    const Ip destination = embedded_ipv4(prefix, context.current.destination);
    const bool is_whole = embed_ipv4(prefix, destination) == context.current.destination;  // no suffix
    if (!is_whole || !may_stand_behind(prefix, destination)) return drop(context, DropReason::MARTIAN_DST);
    context.nat64 = context.source_nat64 = number;
    context.current.destination = destination;
    context.destination_family = Family::v4;
    return Exit::next;
}

}  // namespace

Exit translate_destination(StageContext& context) {
    if (!context.decides()) return Exit::next;
    Hop& hop = *context.hop;
    const IpView& ip = context.ip();
    const TenantView& tenant = *context.tenant;
    // What is behind a prefix is an IPv4 host, which sends no IPv6 (RFC 6146 3.5).
    if (ip.family == Family::v6 && !tenant.nat64_prefixes.empty() &&
        tenant.nat_class(context.current.source, Family::v6).nat64() != 0) {
        return drop(context, DropReason::MARTIAN_SRC);
    }
    const image::NatClass* nat_class = &tenant.nat_class(context.current.destination, ip.family);
    if (nat_class->nat64() != 0) {
        if (const Exit exit = leave_as_ipv4(context, nat_class->nat64()); exit != Exit::next) return exit;
        nat_class = &tenant.nat_class(context.current.destination, Family::v4);
    }
    const image::ExternalAddress* external = external_of(tenant, *nat_class);
    if (external == nullptr) return Exit::next;
    const bool its_uplink = hop.in_interface == external->on_interface();
    if (!its_uplink) hop.hairpin_interface = external->on_interface();

    // An IPv6 sender has no IPv4 address there by which filters could know it.
    if (its_uplink && context.source_nat64 != 0) return drop(context, DropReason::NAT_FILTERED);
    const bool reachable = its_uplink || !context.from_outside();
    if (reachable) {
        if (const auto exit = find_who_is_behind(context, *nat_class, *external)) return *exit;
    }
    // Nobody behind it, or not for this uplink. An address of our own still answers an echo; anything else to a
    // NAT address ends here.
    const auto kind =
        tenant.adjacencies[tenant.route(context.current.destination, context.destination_family)].kind();
    const bool asks_gateway =
        kind == image::AdjacencyKind::Local && (external->in_pool() == 0 || ip.l4_kind == L4Kind::icmp_query);
    return asks_gateway ? Exit::next : drop(context, DropReason::NAT_FILTERED);
}

}  // namespace sluice
