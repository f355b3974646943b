// SPDX-License-Identifier: Apache-2.0
#include "tests/support/interpreter.h"

#include <algorithm>

namespace sluice::test {
using policy::InterfaceKind;

Interpreter::Interpreter(const policy::Policy& policy) : policy_(policy) {
    for (const policy::Tenant& tenant : policy.tenants) {
        rule_counts_.emplace_back((tenant.firewall ? tenant.firewall->rules.size() : 0) + 1);
    }
}

void Interpreter::forget() {
    sessions_.clear();
    mappings_.clear();
    outside_.clear();
    fragments_.clear();
}

Expected Interpreter::judge(std::uint16_t port, std::span<const std::uint8_t> frame,
                            const Observation& observed) {
    complaint_.clear();
    const Decoded packet = decode(frame);
    Walk walk{};
    walk.packets = walk.originals = {packet};
    walk.observed = &observed;
    walk.quoted_valid = quoted_checksums_valid(frame);
    walk.valid = checksums_valid(frame);
    bool bound = false;
    const auto tenants = static_cast<std::uint16_t>(policy_.tenants.size());
    for (std::uint16_t tenant = 0; tenant < tenants; ++tenant) {
        const auto& interfaces = policy_.tenants[tenant].interfaces;
        const auto count = static_cast<std::uint16_t>(interfaces.size());
        for (std::uint16_t index = 0; index < count; ++index) {
            if (interfaces[index].kind == InterfaceKind::peer || interfaces[index].port != port) continue;
            if (interfaces[index].vids != packet.vids) continue;
            bound = true;
            walk.tenant = walk.first_tenant = tenant;
            walk.ingress = walk.first_ingress = index;
        }
    }
    if (packet.fault == "SHORT" && !packet.is_ip()) return drop(walk, "SHORT");
    if (!bound) return drop(walk, "UNKNOWN_VLAN");
    if (packet.destination_mac != ingress(walk).mac) return drop(walk, "NOT_OURS");
    if (!packet.is_ip()) return drop(walk, "BAD_ETHERTYPE");
    if (!packet.fault.empty()) return drop(walk, packet.fault.c_str());
    if (packet.source_route) return drop(walk, "IP_OPT_SRR");
    Expected result = router(std::move(walk));
    result.complaint = complaint_;
    return result;
}

namespace {

Expected held() {
    Expected result;
    result.fate = Fate::held;
    return result;
}

}  // namespace

Expected Interpreter::router(Walk walk) {
    if (walk.routers > 4) return drop(walk, "PIPELINE_LOOP");
    if (walk.routers == 1 && !source_passes(walk)) return drop(walk, "URPF");
    const policy::Tenant& here = tenant(walk.tenant);
    const Decoded& packet = walk.packets[0];
    if (!here.has_service_router()) {
        if (!own_address(here, packet.destination, packet.family)) return forward(walk, true);
        return await_fragments(walk) ? local(walk) : held();
    }
    return service_router(walk);
}

/// False: not all fragments are here yet. Otherwise the walk has all of them.
bool Interpreter::await_fragments(Walk& walk) {
    const Decoded arrived = walk.packets[0];
    if (!arrived.is_fragment() || walk.packets.size() != 1) return true;
    const auto key = std::tuple(walk.tenant, walk.ingress, arrived.source, arrived.destination, arrived.id,
                                arrived.protocol);
    std::vector<Decoded>& parts = fragments_[key];
    parts.push_back(arrived);
    std::sort(parts.begin(), parts.end(),
              [](const Decoded& a, const Decoded& b) { return a.fragment_offset < b.fragment_offset; });
    std::size_t reached = 0;
    for (const Decoded& part : parts) {
        if (part.fragment_offset == reached) reached += part.l4.size();
    }
    if (parts.back().more_fragments || parts.back().fragment_offset + parts.back().l4.size() != reached)
        return false;
    walk.packets = walk.originals = parts;
    fragments_.erase(key);
    return true;
}

Expected Interpreter::service_router(Walk& walk) {
    if (!await_fragments(walk)) return held();
    Decoded& packet = walk.packets[0];
    const auto translate = [&walk](const Key& out) {
        for (Decoded& part : walk.packets) {
            walk.translated |= part.source != out.source || part.destination != out.destination ||
                               (part.fragment_offset == 0 && (part.source_port() != out.source_port ||
                                                              part.destination_port() != out.destination_port));
            part.source = out.source;
            part.destination = out.destination;
            if (part.fragment_offset == 0) part.set_ports(out.source_port, out.destination_port);
        }
    };

    if (packet.kind() == Kind::icmp_error) {
        const Decoded quoted =
            walk.quoted ? *walk.quoted : decode_quoted(packet);  // as the router before left it
        if (!quoted.fault.empty()) return drop(walk, "FW_INVALID_STATE");
        const Key answered =
            Key{walk.tenant,        quoted.family,        quoted.protocol,          quoted.source,
                quoted.destination, quoted.source_port(), quoted.destination_port()}
                .reversed();
        const auto found = sessions_.find(answered);
        if (found == sessions_.end()) return drop(walk, "FW_INVALID_STATE");
        const Key inside = found->second.out.reversed();
        if (inside != answered.reversed() && !packet.is_fragment() && !walk.valid) return drop(walk, "L4_CSUM");
        walk.quoted = quoted;
        walk.quoted->source = inside.source;
        walk.quoted->destination = inside.destination;
        walk.quoted->set_ports(inside.source_port, inside.destination_port);
        walk.translated |= inside != answered.reversed();
        const bool from_the_end = packet.source == quoted.destination;
        for (Decoded& part : walk.packets) {
            if (from_the_end) part.source = inside.destination;
            part.destination = inside.source;
        }
        walk.rules.emplace_back(walk.tenant, found->second.rule);
        return forward(walk, true);
    }

    if (const auto found = sessions_.find(key_of(walk)); found != sessions_.end()) {
        translate(found->second.out);
        walk.rules.emplace_back(walk.tenant, found->second.rule);
        return forward(walk, true);
    }
    const Kind kind = packet.kind();
    const bool opens = kind != Kind::tcp || (packet.tcp_flags() & 0x17) == 0x02;  // of SYN, ACK, RST, FIN
    if (!opens || kind == Kind::echo_reply || kind == Kind::icmp_other) return drop(walk, "FW_INVALID_STATE");
    return forward(walk, false);
}

/// A router takes one; with `ttl: per-stage` its service router and, at a segment on either side, its
/// distributed router take one each. All of it is tested where the service router tests its own. The provider's
/// service router has its uplinks, its distributed one the links.
bool Interpreter::take_ttl(Walk& walk, const policy::Interface& egress) const {
    unsigned cost = 1;
    const policy::Tenant& here = tenant(walk.tenant);
    const bool per_stage = here.ttl.value_or(policy_.ttl) == policy::TtlMode::per_stage;
    if (per_stage && here.has_service_router()) {
        if (!from_outside(walk)) ++cost;
        if (egress.kind == InterfaceKind::segment) ++cost;
    }
    if (per_stage && here.is_provider && ingress(walk).kind != egress.kind) ++cost;
    if (walk.packets[0].ttl <= cost) return false;
    for (Decoded& part : walk.packets) part.ttl = static_cast<std::uint8_t>(part.ttl - cost);
    return true;
}

/// From the destination translation (unless the packet is `judged`: a session's, or of a router without
/// service) to the wire.
Expected Interpreter::forward(Walk& walk, bool judged) {
    const policy::Tenant& here = tenant(walk.tenant);
    const Key wire = key_of(walk);
    std::optional<std::uint16_t> hairpin_uplink;
    if (!judged) {
        Expected refusal;
        if (!translate_destination(walk, hairpin_uplink, refusal)) return refusal;
        const Decoded& packet = walk.packets[0];
        if (own_address(here, packet.destination, packet.family)) return local(walk);
    }
    const Decoded& packet = walk.packets[0];
    const Hop hop = route(walk.tenant, packet.destination, packet.family, walk.observed);
    if (hop.kind == Hop::Kind::none) return drop_with_icmp(walk, "NO_ROUTE", 3, 1, 0, 0);
    if (hop.kind == Hop::Kind::blackhole) return drop(walk, "BLACKHOLE");
    if (hop.kind == Hop::Kind::broadcast) return drop(walk, "DIRECTED_BCAST");
    const policy::Interface& egress = here.interfaces[hop.interface];
    if (!take_ttl(walk, egress)) return drop_with_icmp(walk, "TTL_EXPIRED", 11, 3, 0, 0);

    if (!judged) {
        policy::Action action{};
        const std::size_t rule = firewall_rule(walk, hop.interface, wire.destination_port, action);
        if (action != policy::Action::allow) rule_counts_[walk.tenant][rule].packets += walk.packets.size();
        if (action == policy::Action::drop) return drop(walk, "FW_DENY");
        if (action == policy::Action::reject) return reject(walk);
        walk.rules.emplace_back(walk.tenant, rule);

        const bool hairpin = hairpin_uplink && egress.kind == InterfaceKind::segment;
        if (auto refused =
                translate_source(walk, hairpin ? *hairpin_uplink : hop.interface, wire.destination)) {
            return *refused;
        }
        const Key out = key_of(walk);
        // Whose reply would it be? The later of two packets that differ has no translation of its own.
        if (walk.chosen && (out.reversed() == wire || sessions_.contains(out.reversed())))
            return refuse_session(walk);
        walk.new_sessions.push_back({wire, {out, rule}});
        walk.new_sessions.push_back({out.reversed(), {wire.reversed(), rule}});
    }
    return leave(walk, hop);
}

Expected Interpreter::leave(Walk& walk, const Hop& hop) {
    const policy::Interface& egress = tenant(walk.tenant).interfaces[hop.interface];
    if (hop.over_peer) {
        walk.tenant = egress.peer_tenant;
        walk.ingress = egress.peer_interface;
        ++walk.routers;
        return router(std::move(walk));
    }
    for (const Decoded& part : walk.packets) {
        if (part.total_bytes > egress.mtu && part.dont_fragment) {
            return drop_with_icmp(walk, "MTU_DF", 3, 2, 4, 0);
        }
    }
    commit(walk);
    for (const auto& [of_tenant, rule] : walk.rules)
        rule_counts_[of_tenant][rule].packets += walk.packets.size();
    Expected result;
    const Mac* mac = neighbour_mac(walk.tenant, hop.interface, hop.neighbour, walk.packets[0].family);
    result.fate = mac == nullptr ? Fate::held : Fate::forwarded;
    if (mac == nullptr) return result;
    for (std::size_t index = 0; index < walk.packets.size(); ++index) {
        ExpectedFrame frame;
        frame.port = egress.port;
        frame.packet = walk.packets[index];
        frame.before = walk.originals[index];
        frame.packet.source_mac = egress.mac;
        frame.packet.destination_mac = *mac;
        frame.packet.vids = egress.vids;
        frame.free_id = walk.translated && frame.packet.family == Family::v4 &&
                        (!frame.packet.dont_fragment || frame.packet.is_fragment());
        frame.quoted = walk.quoted;
        frame.quoted_valid = walk.quoted_valid;
        // IPv4 without DF is cut to the MTU (RFC 791 3.2).
        const std::size_t room = (egress.mtu - 20u - frame.packet.options.size()) / 8 * 8;
        const Bytes whole = frame.packet.l4;
        if (frame.packet.total_bytes <= egress.mtu) {
            result.frames.push_back(frame);
            continue;
        }
        for (std::size_t at = 0; at < whole.size(); at += room) {
            ExpectedFrame piece = frame;
            const std::size_t end = std::min(at + room, whole.size());
            piece.packet.l4.assign(whole.begin() + static_cast<std::ptrdiff_t>(at),
                                   whole.begin() + static_cast<std::ptrdiff_t>(end));
            piece.packet.fragment_offset += static_cast<std::uint32_t>(at);
            piece.packet.more_fragments |= end != whole.size();
            result.frames.push_back(piece);
        }
    }
    return result;
}

Expected Interpreter::drop(const Walk& walk, const char* reason) const {
    Expected result;
    result.reason = reason;
    result.packets = static_cast<std::uint32_t>(walk.packets.size());
    return result;
}

/// C3: never about an ICMP error.
Expected Interpreter::drop_with_icmp(const Walk& walk, const char* reason, std::uint8_t type,
                                     std::uint8_t type6, std::uint8_t code, std::uint8_t code6) const {
    Expected result = drop(walk, reason);
    const Decoded& original = walk.originals[0];
    if (original.kind() == Kind::icmp_error || original.fragment_offset != 0) return result;
    const bool v4 = original.family == Family::v4;
    result.answer = ExpectedAnswer{static_cast<std::uint8_t>(v4 ? 1 : 58),
                                   v4 ? type : type6,
                                   v4 ? code : code6,
                                   original.source,
                                   original.family,
                                   1,
                                   leads_back(walk)};
    return result;
}

Expected Interpreter::reject(const Walk& walk) const {
    Expected result = drop_with_icmp(walk, "FW_REJECT", 3, 1, 13, 1);
    if (walk.originals[0].kind() == Kind::tcp) {
        result.answer->protocol = 6;
        result.answer->type = result.answer->code = 0;
    }
    return result;
}

/// No NAT port. Who came from outside is told nothing.
Expected Interpreter::refuse_session(const Walk& walk) const {
    const policy::Interface& came_by = tenant(walk.first_tenant).interfaces[walk.first_ingress];
    if (came_by.kind != InterfaceKind::segment) return drop(walk, "NAT_NO_PORT");
    return drop_with_icmp(walk, "NAT_NO_PORT", 3, 1, 13, 1);
}

/// To an address of the gateway: echo is answered; what comes from outside is dropped in silence, what comes
/// from inside is refused.
Expected Interpreter::local(const Walk& walk) const {
    const Decoded& packet = walk.packets[0];
    const Decoded& original = walk.originals[0];
    Expected result;
    result.fate = Fate::answered;
    const bool v4 = packet.family == Family::v4;
    ExpectedAnswer answer{
        static_cast<std::uint8_t>(v4 ? 1 : 58), 0, 0, original.source, original.family, 1, leads_back(walk)};
    switch (packet.kind()) {
        case Kind::echo_request:
            if (walk.packets.size() == 1 && !walk.valid) return drop(walk, "L4_CSUM");
            answer.type = v4 ? 0 : 129;
            answer.frames = walk.packets.size();        // each fragment of a request is a fragment of the reply
            if (packet.total_bytes > mtu_back(walk)) {  // what came may be too large for the way back
                answer.frames = v4 ? 2 : 1;
                answer.certain &= v4;
            }
            result.answer = answer;
            return result;
        case Kind::tcp:
            if (from_outside(walk)) return drop(walk, "FW_DENY");
            if ((packet.tcp_flags() & 4) != 0) return result;
            answer.protocol = 6;
            result.answer = answer;
            return result;
        case Kind::udp:
            if (from_outside(walk)) return drop(walk, "FW_DENY");
            answer.type = v4 ? 3 : 1;
            answer.code = v4 ? 3 : 4;
            result.answer = answer;
            return result;
        default:
            return drop(walk, "FW_DENY");
    }
}

}  // namespace sluice::test
