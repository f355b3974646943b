// SPDX-License-Identifier: Apache-2.0
#include "runtime/stages/rejudge.h"

#include "runtime/stages/external_address.h"
#include "runtime/stages/nat64.h"
#include "runtime/stages/source_choice.h"
#include "schemas/layout/rfc6052.h"

namespace sluice {
namespace {

using Verdict = Judgement::Verdict;

/// The first packet, as far as stages look at it.
PacketView first_packet(const OpenedSession& session) {
    PacketView packet;
    IpView& ip = packet.ip;
    const Tuple& forward = session.forward;
    ip.family = forward.family;
    ip.protocol = forward.protocol;
    ip.source = forward.source;
    ip.destination = forward.destination;
    ip.source_port = forward.source_port;
    ip.destination_port = forward.destination_port;
    ip.icmp_type = session.icmp_type;
    switch (forward.protocol) {
        case protocol_tcp:
            ip.l4_kind = L4Kind::tcp;
            break;
        case protocol_udp:
            ip.l4_kind = L4Kind::udp;
            break;
        case protocol_icmp:
        case protocol_icmpv6:
            ip.l4_kind = L4Kind::icmp_query;
            break;
        default:
            ip.l4_kind = L4Kind::other;
    }
    return packet;
}

bool makes(const image::DnatRule& rule, const Endpoints& before, const Endpoints& after,
           std::uint8_t protocol) {
    if (rule.protocol() != 0 && rule.protocol() != protocol) return false;
    if (from_image(rule.to()) != after.destination) return false;
    const std::uint16_t port = before.destination_port;
    const bool every_port = rule.port_low() == 0 && rule.port_high() == 0;
    if (!every_port && (port < rule.port_low() || port > rule.port_high())) return false;
    const bool keeps_port = rule.to_port() == 0;
    const auto to = keeps_port ? port : static_cast<std::uint16_t>(rule.to_port() + (port - rule.port_low()));
    return to == after.destination_port;
}

/// Is the destination still made of the external address? Notes whose address it is where an inside host asked.
bool destination_stands(StageContext& context, const OpenedSession& session, const Endpoints& leaving) {
    const TenantView& tenant = *context.tenant;
    const Endpoints& entering = context.at_entry;
    const image::ExternalAddress* external =
        external_of(tenant, tenant.nat_class(entering.destination, entering.family));
    const bool translated =
        entering.destination != leaving.destination || entering.destination_port != leaving.destination_port;
    if (external == nullptr) return !translated;
    Hop& hop = *context.hop;
    const bool its_uplink = hop.in_interface == external->on_interface();
    if (!its_uplink) hop.hairpin_interface = external->on_interface();
    if (!translated) return true;
    if (!its_uplink && context.from_outside()) return false;
    if (session.joined_mapping != no_mapping) {
        return context.tables.nat.stands(context.tables.nat[session.joined_mapping]);
    }
    for (const auto& rule : tenant.dnat_rules.subspan(external->first_dnat(), external->dnat_count())) {
        if (makes(rule, entering, leaving, protocol_in(entering.family, context.ip().protocol))) return true;
    }
    return external->one_to_one() != no_row && entering.destination_port == leaving.destination_port &&
           from_image(tenant.one_to_one_rules[external->one_to_one()].inside_ip()) == leaving.destination;
}

bool source_stands(const StageContext& context, const OpenedSession& session, const Endpoints& leaving) {
    const TenantView& tenant = *context.tenant;
    const Endpoints& entering = context.at_entry;
    const Hop& hop = *context.hop;
    // By NAT64 an IPv6 host knows an IPv4 sender behind the prefix.
    const bool embeds =
        context.nat64 != 0 && leaving.family == Family::v6 && session.forward.family == Family::v4;
    const auto seen = [&](Ip ip) { return embeds ? embed_ipv4(nat64_prefix(tenant, context.nat64), ip) : ip; };
    if (seen(entering.source) == leaving.source && entering.source_port == leaving.source_port) return true;
    const bool hairpin = hop.hairpin_interface != Hop::no_interface &&
                         tenant.interfaces[hop.out_interface].kind() == image::InterfaceKind::Segment;
    const std::uint16_t out = hairpin ? hop.hairpin_interface : hop.out_interface;
    if (session.mapping != no_mapping) {
        const Mapping& mapping = context.tables.nat[session.mapping];
        if (!context.tables.nat.stands(mapping)) return false;
        const image::SnatRule& rule = tenant.snat_rules[tenant.snat_position(mapping.inside.snat_rule)];
        return rule.out_interface() == out && rule.nat64() == context.source_nat64;
    }
    for (const image::OneToOneRule& rule : tenant.one_to_one_rules) {
        if (rule.on_interface() == out && from_image(rule.inside_ip()) == entering.source &&
            seen(from_image(rule.external_ip())) == leaving.source) {
            return true;
        }
    }
    return false;
}

/// Of a session that NAT64 made, or that two inside hosts have by it: the prefixes by which their ends are
/// known. Turns the destination into the IPv4 address it stands for. False: it does not any more.
bool enter_nat64(StageContext& context, const OpenedSession& session) {
    const TenantView& tenant = *context.tenant;
    Endpoints& entering = context.at_entry;
    context.destination_family = session.reverse.family;
    if (entering.family == Family::v6) {
        const std::uint32_t number = tenant.nat_class(entering.destination, Family::v6).nat64();
        if (number == 0) return session.reverse.family == Family::v6;
        const Prefix prefix = nat64_prefix(tenant, number);
        entering.destination = embedded_ipv4(prefix, entering.destination);
        entering.family = Family::v4;
        if (!may_stand_behind(prefix, entering.destination)) return false;
        context.nat64 = context.source_nat64 = number;
    }
    if (session.reverse.family == Family::v6 && session.joined_mapping != no_mapping) {
        const Mapping mapping = context.tables.nat[session.joined_mapping];
        if (!context.tables.nat.stands(mapping)) return false;
        context.nat64 = tenant.snat_rules[tenant.snat_position(mapping.inside.snat_rule)].nat64();
    }
    return true;
}

}  // namespace

OpenedSession opened(const SessionTable& sessions, SessionRef session) {
    OpenedSession result{.forward = sessions.tuple(session, Direction::forward),
                         .reverse = sessions.tuple(session, Direction::reverse),
                         .in_interface = sessions.in_interface(session)};
    if (result.forward.protocol == protocol_icmp) result.icmp_type = sessions.timestamp(session) ? 13 : 8;
    if (result.forward.protocol == protocol_icmpv6) result.icmp_type = 128;
    (sessions.arrived_by_mapping(session) ? result.joined_mapping : result.mapping) = sessions.mapping(session);
    if (sessions.is_wide(session) && sessions.wide(session).joined_mapping != no_mapping) {
        result.joined_mapping = sessions.wide(session).joined_mapping;
    }
    return result;
}

Judgement rejudge(const Image& image, const StageTables& tables, const OpenedSession& session) {
    const TenantView& tenant = image.tenants()[session.forward.scope];
    const std::uint16_t in_interface = tenant.interface_position(session.in_interface);
    if (in_interface == no_interface) return {Verdict::gone};

    const PacketView packet = first_packet(session);
    const Endpoints leaving = Endpoints::of(session.reverse.reversed());
    Trace trace;
    trace.hop_count = 1;
    StageContext context{.image = image,
                         .tables = tables,
                         .packet = packet,
                         .longest_packet = 0,
                         .whole = true,
                         .trace = trace,
                         .tenant = &tenant,
                         .hop = &trace.hops[0],
                         .at_entry = Endpoints::of(session.forward),
                         .current = Endpoints::of(session.forward)};
    context.hop->tenant = tenant.index;
    context.hop->in_interface = in_interface;
    context.hop->stateful = true;
    if (!enter_nat64(context, session)) return {Verdict::gone};
    if (!destination_stands(context, session, leaving)) return {Verdict::gone};
    context.current.destination = leaving.destination;
    context.current.destination_port = leaving.destination_port;
    if (find_route(context) != Exit::next) return {Verdict::open};
    const Exit exit = apply_firewall(context);
    const bool denied = exit != Exit::next;
    if (denied && !tenant.keeps_denied_sessions) return {Verdict::denied, context.hop->rule};
    if (!source_stands(context, session, leaving)) return {Verdict::gone};
    return {denied ? Verdict::kept : Verdict::stands, context.hop->rule};
}

}  // namespace sluice
