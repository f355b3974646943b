// SPDX-License-Identifier: Apache-2.0
// The interpreter's address translation (seed-systems 0.4 and 1.4, steps 6 and 10).
#include <algorithm>

#include "tests/support/interpreter.h"

namespace sluice::test {

Interpreter::Key Interpreter::key_of(const Walk& walk) {
    const Decoded& packet = walk.packets[0];
    return {walk.tenant,        packet.family,        packet.protocol,          packet.source,
            packet.destination, packet.source_port(), packet.destination_port()};
}

namespace {

bool has_ports(Kind kind) {
    return kind == Kind::tcp || kind == Kind::udp || kind == Kind::echo_request || kind == Kind::echo_reply;
}

void set_destination(std::vector<Decoded>& packets, Ip ip, std::uint16_t port) {
    for (Decoded& part : packets) {
        part.destination = ip;
        if (part.fragment_offset == 0) part.set_ports(part.source_port(), port);
    }
}

void set_source(std::vector<Decoded>& packets, Ip ip, std::uint16_t port) {
    for (Decoded& part : packets) {
        part.source = ip;
        if (part.fragment_offset == 0) part.set_ports(port, part.destination_port());
    }
}

}  // namespace

/// False: refused, and `refusal` says how. The most specific match wins: address and port, address and
/// protocol, address, one-to-one.
bool Interpreter::translate_destination(Walk& walk, std::optional<std::uint16_t>& hairpin_uplink,
                                        Expected& refusal) {
    const policy::Tenant& here = tenant(walk.tenant);
    const Decoded packet = walk.packets[0];
    if (!external_address(here, packet.destination, packet.family)) return true;
    const bool inside = !from_outside(walk);

    if (has_ports(packet.kind()) && packet.kind() != Kind::echo_request) {
        const Outside outside{walk.tenant, packet.protocol, packet.destination, packet.destination_port()};
        if (const auto found = outside_.find(outside); found != outside_.end()) {
            std::uint16_t uplink = walk.ingress;
            for (const policy::Snat& rule : here.snat) {
                if (std::count(rule.pool.begin(), rule.pool.end(), packet.destination) != 0) uplink = rule.out;
            }
            if (uplink != walk.ingress && !inside) {
                refusal = drop(walk, "NAT_FILTERED");
                return false;
            }
            if (!accepts(found->second, walk)) {
                refusal = drop(walk, "NAT_FILTERED");
                return false;
            }
            walk.translated = true;
            if (inside) hairpin_uplink = uplink;
            set_destination(walk.packets, found->second.inside.ip, found->second.inside.port);
            return true;
        }
    }

    const policy::Dnat* best = nullptr;
    int best_rank = 3;
    for (const policy::Dnat& rule : here.dnat) {
        if (rule.family != packet.family || rule.external != packet.destination) continue;
        if (rule.on != walk.ingress && !inside) continue;
        if (rule.protocol != 0 && rule.protocol != packet.protocol) continue;
        if (rule.ports) {
            if (packet.kind() != Kind::tcp && packet.kind() != Kind::udp) continue;
            const std::uint16_t port = packet.destination_port();
            if (port < rule.ports->low || port > rule.ports->high) continue;
        }
        const int rank = rule.ports ? 0 : rule.protocol != 0 ? 1 : 2;
        if (rank < best_rank) {
            best = &rule;
            best_rank = rank;
        }
    }
    if (best != nullptr) {
        std::uint16_t port = packet.destination_port();
        if (best->to_port && best->ports) {
            port = static_cast<std::uint16_t>(*best->to_port + (port - best->ports->low));
        }
        walk.translated = true;
        if (inside) hairpin_uplink = best->on;
        set_destination(walk.packets, best->to, port);
        return true;
    }
    for (const policy::OneToOne& rule : here.one_to_one) {
        if (rule.family != packet.family || rule.external != packet.destination) continue;
        if (rule.on != walk.ingress && !inside) continue;
        walk.translated = true;
        if (inside) hairpin_uplink = rule.on;
        set_destination(walk.packets, rule.inside, packet.destination_port());
        return true;
    }
    const bool own = own_address(here, packet.destination, packet.family);
    // An address of a pool that is ours answers an echo request; all else there waits for a mapping.
    const bool echo = packet.kind() == Kind::echo_request;
    if (own && (echo || !pool_address(here, packet.destination, packet.family))) return true;
    refusal = drop(walk, "NAT_FILTERED");
    return false;
}

/// Has the inside host been talking to this sender? Whoever is inside too is the firewall's to judge.
bool Interpreter::accepts(const Mapping& mapping, const Walk& walk) const {
    return !from_outside(walk) || tenant(mapping.inside.tenant).snat[mapping.inside.rule].any_remote ||
           mapping.remotes.contains(walk.packets[0].source);
}

std::optional<Expected> Interpreter::translate_source(Walk& walk, std::uint16_t out, Ip remote) {
    const policy::Tenant& here = tenant(walk.tenant);
    const Decoded& packet = walk.packets[0];
    const auto holds = [](const std::vector<Prefix>& prefixes, Ip ip) {
        return std::any_of(prefixes.begin(), prefixes.end(),
                           [ip](const Prefix& prefix) { return prefix.contains(ip); });
    };
    for (const policy::Exemption& rule : here.exemptions) {
        if (rule.family != packet.family || rule.out != out || !holds(rule.sources, packet.source)) continue;
        if (!rule.destinations || holds(*rule.destinations, packet.destination)) return std::nullopt;
    }
    for (const policy::OneToOne& rule : here.one_to_one) {
        if (rule.family != packet.family || rule.inside != packet.source || rule.on != out) continue;
        walk.translated = true;
        set_source(walk.packets, rule.external, packet.source_port());
        return std::nullopt;
    }
    for (std::size_t index = 0; index < here.snat.size(); ++index) {
        const policy::Snat& rule = here.snat[index];
        if (rule.family != packet.family || rule.out != out) continue;
        const bool covered = std::any_of(rule.sources.begin(), rule.sources.end(),
                                         [&](const Prefix& source) { return source.contains(packet.source); });
        if (covered) return dynamic_source(walk, index, remote);
    }
    return std::nullopt;
}

bool Interpreter::port_taken(const Outside& outside, Family family) const {
    if (outside_.contains(outside) || outside.port == 0) return true;
    for (const policy::Dnat& rule : tenant(outside.tenant).dnat) {
        if (rule.family != family || rule.external != outside.ip) continue;
        if (rule.protocol != 0 && rule.protocol != outside.protocol) continue;
        if (!rule.ports || (outside.port >= rule.ports->low && outside.port <= rule.ports->high)) return true;
    }
    return false;
}

bool Interpreter::has_free_port(Outside outside, Family family, std::uint32_t first, std::uint32_t last,
                                unsigned step) const {
    for (std::uint32_t port = first; port <= last; port += step) {
        outside.port = static_cast<std::uint16_t>(port);
        if (!port_taken(outside, family)) return true;
    }
    return false;
}

void Interpreter::judge_choice(const policy::Snat& rule, const Inside& inside, const Outside& chosen,
                               policy::PortRange range) {
    const auto paired = paired_.find({inside.tenant, inside.rule, inside.ip});
    const std::string name = to_string(chosen.ip, rule.family) + ":" + std::to_string(chosen.port);
    if (std::count(rule.pool.begin(), rule.pool.end(), chosen.ip) == 0)
        complaint_ = name + " is not of the pool";
    if (paired != paired_.end() && paired->second != chosen.ip) complaint_ = name + ": not the paired address";
    if (chosen.port < range.low || chosen.port > range.high) complaint_ = name + ": port of another class";
    if (port_taken(chosen, rule.family)) complaint_ = name + ": port is taken";
    const std::uint32_t same_parity = range.low + ((range.low ^ inside.port) & 1u);
    if (inside.protocol == 17 && ((chosen.port ^ inside.port) & 1) != 0 &&
        has_free_port(chosen, rule.family, same_parity, range.high, 2)) {
        complaint_ = name + ": a port of the same parity was free";
    }
}

/// Reads the choice from what was sent, and judges it.
std::optional<Expected> Interpreter::dynamic_source(Walk& walk, std::size_t rule_index, Ip remote) {
    const policy::Snat& rule = tenant(walk.tenant).snat[rule_index];
    const Decoded& packet = walk.packets[0];
    if (!has_ports(packet.kind())) return refuse_session(walk);
    walk.translated = true;
    const Inside inside{walk.tenant, rule_index, packet.protocol, packet.source, packet.source_port()};
    if (const auto found = mappings_.find(inside); found != mappings_.end()) {
        walk.new_remotes.emplace_back(found->second, remote);
        set_source(walk.packets, found->second.ip, found->second.port);
        return std::nullopt;
    }

    // Ports of the inside port's class, where the range has such.
    const bool low_class = inside.port < 1024;
    policy::PortRange range = rule.ports;
    if (low_class && range.low < 1024) range.high = std::min<std::uint16_t>(range.high, 1023);
    if (!low_class && range.high >= 1024) range.low = std::max<std::uint16_t>(range.low, 1024);
    const auto pair = std::tuple(walk.tenant, rule_index, inside.ip);
    const auto paired = paired_.find(pair);
    const auto outside_at = [&](Ip ip, std::uint32_t port) {
        return Outside{walk.tenant, inside.protocol, ip, static_cast<std::uint16_t>(port)};
    };
    bool some_full = false, all_full = true;
    for (const Ip& ip : rule.pool) {
        if (paired != paired_.end() && paired->second != ip) continue;
        const bool full = !has_free_port(outside_at(ip, 0), rule.family, range.low, range.high, 1);
        some_full |= full;
        all_full &= full;
    }
    const auto& drops = walk.observed->drops;
    const bool refused = std::count(drops.begin(), drops.end(), "NAT_NO_PORT") != 0;
    if (all_full || (some_full && refused)) return refuse_session(walk);

    walk.chosen = false;
    Outside chosen = outside_at(rule.pool[0], range.low);
    // Where a router behind this one rejects it, what was sent is the answer.
    const bool rejected = std::count(drops.begin(), drops.end(), "FW_REJECT") != 0;
    for (const SentFrame& frame : walk.observed->sent) {
        const Decoded sent = decode(frame.bytes);
        if (!rejected && sent.is_ip() && sent.fault.empty() && sent.protocol == inside.protocol &&
            sent.kind() == packet.kind()) {
            chosen = outside_at(sent.source, sent.source_port());
            judge_choice(rule, inside, chosen, range);
            walk.chosen = true;
            break;
        }
    }
    walk.new_mappings.emplace_back(inside, chosen);
    walk.new_remotes.emplace_back(chosen, remote);
    set_source(walk.packets, chosen.ip, chosen.port);
    return std::nullopt;
}

/// All routers at once, when the packet leaves the last.
void Interpreter::commit(const Walk& walk) {
    for (const auto& [inside, outside] : walk.new_mappings) {
        mappings_[inside] = outside;
        outside_[outside].inside = inside;
        paired_[{inside.tenant, inside.rule, inside.ip}] = outside.ip;
    }
    for (const auto& [outside, remote] : walk.new_remotes) outside_[outside].remotes.insert(remote);
    for (std::size_t index = 0; index < walk.new_sessions.size(); ++index) {
        const auto& [key, session] = walk.new_sessions[index];
        sessions_[key] = session;
        if (index % 2 == 0) ++rule_counts_[key.tenant][session.rule].sessions;
    }
}

}  // namespace sluice::test
