// SPDX-License-Identifier: Apache-2.0
// The questions an interpreter asks of the policy: every answer by looking at all of it.
#include <algorithm>

#include "tests/support/interpreter.h"

namespace sluice::test {
using policy::InterfaceKind;

bool Interpreter::own_address(const policy::Tenant& tenant, Ip ip, Family family) {
    for (const policy::Interface& interface : tenant.interfaces) {
        for (const policy::InterfaceAddress& address : interface.addresses) {
            if (address.subnet.family != family) continue;
            if (address.own == ip) return true;
            // RFC 4291 2.6.1: the subnet-router anycast address.
            if (family == Family::v6 && address.subnet.length < 127 && address.subnet.ip == ip) return true;
        }
    }
    return false;
}

bool Interpreter::pool_address(const policy::Tenant& tenant, Ip ip, Family family) {
    for (const policy::Snat& rule : tenant.snat) {
        if (rule.family == family && std::count(rule.pool.begin(), rule.pool.end(), ip) != 0) return true;
    }
    return false;
}

bool Interpreter::external_address(const policy::Tenant& tenant, Ip ip, Family family) {
    for (const policy::Dnat& rule : tenant.dnat) {
        if (rule.family == family && rule.external == ip) return true;
    }
    for (const policy::OneToOne& rule : tenant.one_to_one) {
        if (rule.family == family && rule.external == ip) return true;
    }
    return pool_address(tenant, ip, family);
}

const Mac* Interpreter::neighbour_mac(std::uint16_t of_tenant, std::uint16_t interface, Ip ip,
                                      Family family) const {
    for (const policy::StaticNeighbour& neighbour : tenant(of_tenant).interfaces[interface].neighbours) {
        if (neighbour.ip == IpAndFamily{ip, family}) return &neighbour.mac;
    }
    return nullptr;
}

/// The longest of all prefixes that contain the destination; of an ECMP group the member that was used.
Interpreter::Hop Interpreter::route(std::uint16_t of_tenant, Ip destination, Family family,
                                    const Observation* observed) const {
    const policy::Tenant& here = tenant(of_tenant);
    Hop best;
    int longest = -1;
    for (std::uint16_t index = 0; index < here.interfaces.size(); ++index) {
        for (const policy::InterfaceAddress& address : here.interfaces[index].addresses) {
            const Prefix& subnet = address.subnet;
            if (subnet.family != family || !subnet.contains(destination) || subnet.length <= longest) continue;
            longest = subnet.length;
            const InterfaceKind kind = here.interfaces[index].kind;
            best = {Hop::Kind::via, index, destination, kind == InterfaceKind::peer};
            if (kind == InterfaceKind::transit) best.kind = Hop::Kind::blackhole;
            if (kind == InterfaceKind::transit || kind == InterfaceKind::peer) continue;
            const Ip broadcast = subnet.ip | ~prefix_mask(subnet.length);
            if (family == Family::v4 && subnet.length < 31 && destination.v4() == broadcast.v4()) {
                best.kind = Hop::Kind::broadcast;
            }
        }
    }
    for (const policy::Route& route : here.routes) {
        if (route.to.family != family || !route.to.contains(destination) || route.to.length <= longest)
            continue;
        longest = route.to.length;
        best = {};
        if (route.blackhole) {
            best.kind = Hop::Kind::blackhole;
            continue;
        }
        const policy::NextHop* used = &route.next_hops[0];
        for (const policy::NextHop& member : route.next_hops) {
            if (!member.gateway || observed == nullptr || observed->sent.empty()) continue;
            const Mac* mac = neighbour_mac(of_tenant, member.interface, *member.gateway, family);
            const Decoded sent = decode(observed->sent[0].bytes);
            if (mac != nullptr && sent.destination_mac == *mac) used = &member;
        }
        best.kind = Hop::Kind::via;
        best.interface = used->interface;
        best.over_peer = !used->gateway;
        best.neighbour = used->gateway.value_or(Ip{});
    }
    return best;
}

/// Every way back to the source, and whether one of them is where the packet came in.
bool Interpreter::source_passes(const Walk& walk) const {
    const policy::Interface& at = ingress(walk);
    const Decoded& packet = walk.packets[0];
    if (at.source_check == policy::SourceCheck::off) return true;
    const Hop hop = route(walk.tenant, packet.source, packet.family, nullptr);
    if (hop.kind != Hop::Kind::via) return false;
    if (at.source_check == policy::SourceCheck::loose) return true;
    if (hop.over_peer) return false;
    if (hop.interface == walk.ingress) return true;
    // The other members of the group, if it is one.
    const policy::Route* longest = nullptr;
    for (const policy::Route& route : tenant(walk.tenant).routes) {
        if (route.to.family != packet.family || !route.to.contains(packet.source)) continue;
        if (longest == nullptr || route.to.length > longest->to.length) longest = &route;
    }
    const bool connected = hop.neighbour == packet.source;
    if (connected || longest == nullptr) return false;
    return std::any_of(longest->next_hops.begin(), longest->next_hops.end(),
                       [&](const policy::NextHop& member) { return member.interface == walk.ingress; });
}

/// Would a message to the source of the packet find a way?
bool Interpreter::leads_back(const Walk& walk) const {
    const Decoded& original = walk.originals[0];
    const Hop hop = route(walk.first_tenant, original.source, original.family, nullptr);
    if (hop.kind != Hop::Kind::via || hop.over_peer) return false;
    return neighbour_mac(walk.first_tenant, hop.interface, hop.neighbour, original.family) != nullptr;
}

std::uint16_t Interpreter::mtu_back(const Walk& walk) const {
    const Decoded& original = walk.originals[0];
    const Hop hop = route(walk.first_tenant, original.source, original.family, nullptr);
    return tenant(walk.first_tenant).interfaces[hop.interface].mtu;
}

namespace {

bool side_matches(const policy::Tenant& tenant, const policy::Side& side, std::uint16_t zone, Ip ip,
                  Family family) {
    if (side.any || std::count(side.zones.begin(), side.zones.end(), zone) != 0) return true;
    for (const std::uint32_t set : side.sets) {
        for (const Prefix& prefix : tenant.sets[set].prefixes) {
            if (prefix.family == family && prefix.contains(ip)) return true;
        }
    }
    return false;
}

/// The port that was asked for, or the one that destination translation made of it: people name either.
bool service_matches(const policy::Rule& rule, const Decoded& packet, std::uint16_t asked_port) {
    if (rule.services.empty()) return true;
    const bool icmp = packet.protocol == (packet.family == Family::v4 ? 1 : 58);
    const unsigned value = icmp ? packet.word(0) : packet.destination_port();
    for (const policy::Service& service : rule.services) {
        if (service.protocol != packet.protocol) continue;
        if (service.family != 0 && service.family != static_cast<std::uint8_t>(packet.family)) continue;
        if (value >= service.low && value <= service.high) return true;
        if (!icmp && asked_port >= service.low && asked_port <= service.high) return true;
    }
    return false;
}

}  // namespace

std::size_t Interpreter::firewall_rule(const Walk& walk, std::uint16_t egress, std::uint16_t asked_port,
                                       policy::Action& action) const {
    const policy::Tenant& here = tenant(walk.tenant);
    const Decoded& packet = walk.packets[0];
    // A router with NAT alone has the defaults of one whose firewall says nothing.
    const policy::Firewall firewall = here.firewall.value_or(policy::Firewall{});
    const auto& rules = firewall.rules;
    for (std::size_t index = 0; index < rules.size(); ++index) {
        if (side_matches(here, rules[index].from, walk.ingress, packet.source, packet.family) &&
            side_matches(here, rules[index].to, egress, packet.destination, packet.family) &&
            service_matches(rules[index], packet, asked_port)) {
            action = rules[index].action;
            return index;
        }
    }
    action = from_outside(walk) ? firewall.from_uplink : firewall.otherwise;
    return rules.size();
}

}  // namespace sluice::test
