// SPDX-License-Identifier: Apache-2.0
//
// Step 10 of a service router, for the first packet of a session: what the outside sees as its source, and the
// two tuples the session will be found by. Chosen here, committed when the packet leaves the last router.
#include "runtime/stages/external_address.h"
#include "runtime/stages/nat64.h"
#include "runtime/stages/source_choice.h"
#include "runtime/stages/stage.h"
#include "schemas/layout/rfc6052.h"

namespace sluice {
namespace {

bool has_port(L4Kind kind) {
    return kind == L4Kind::tcp || kind == L4Kind::udp || kind == L4Kind::icmp_query;
}

/// Makes the packet that a NAT64 rule was found for, one of the family of its destination, or, where that is an
/// inside host of its own family (hairpin), gives it the address that its sender is known by there.
bool cross_to_destination(StageContext& context) {
    Endpoints ends = context.current;
    ends.family = context.destination_family;
    if (ends.family == Family::v6) {
        const Prefix prefix = nat64_prefix(*context.tenant, context.nat64);
        if (!may_stand_behind(prefix, ends.source)) return false;
        ends.source = embed_ipv4(prefix, ends.source);
    }
    if (ends.family != context.ip().family) return cross(context, ends);
    context.current = ends;
    return true;
}

}  // namespace

SourceChoice choose_source(const StageContext& context, std::uint16_t out_interface,
                           const IpAndFamily& destination) {
    const TenantView& tenant = *context.tenant;
    const IpView& ip = context.ip();
    SourceChoice choice;
    choice.source = context.current.source;
    choice.source_port = context.current.source_port;
    const image::NatClass& nat_class = tenant.nat_class(choice.source, ip.family);
    const image::SourceMatch* match = source_match_of(
        tenant.source_matches, nat_class, out_interface,
        [&]() -> const image::NatClass& { return tenant.nat_class(destination.ip, destination.family); },
        context.source_nat64);
    if (match == nullptr) return choice;
    if (match->kind() <= image::SourceKind::Exempt) {
        choice.row = match->row() | exempt_bit;
        return choice;
    }
    if (match->kind() == image::SourceKind::OneToOne) {
        choice.source = from_image(tenant.one_to_one_rules[match->row()].external_ip());
        choice.row = match->row() | one_to_one_bit;
        return choice;
    }
    choice.row = match->row();
    choice.inside = {.ip = choice.source,
                     .snat_rule = tenant.snat_slot(match->row()),
                     .port = choice.source_port,
                     .tenant = tenant.index,
                     .protocol = ip.protocol,
                     .family = ip.family};
    if (has_port(ip.l4_kind)) choice.dynamic = context.tables.nat.choose(choice.inside);
    choice.exhausted = !choice.dynamic;
    if (choice.dynamic) {
        choice.source = choice.dynamic->external_ip;
        choice.source_port = choice.dynamic->external_port;
    }
    return choice;
}

Exit translate_source(StageContext& context) {
    if (!context.decides()) return Exit::next;
    // Before any port is looked for: a flood that nothing can be opened for must stay cheap.
    if (context.tables.sessions.full()) return refuse_session(context, DropReason::SESSION_FULL);
    Hop& hop = *context.hop;
    const IpView& ip = context.ip();
    // Hairpin: the receiver must see the external source, as if the packet had been out and come back.
    const bool hairpin = hop.hairpin_interface != Hop::no_interface &&
                         context.tenant->interfaces[hop.out_interface].kind() == image::InterfaceKind::Segment;
    const SourceChoice choice = choose_source(context, hairpin ? hop.hairpin_interface : hop.out_interface,
                                              {context.current.destination, context.destination_family});
    hop.source_rule = choice.row;
    if (choice.row != no_stage_row) record(context, StageId::source_nat, choice.row);
    if (choice.exhausted) return refuse_session(context, DropReason::NAT_NO_PORT);
    context.current.source = choice.source;
    context.current.source_port = choice.source_port;
    hop.choice = choice.dynamic;
    hop.inside = choice.inside;
    hop.choice_remote = context.at_entry.destination;  // the address the inside host knows its peer by
    hop.opens_session = true;
    const std::uint8_t protocol = ip.protocol;
    hop.forward = context.at_entry.tuple(hop.tenant, protocol);
    if (context.nat64 != 0) {
        // What no rule gives an IPv4 address has none.
        if (context.source_nat64 != 0 && !choice.dynamic) {
            return refuse_session(context, DropReason::NAT_FILTERED);
        }
        if (!cross_to_destination(context)) return drop(context, DropReason::FW_INVALID_STATE);
    }
    hop.reverse = context.current.tuple(hop.tenant, protocol_in(context.current.family, protocol)).reversed();
    // Two packets that differ must not get the same reply: the later one has no translation of its own. Nor has
    // a packet that is its own reply.
    if (hop.reverse == hop.forward || context.tables.sessions.find(hop.reverse))
        return refuse_session(context, DropReason::NAT_NO_PORT);
    if (ip.l4_kind == L4Kind::tcp) context.trace.forbid_cache(NoCacheReason::TCP_FLAGS);
    return Exit::next;
}

}  // namespace sluice
