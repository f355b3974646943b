// SPDX-License-Identifier: Apache-2.0
//
// Step 10 of a service router, for the first packet of a session: what the outside sees as its source, and the
// two tuples the session will be found by. Chosen here, committed when the packet leaves the last router.
#include "runtime/stages/external_address.h"
#include "runtime/stages/source_choice.h"
#include "runtime/stages/stage.h"

namespace sluice {
namespace {

bool has_port(L4Kind kind) {
    return kind == L4Kind::tcp || kind == L4Kind::udp || kind == L4Kind::icmp_query;
}

}  // namespace

SourceChoice choose_source(const StageContext& context, std::uint16_t out_interface, Ip destination) {
    const TenantView& tenant = *context.tenant;
    const IpView& ip = context.ip();
    SourceChoice choice;
    choice.source = context.current.source;
    choice.source_port = context.current.source_port;
    const image::NatClass& nat_class = tenant.nat_class(choice.source, ip.family);
    const image::SourceMatch* match =
        source_match_of(tenant.source_matches, nat_class, out_interface,
                        [&]() -> const image::NatClass& { return tenant.nat_class(destination, ip.family); });
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
                                              context.current.destination);
    hop.source_rule = choice.row;
    if (choice.row != no_stage_row) record(context, StageId::source_nat, choice.row);
    if (choice.exhausted) return refuse_session(context, DropReason::NAT_NO_PORT);
    context.current.source = choice.source;
    context.current.source_port = choice.source_port;
    hop.choice = choice.dynamic;
    hop.inside = choice.inside;
    hop.choice_remote = context.at_entry.destination;  // the address the inside host knows its peer by
    hop.opens_session = true;
    hop.forward = context.at_entry.tuple(hop.tenant, ip.protocol, ip.family);
    hop.reverse = context.current.tuple(hop.tenant, ip.protocol, ip.family).reversed();
    // Two packets that differ must not get the same reply: the later one has no translation of its own. Nor has
    // a packet that is its own reply.
    if (hop.reverse == hop.forward || context.tables.sessions.find(hop.reverse))
        return refuse_session(context, DropReason::NAT_NO_PORT);
    if (ip.l4_kind == L4Kind::tcp) context.trace.forbid_cache(NoCacheReason::TCP_FLAGS);
    return Exit::next;
}

}  // namespace sluice
