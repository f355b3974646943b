// SPDX-License-Identifier: Apache-2.0
#include "tests/differential/render_linux.h"

#include <algorithm>
#include <vector>

namespace sluice::test {
namespace {

using policy::InterfaceKind;

std::string name(std::size_t interface) {
    std::string result = "i";
    result += std::to_string(interface);
    return result;
}

std::string text(Ip ip) {
    return to_string(ip, Family::v4);
}

std::string range(policy::PortRange ports) {
    return std::to_string(ports.low) + "-" + std::to_string(ports.high);
}

std::string set_of(const std::vector<std::string>& items) {
    std::string result = "{ ";
    for (const std::string& item : items) result += item + ", ";
    return result + "}";
}

bool own(const policy::Tenant& tenant, Ip ip) {
    for (const policy::Interface& interface : tenant.interfaces) {
        for (const auto& address : interface.addresses) {
            if (address.subnet.family == Family::v4 && address.own == ip) return true;
        }
    }
    return false;
}

std::vector<std::string> interfaces_of(const policy::Tenant& tenant, InterfaceKind kind) {
    std::vector<std::string> names;
    for (std::size_t index = 0; index < tenant.interfaces.size(); ++index) {
        if (tenant.interfaces[index].kind == kind) names.push_back(name(index));
    }
    return names;
}

/// The conditions of which one must hold, each for IPv4, IPv6 or both.
struct Condition {
    std::string words;
    int family = 0;  // 0: both
};

std::vector<Condition> side(const policy::Tenant& tenant, const policy::Side& side, const char* zone_word,
                            const char* address_word) {
    if (side.any) return {{"", 0}};
    std::vector<Condition> result;
    for (const std::uint16_t zone : side.zones) {
        result.push_back({std::string(zone_word) + " " + name(zone) + " ", 0});
    }
    for (const std::uint32_t index : side.sets) {
        for (const Prefix& prefix : tenant.sets[index].prefixes) {
            const bool v4 = prefix.family == Family::v4;
            result.push_back(
                {std::string(v4 ? "ip " : "ip6 ") + address_word + " " + to_string(prefix) + " ", v4 ? 4 : 6});
        }
    }
    return result;
}

/// A service matches the port that was asked for or the one that DNAT made of it.
std::vector<std::string> services(const policy::Rule& rule) {
    if (rule.services.empty()) return {""};
    std::vector<std::string> result;
    for (const policy::Service& service : rule.services) {
        const std::string protocol = "meta l4proto " + std::to_string(service.protocol) + " ";
        const std::string ports = range({service.low, service.high}) + " ";
        result.push_back(protocol + "th dport " + ports);
        result.push_back(protocol + "ct original proto-dst " + ports);
    }
    return result;
}

std::string verdict(const std::string& condition, policy::Action action) {
    switch (action) {
        case policy::Action::allow:
            return "    " + condition + "accept\n";
        case policy::Action::drop:
            return "    " + condition + "drop\n";
        case policy::Action::reject:
            break;
    }
    return "    " + condition + "meta l4proto tcp reject with tcp reset\n    " + condition +
           "reject with icmpx type admin-prohibited\n";
}

std::string forward_chain(const policy::Tenant& tenant) {
    const policy::Firewall firewall = tenant.firewall.value_or(policy::Firewall{});
    std::string result =
        "  chain forward {\n    type filter hook forward priority 0; policy drop;\n"
        "    ct state established,related accept\n";
    for (const policy::Rule& rule : firewall.rules) {
        for (const Condition& from : side(tenant, rule.from, "iifname", "saddr")) {
            for (const Condition& to : side(tenant, rule.to, "oifname", "daddr")) {
                if (from.family != 0 && to.family != 0 && from.family != to.family) continue;
                for (const std::string& service : services(rule)) {
                    result += verdict(from.words + to.words + service, rule.action);
                }
            }
        }
    }
    const auto uplinks = interfaces_of(tenant, InterfaceKind::uplink);
    if (!uplinks.empty()) result += verdict("iifname " + set_of(uplinks) + " ", firewall.from_uplink);
    return result + verdict("", firewall.otherwise) + "  }\n";
}

/// Addresses that NAT presents on an uplink.
std::vector<Ip> externals(const policy::Tenant& tenant, std::uint16_t uplink) {
    std::vector<Ip> result;
    const auto add = [&](Ip ip) {
        if (std::count(result.begin(), result.end(), ip) == 0) result.push_back(ip);
    };
    for (const policy::Dnat& rule : tenant.dnat) {
        if (rule.on == uplink) add(rule.external);
    }
    for (const policy::OneToOne& rule : tenant.one_to_one) {
        if (rule.on == uplink) add(rule.external);
    }
    for (const policy::Snat& rule : tenant.snat) {
        if (rule.out == uplink) std::for_each(rule.pool.begin(), rule.pool.end(), add);
    }
    return result;
}

/// What is left to an external address behind the NAT hook has nobody behind it.
std::string prerouting_chain(const policy::Tenant& tenant) {
    std::string result =
        "  chain prerouting {\n    type filter hook prerouting priority -50; policy accept;\n"
        "    ct state invalid drop\n";
    const auto interfaces = static_cast<std::uint16_t>(tenant.interfaces.size());
    for (std::uint16_t uplink = 0; uplink < interfaces; ++uplink) {
        for (const Ip ip : externals(tenant, uplink)) {
            const bool in_pool = std::any_of(tenant.snat.begin(), tenant.snat.end(), [&](const auto& rule) {
                return std::count(rule.pool.begin(), rule.pool.end(), ip) != 0;
            });
            if (!own(tenant, ip)) {
                result += "    ip daddr " + text(ip) + " drop\n";
            } else if (in_pool) {
                result += "    ip daddr " + text(ip) + " meta l4proto != icmp drop\n";
            }
        }
    }
    return result + "  }\n";
}

std::string input_chain(const policy::Tenant& tenant) {
    std::string result =
        "  chain input {\n    type filter hook input priority 0; policy drop;\n"
        "    icmp type echo-request accept\n    icmpv6 type echo-request accept\n";
    const auto uplinks = interfaces_of(tenant, InterfaceKind::uplink);
    if (!uplinks.empty()) result += "    iifname " + set_of(uplinks) + " drop\n";
    return result + "    meta l4proto { tcp, udp } accept\n  }\n";
}

std::string destination_nat(const policy::Tenant& tenant) {
    std::string result = "  chain prerouting {\n    type nat hook prerouting priority -100; policy accept;\n";
    const auto from = [&](std::uint16_t on) {
        std::vector<std::string> names = interfaces_of(tenant, InterfaceKind::segment);
        names.push_back(name(on));
        return "    iifname " + set_of(names) + " ";
    };
    for (const policy::Dnat& rule : tenant.dnat) {
        result += from(rule.on) + "ip daddr " + text(rule.external) + " ";
        if (rule.protocol != 0) result += "meta l4proto " + std::to_string(rule.protocol) + " ";
        if (rule.ports) result += "th dport " + range(*rule.ports) + " ";
        result += "dnat to " + text(rule.to);
        if (rule.to_port) result.append(":").append(std::to_string(*rule.to_port));
        result += "\n";
    }
    for (const policy::OneToOne& rule : tenant.one_to_one) {
        result += from(rule.on) + "ip daddr " + text(rule.external) + " dnat to " + text(rule.inside) + "\n";
    }
    return result + "  }\n";
}

/// The device of a segment behind VXLAN, and what is below it.
std::string tunnel(const policy::Policy& policy, const policy::Interface& interface, std::size_t index) {
    const policy::Port& port = policy.ports[interface.port];
    const policy::Interface& below = policy.tenants[port.underlay].interfaces[0];
    const policy::InterfaceAddress& endpoint = port.tunnel_endpoint(Family::v4)->address;
    const std::string device = "u" + std::to_string(index);
    std::string result = "link set dev " + device + " address " + to_string(below.mac) + " mtu " +
                         std::to_string(port.mtu) + " up\n" + "addr add " + text(endpoint.own) + "/" +
                         std::to_string(endpoint.subnet.length) + " dev " + device + "\n";
    for (const policy::StaticNeighbour& neighbour : below.neighbours) {
        result += "neigh replace " + text(neighbour.ip.ip) + " lladdr " + to_string(neighbour.mac) + " dev " +
                  device + " nud permanent\n";
    }
    return result + "link add " + name(index) + " type vxlan id " + std::to_string(interface.vni) + " local " +
           text(endpoint.own) + " remote " + text(interface.remotes[0]) + " dev " + device +
           " dstport 4789 srcport 49152 65535 ttl 64 tos inherit df set nolearning noudpcsum\n";
}

std::string exemption(const policy::Exemption& rule, const std::string& way) {
    std::string result;
    for (const Prefix& source : rule.sources) {
        const std::string match = way + "ip saddr " + to_string(source) + " ";
        if (!rule.destinations) result += match + "accept\n";
        for (const Prefix& to : rule.destinations.value_or(std::vector<Prefix>{})) {
            result += match + "ip daddr " + to_string(to) + " accept\n";
        }
    }
    return result;
}

/// Out of the uplink, and for what came from inside to one of its addresses and goes back inside.
std::string source_nat(const policy::Tenant& tenant) {
    std::string result = "  chain postrouting {\n    type nat hook postrouting priority 100; policy accept;\n";
    const std::string segments = set_of(interfaces_of(tenant, InterfaceKind::segment));
    const auto interfaces = static_cast<std::uint16_t>(tenant.interfaces.size());
    for (std::uint16_t uplink = 0; uplink < interfaces; ++uplink) {
        std::vector<std::string> addresses;
        for (const Ip ip : externals(tenant, uplink)) addresses.push_back(text(ip));
        if (addresses.empty()) continue;
        const std::string ways[] = {"    oifname " + name(uplink) + " ",
                                    "    iifname " + segments + " oifname " + segments +
                                        " ct original ip daddr " + set_of(addresses) + " "};
        for (const std::string& way : ways) {
            for (const policy::Exemption& rule : tenant.exemptions) {
                if (rule.out == uplink && rule.family == Family::v4) result += exemption(rule, way);
            }
            for (const policy::OneToOne& rule : tenant.one_to_one) {
                if (rule.on != uplink) continue;
                result += way + "ip saddr " + text(rule.inside) + " snat to " + text(rule.external) + "\n";
            }
            for (const policy::Snat& rule : tenant.snat) {
                if (rule.out != uplink) continue;
                // The uplink's own address is what Linux takes by itself, where a packet leaves by the uplink.
                const bool masquerade =
                    &way == &ways[0] && rule.pool.size() == 1 && own(tenant, rule.pool.front());
                const std::string to =
                    masquerade ? "masquerade"
                               : "snat to " + text(rule.pool.front()) + "-" + text(rule.pool.back());
                for (const Prefix& source : rule.sources) {
                    const std::string match = way + "ip saddr " + to_string(source) + " ";
                    for (const char* protocol : {"tcp", "udp"}) {
                        result += match + "meta l4proto " + protocol + " " + to + (masquerade ? " to :" : ":") +
                                  range(rule.ports) + "\n";
                    }
                    result += match + "meta l4proto icmp " + to + "\n";
                }
            }
        }
    }
    return result + "  }\n";
}

}  // namespace

std::string render_ip(const policy::Policy& policy, const policy::Tenant& tenant) {
    std::string result = "link set dev lo up\n";
    for (std::size_t index = 0; index < tenant.interfaces.size(); ++index) {
        const policy::Interface& interface = tenant.interfaces[index];
        if (interface.encapsulation != policy::Encapsulation::none) result += tunnel(policy, interface, index);
        const std::string device = " dev " + name(index);
        result += "link set" + device + " address " + to_string(interface.mac) + " mtu " +
                  std::to_string(interface.mtu) + " up\n";
        for (const auto& address : interface.addresses) {
            const Family family = address.subnet.family;
            result += "addr add " + to_string(address.own, family) + "/" +
                      std::to_string(address.subnet.length) + device +
                      (family == Family::v6 ? " nodad" : " broadcast +") + "\n";
        }
        for (const policy::StaticNeighbour& neighbour : interface.neighbours) {
            result += "neigh replace " + to_string(neighbour.ip.ip, neighbour.ip.family) + " lladdr " +
                      to_string(neighbour.mac) + device + " nud permanent\n";
        }
    }
    for (const policy::Route& route : tenant.routes) {
        if (route.blackhole) {
            result += "route add blackhole " + to_string(route.to) + "\n";
            continue;
        }
        const policy::NextHop& hop = route.next_hops.front();
        result += "route add " + to_string(route.to) + " via " + to_string(*hop.gateway, route.to.family) +
                  " dev " + name(hop.interface) + "\n";
    }
    return result;
}

std::string render_nft(const policy::Tenant& tenant) {
    return "table inet filter {\n" + prerouting_chain(tenant) + input_chain(tenant) + forward_chain(tenant) +
           "}\ntable ip nat {\n" + destination_nat(tenant) + source_nat(tenant) + "}\n";
}

}  // namespace sluice::test
