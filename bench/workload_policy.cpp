// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "bench/workload.h"
#include "bench/workload_parts.h"
#include "tests/support/compile.h"

namespace sluice::bench {

Endpoint rule_endpoint(std::uint32_t rule) {
    return {172u << 24 | (16 + rule / 62500) << 16 | rule / 250 % 250 << 8 | (rule % 250 + 1),
            static_cast<std::uint16_t>(1000 + rule % 5000)};
}

std::string remote_text(const Shape& shape, std::uint32_t remote) {
    return fmt::format("{}{}", shape.over_ipv6 ? "2001:db8:51::" : "198.51.100.", 21 + remote);
}

namespace {

std::string address_text(std::uint32_t address) {
    return fmt::format("{}.{}.{}.{}", address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255);
}

std::string segment_text(const Shape& shape, std::uint32_t tenant) {
    if (shape.tunnels == 0) {
        return fmt::format(
            "  lan: {{vlan: {{port: access0, id: {}}}, gateway: 10.255.0.1/24, "
            "neighbours: {{10.255.0.2: \"02:00:00:00:00:01\"}}}}\n",
            first_vlan + tenant);
    }
    std::string ends, neighbours, stations;
    for (std::uint32_t remote = 0; remote < shape.tunnels; ++remote) {
        const char* comma = remote == 0 ? "" : ", ";
        const std::string end = '"' + remote_text(shape, remote) + '"';
        ends += comma + end;
        neighbours += fmt::format("{}10.255.0.{}: \"02:00:00:00:00:0{}\"", comma, 2 + remote, 1 + remote);
        stations += fmt::format("{}\"02:00:00:00:00:0{}\": {}", comma, 1 + remote, end);
    }
    return fmt::format(
        "  lan: {{vxlan: {{port: access0, vni: {}, remotes: [{}]}}, gateway: 10.255.0.1/24, "
        "neighbours: {{{}}}, stations: {{{}}}}}\n",
        first_vni + tenant, ends, neighbours, stations);
}

std::string inside_routes(const Shape& shape) {
    if (shape.tunnels == 0) return "  - {to: 10.0.0.0/8, via: 10.255.0.2}\n";
    std::string text;
    for (std::uint32_t net = 0; net < inside_nets; ++net) {
        text += fmt::format("  - {{to: 10.{}.0.0/16, via: 10.255.0.{}}}\n", 1 + net, 2 + net % shape.tunnels);
    }
    return text;
}

/// The rest of the uplink section, for a tenant's own and for the provider's.
std::string uplink_text(std::uint32_t vlan, const std::string& address, const std::string& router) {
    return fmt::format(
        "  internet: {{vlan: {{port: uplink0, id: {}}}, address: {}, neighbours: {{{}: "
        "\"02:00:00:00:09:01\"}}}}\n",
        vlan, address, router);
}

std::string provider_text() {
    return "provider:\n  router: {transit: {subnet: 169.254.0.0/28}}\n  uplinks:\n  " +
           uplink_text(first_vlan, "203.0.113.2/29", "203.0.113.1") + "  links: {t0: 169.254.2.0/31}\n" +
           "  routes:\n    - {to: 0.0.0.0/0, via: 203.0.113.1}\n" +
           fmt::format("    - {{to: {}.0/24, tenant: t0}}\n", outside_net(0));
}

std::string tenant_text(const Shape& shape, std::uint32_t tenant) {
    const std::string net = outside_net(tenant);
    const char* outside = shape.provider ? "provider" : "internet";
    std::string text = fmt::format(
        "tenant: t{}\n"
        "segments:\n{}{}"
        "routes:\n  - {{to: 0.0.0.0/0, via: {}}}\n{}"
        "nat:\n  - {{snat: 10.0.0.0/8, out: {}, to: {}.{}-{}.{}}}\n"
        "firewall:\n  rules:\n",
        tenant, segment_text(shape, tenant),
        shape.provider ? "" : "uplinks:\n" + uplink_text(first_vlan + tenant, net + ".10/24", net + ".1"),
        shape.provider ? "provider" : net + ".1", inside_routes(shape), outside, net, first_pool_host, net,
        first_pool_host + pool_addresses(shape) - 1);
    for (std::uint32_t rule = 0; rule + 1 < shape.rules; ++rule) {
        const Endpoint to = rule_endpoint(rule);
        text += fmt::format("    - {{name: r{}, from: lan, to: {}, service: udp/{}, action: allow}}\n", rule,
                            address_text(to.address), to.port);
    }
    if (shape.scan) {
        return text + "    - {name: outbound, from: lan, to: 192.0.2.9, action: allow}\n" +
               "    - {name: rest, from: lan, to: internet, action: drop}\n";
    }
    return text + fmt::format("    - {{name: outbound, from: lan, to: {}, action: allow}}\n", outside);
}

}  // namespace

// A million sessions need many addresses; a thousand tenants with a thousand each need one each.
std::uint32_t pool_addresses(const Shape& shape) {
    return std::max(1u, 64 / shape.tenants);
}

std::string outside_net(std::uint32_t tenant) {
    return fmt::format("100.{}.{}", 64 + tenant / 256, tenant % 256);
}

std::uint32_t outside_address(std::uint32_t tenant, std::uint32_t host) {
    return 100u << 24 | (64 + tenant / 256) << 16 | tenant % 256 << 8 | host;
}

std::unique_ptr<const Image> make_image(const Shape& shape) {
    return test::compile_texts(policy_texts(shape));
}

std::map<std::string, std::string> policy_texts(const Shape& shape) {
    std::map<std::string, std::string> texts;
    std::string access = "{}";
    if (shape.tunnels != 0) {
        access = fmt::format("{{mtu: 1600, tunnel-endpoint: \"{}\", neighbours: {{",
                             shape.over_ipv6 ? "2001:db8:51::10/64" : "198.51.100.10/24");
        for (std::uint32_t remote = 0; remote < shape.tunnels; ++remote) {
            access += fmt::format("{}\"{}\": \"02:00:00:00:21:0{}\"", remote == 0 ? "" : ", ",
                                  remote_text(shape, remote), remote);
        }
        access += "}}";
    }
    std::string gateway =
        fmt::format("gateway: bench\nmac: {}\nports: {{access0: {}, uplink0: {{}}}}\n{}tenants:\n", router_mac,
                    access, shape.provider ? provider_text() : "");
    for (std::uint32_t tenant = 0; tenant < shape.tenants; ++tenant) {
        gateway += fmt::format("  - t{}.yaml\n", tenant);
        texts[fmt::format("t{}.yaml", tenant)] = tenant_text(shape, tenant);
    }
    texts["gateway.yaml"] = gateway;
    return texts;
}

}  // namespace sluice::bench
