// SPDX-License-Identifier: Apache-2.0
//
// Step 5 of a service router: is this packet part of something that was allowed before? Then its translation is
// known. An ICMP error belongs to the session of the packet it quotes, in the other direction (RFC 5508 4).
#include "runtime/stages/nat64.h"
#include "runtime/stages/rejudge.h"
#include "runtime/stages/stage.h"
#include "schemas/layout/rfc6052.h"

namespace sluice {
namespace {

/// Echo and timestamp requests, among the types of L4Kind::icmp_query.
bool asks(std::uint8_t icmp_type) {
    return icmp_type == 8 || icmp_type == 13 || icmp_type == 128;
}

bool read_quoted_packet(StageContext& context) {
    const IpView& ip = context.ip();
    Trace& trace = context.trace;
    if (trace.quoted) return true;  // by the router before this one
    const auto l4 = context.packet.ip_bytes().subspan(ip.header_length);
    if (l4.size() <= icmp_error_header_bytes) return false;
    trace.quoted = parse_quoted_packet(l4.subspan(icmp_error_header_bytes), ip.family);
    if (!trace.quoted) return false;
    trace.quoted_leaving = Endpoints::of(trace.quoted->view);
    trace.quoted_protocol = trace.quoted->view.protocol;
    return true;
}

/// A session of an older image is judged again; Exit::next where it may stay.
Exit judge_again(StageContext& context) {
    Hop& hop = *context.hop;
    if (context.tables.sessions.judged(hop.session) >= context.tenant->section_changed) return Exit::next;
    const Judgement judgement =
        rejudge(context.image, context.tables, opened(context.tables.sessions, hop.session));
    switch (judgement.verdict) {
        case Judgement::Verdict::open:
            return Exit::next;
        case Judgement::Verdict::stands:
            hop.judged = true;
            hop.rule = judgement.rule;
            return Exit::next;
        case Judgement::Verdict::kept:
            hop.judged = true;
            return Exit::next;
        case Judgement::Verdict::denied:
            hop.rule = judgement.rule;
            context.trace.denied_by_firewall = true;
            return drop(context, DropReason::FW_REEVAL_DENY);
        case Judgement::Verdict::gone:
            break;
    }
    context.trace.fate = Fate::no_session;
    return Exit::done;
}

/// An error about a packet that was `original` before NAT64.
bool cross_with_error(StageContext& context, const Tuple& original, Endpoints ends) {
    const bool from_router = ends.source != original.destination;
    if (from_router && original.family == Family::v6) {
        const TenantView& tenant = *context.tenant;
        const std::uint32_t nat64 = tenant.nat_class(original.destination, Family::v6).nat64();
        if (nat64 == 0) return false;
        const Prefix prefix = nat64_prefix(tenant, nat64);
        // One that may not stand there still has something to say, of an MTU for instance.
        const bool may = may_stand_behind(prefix, ends.source);
        ends.source = may ? embed_ipv4(prefix, ends.source) : original.destination;
    } else if (from_router) {
        ends.source = original.destination;  // it has no IPv4 address: the host's stands for it
    }
    ends.family = original.family;
    return cross(context, ends);
}

Exit find_error_session(StageContext& context) {
    Trace& trace = context.trace;
    Hop& hop = *context.hop;
    const IpView& ip = context.ip();
    // A redirect is for the link it is said on.
    const bool redirect = ip.family == Family::v4 && ip.icmp_type == 5;
    if (redirect || !read_quoted_packet(context)) return drop(context, DropReason::FW_INVALID_STATE);
    Endpoints& quoted = trace.quoted_leaving;
    // Errors go to who sent the packet: one that says otherwise quotes what somebody else overheard or guessed.
    if (context.current.destination != quoted.source) return drop(context, DropReason::FW_INVALID_STATE);
    const Tuple answer = quoted.tuple(hop.tenant, trace.quoted_protocol).reversed();
    const auto found = context.tables.sessions.find(answer);
    record(context, StageId::session, found ? found->session.index : no_stage_row);
    if (!found) return drop(context, DropReason::FW_INVALID_STATE);
    hop.session = found->session;
    hop.direction = found->direction;
    hop.rule = context.tables.sessions.rule(found->session);
    if (const Exit exit = judge_again(context); exit != Exit::next) return exit;
    const Tuple original = context.tables.sessions.tuple(found->session, opposite(found->direction));
    // RFC 5508 REQ-3 a: before it is translated. That of an error in fragments is for its receiver to judge.
    const bool translates = original != answer.reversed();
    if (translates && !ip.fragment && !icmp_checksum_valid(context.packet)) {
        return drop(context, DropReason::L4_CSUM);
    }
    // The end host speaks for itself and must look like the address its peer knows; a router on the way keeps
    // its own.
    Endpoints ends = context.current;
    if (ends.source == quoted.destination) ends.source = original.destination;
    ends.destination = original.source;
    if (original.family == ends.family) {
        context.current = ends;
    } else if (!cross_with_error(context, original, ends)) {
        return drop(context, DropReason::FW_INVALID_STATE);
    }
    quoted = Endpoints::of(original);
    trace.quoted_protocol = original.protocol;
    return Exit::next;
}

}  // namespace

Exit find_session(StageContext& context) {
    Hop& hop = *context.hop;
    if (!hop.stateful) return Exit::next;
    const IpView& ip = context.ip();
    if (ip.l4_kind == L4Kind::icmp_error) return find_error_session(context);
    std::optional<SessionTable::Found> found;
    if (!context.session_absent) {
        found = context.tables.sessions.find(context.current.tuple(hop.tenant, ip.protocol));
    }
    record(context, StageId::session, found ? found->session.index : no_stage_row);
    const bool request = ip.l4_kind == L4Kind::icmp_query && asks(ip.icmp_type);
    if (found) {
        // With the identifier 0 a request and its reply look alike: who asked tells them apart.
        const bool asked = found->direction == Direction::forward;
        if (ip.l4_kind == L4Kind::icmp_query && request != asked) {
            return drop(context, DropReason::FW_INVALID_STATE);
        }
        hop.session = found->session;
        hop.direction = found->direction;
        hop.rule = context.tables.sessions.rule(found->session);
        if (const Exit exit = judge_again(context); exit != Exit::next) return exit;
        if (ip.l4_kind == L4Kind::tcp && context.tenant->drops_implausible &&
            context.tables.sessions.tcp(found->session)
                .disturbs(ip, static_cast<std::uint8_t>(found->direction))) {
            return drop(context, DropReason::FW_INVALID_STATE);
        }
        const auto ends =
            Endpoints::of(context.tables.sessions.tuple(found->session, opposite(found->direction)).reversed());
        if (ends.family == ip.family) {
            context.current = ends;
        } else if (!cross(context, ends)) {
            return drop(context, DropReason::FW_INVALID_STATE);
        }
        return Exit::next;
    }
    if (ip.l4_kind == L4Kind::tcp && !TcpTracker::opens(ip.tcp_flags)) {
        return drop(context, DropReason::FW_INVALID_STATE);
    }
    // A reply to a request nobody sent, or a message (redirect, router advertisement) that routers do not pass
    // on.
    const bool stray_reply = ip.l4_kind == L4Kind::icmp_query && !request;
    if (stray_reply || ip.l4_kind == L4Kind::icmp_other) return drop(context, DropReason::FW_INVALID_STATE);
    return Exit::next;
}

}  // namespace sluice
