// SPDX-License-Identifier: Apache-2.0
//
// Step 6 of a service router, for the first packet of a session: who stands behind an external address? A live
// dynamic mapping (subject to its filter), then DNAT (most specific first, as the compiler sorted them), then
// one-to-one. From the uplink the address belongs to, and from inside (hairpin, RFC 4787 REQ-9).
#include "runtime/stages/external_address.h"
#include "runtime/stages/source_choice.h"
#include "runtime/stages/stage.h"

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
Ip seen_source(const StageContext& context, const image::ExternalAddress& external, Ip receiver) {
    return is_from_its_side(context, external)
               ? context.current.source
               : choose_source(context, external.on_interface(), receiver).source;
}

/// Whether the mapping's filter lets in who comes from outside (RFC 4787 REQ-8). A mapping that is found
/// stands.
bool admits(const StageContext& context, std::uint32_t mapping, Ip remote) {
    const NatTable& nat = context.tables.nat;
    const TenantView& tenant = *context.tenant;
    return tenant.snat_rules[tenant.snat_position(nat[mapping].inside.snat_rule)].any_remote() != 0 ||
           nat.accepts(mapping, remote);
}

/// Rewrites the destination, or drops what a mapping's filter refuses; nothing where nobody stands behind it.
std::optional<Exit> find_who_is_behind(StageContext& context, const image::NatClass& nat_class,
                                       const image::ExternalAddress& external) {
    Hop& hop = *context.hop;
    const IpView& ip = context.ip();
    const TenantView& tenant = *context.tenant;
    if (external.in_pool() != 0 && has_ports(ip.l4_kind)) {
        const std::uint32_t mapping = context.tables.nat.find_outside(
            hop.tenant, ip.protocol, ip.family, context.current.destination, context.current.destination_port);
        if (mapping != no_mapping) {
            record(context, StageId::destination_nat, mapping);
            hop.destination_rule = nat_class.external() | mapping_bit;
            hop.joined_remote = seen_source(context, external, context.tables.nat[mapping].inside.ip);
            // The filter keeps strangers outside; who is inside is the firewall's to judge (RFC 4787 REQ-9: two
            // hosts of one pool could never begin to talk otherwise, since each one's first packet would be
            // filtered).
            if (is_from_its_side(context, external) && !admits(context, mapping, hop.joined_remote)) {
                return drop(context, DropReason::NAT_FILTERED);
            }
            hop.joined_mapping = mapping;
            context.current.destination = context.tables.nat[mapping].inside.ip;
            context.current.destination_port = context.tables.nat[mapping].inside.port;
            return Exit::next;
        }
    }
    const std::uint32_t row = dnat_rule_of(tenant, nat_class, ip.protocol,
                                           has_ports(ip.l4_kind) ? context.current.destination_port : 0);
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

}  // namespace

Exit translate_destination(StageContext& context) {
    if (!context.decides()) return Exit::next;
    Hop& hop = *context.hop;
    const IpView& ip = context.ip();
    const TenantView& tenant = *context.tenant;
    const image::NatClass& nat_class = tenant.nat_class(context.current.destination, ip.family);
    const image::ExternalAddress* external = external_of(tenant, nat_class);
    if (external == nullptr) return Exit::next;
    const bool its_uplink = hop.in_interface == external->on_interface();
    if (!its_uplink) hop.hairpin_interface = external->on_interface();

    const bool reachable = its_uplink || !context.from_outside();
    if (reachable) {
        if (const auto exit = find_who_is_behind(context, nat_class, *external)) return *exit;
    }
    // Nobody behind it, or not for this uplink. An address of our own still answers an echo; anything else to a
    // NAT address ends here.
    const auto kind = tenant.adjacencies[tenant.route(context.current.destination, ip.family)].kind();
    const bool asks_gateway =
        kind == image::AdjacencyKind::Local && (external->in_pool() == 0 || ip.l4_kind == L4Kind::icmp_query);
    return asks_gateway ? Exit::next : drop(context, DropReason::NAT_FILTERED);
}

}  // namespace sluice
