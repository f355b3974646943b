// SPDX-License-Identifier: Apache-2.0
#include "tests/support/random_policy.h"

#include <optional>
#include <vector>

#include "schemas/layout/address.h"
#include "tests/support/random.h"

namespace sluice::test {
namespace {

std::string number(std::uint64_t value) {
    return std::to_string(value);
}

std::string join(const std::vector<std::string>& items) {
    std::string text;
    for (const std::string& item : items) text += (text.empty() ? "" : ", ") + item;
    return text;
}

std::string quoted(const std::string& text) {
    std::string result = "\"";
    result += text;
    result += '"';
    return result;
}

std::string mac(unsigned tenant, unsigned interface, unsigned host) {
    return quoted(to_string(Mac{{2, static_cast<std::uint8_t>(tenant + 1), 0,
                                 static_cast<std::uint8_t>(interface), 0, static_cast<std::uint8_t>(host)}}));
}

/// One tenant's file. Inside addresses depend on the segment alone, so that tenants overlap; outside ones on
/// the tenant too, because those must not.
class TenantWriter {
  public:
    TenantWriter(Random& random, const PolicyShape& shape, unsigned tenant, std::optional<unsigned> peer,
                 bool provider)
        : random_(random), shape_(shape), tenant_(tenant), peer_(peer), provider_(provider) {}

    std::string write() {
        segment_count_ = static_cast<unsigned>(random_.between(1, 3));
        uplink_count_ = static_cast<unsigned>(random_.between(1, 2));
        text_ = "tenant: tenant" + number(tenant_) + "\n";
        write_router();
        write_segments();
        write_uplinks();
        if (peer_) text_ += "peers: [tenant" + number(*peer_) + "]\n";
        write_routes();
        const bool nat = random_.percent(75);
        if (nat) write_nat();
        if (shape_.always_firewall || random_.percent(nat ? 80 : 60)) write_firewall();
        return text_;
    }
    const std::vector<std::string>& ports() const { return ports_; }

  private:
    std::string segment(unsigned index) const { return "seg" + number(index); }
    std::string uplink(unsigned index) const { return "up" + number(index); }
    std::string inside(unsigned segment, unsigned host) const {
        return "10.1." + number(segment + 1) + "." + number(host);
    }
    std::string inside6(unsigned segment, unsigned host) const {
        return "2001:db8:b:" + number(segment + 1) + "::" + number(host);
    }
    std::string shared(unsigned tenant, unsigned host) const {
        return "10." + number(30 + tenant) + ".0." + number(host);
    }
    /// Host numbers of an uplink's /26: 1 is the router beyond, 2 the gateway, 10 and up external NAT
    /// addresses.
    std::string outside(unsigned uplink, unsigned host) const {
        return (uplink == 0 ? "203.0.113." : "198.51.100.") + number(tenant_ * 64 + host);
    }
    /// What the provider routes to the tenant.
    std::string shared_outside(unsigned host) const { return "192.0.2." + number(tenant_ * 16 + host); }
    std::string outside6(unsigned uplink, unsigned host) const {
        return "2001:db8:" + number(0xf000 / 10 + tenant_ * 16 + uplink) + "::" + number(host);
    }

    std::string untagged(unsigned interface) {
        const std::string name = "t" + number(tenant_) + "i" + number(interface);
        ports_.push_back(name + ": {mtu: 1500}");
        return "untagged: {port: " + name + "}";
    }
    /// One remote endpoint, .21 of the port's subnet.
    std::string tunnel(unsigned interface) {
        const std::string name = "t" + number(tenant_) + "o" + number(interface);
        const std::string subnet = "192.168." + number(tenant_ * 16 + interface) + ".";
        ports_.push_back(name + ": {mtu: " + (random_.percent(50) ? "1600" : "1500") +
                         ", tunnel-endpoint: " + subnet + "10/24, neighbours: {" + subnet +
                         "21: " + mac(tenant_, 100 + interface, 21) + "}}");
        return "vxlan: {port: " + name + ", vni: " + number(5000 + interface) + ", remotes: [" + subnet +
               "21]}";
    }
    std::string attachment(unsigned interface, const std::string& tagged_port) {
        const bool segment = interface < 10;
        if (shape_.tunnels && segment && random_.percent(70)) return tunnel(interface);
        const std::string vid = number(100 + tenant_ * 20 + interface);
        if (!shape_.tags) {
            return untagged(interface);
        }
        switch (random_.weighted({60, 20, 20})) {
            case 0:
                return "vlan: {port: " + tagged_port + ", id: " + vid + "}";
            case 1:
                return "qinq: {port: " + tagged_port + ", outer: " + number(2000 + tenant_) +
                       ", inner: " + number(10 + interface) + "}";
            default:
                return untagged(interface);
        }
    }

    void write_router() {
        static const std::vector<std::string> checks = {"off", "loose", "strict"};
        if (!shape_.source_check) {
            text_ += "router: {urpf: off}\n";
        } else if (random_.percent(30)) {
            text_ += "router: {urpf: " + random_.pick(checks) + "}\n";
        }
    }

    void write_segments() {
        text_ += "segments:\n";
        for (unsigned index = 0; index < segment_count_; ++index) {
            dual_stack_.push_back(shape_.ipv6 && random_.percent(50));
            std::vector<std::string> addresses = {inside(index, 1) + "/24"};
            if (dual_stack_[index]) addresses.push_back(quoted(inside6(index, 1) + "/64"));
            std::vector<std::string> neighbours;
            for (unsigned host = 5; host < 11; ++host) {
                const std::string ether = mac(tenant_, index, host);
                neighbours.push_back(inside(index, host) + ": " + ether);
                if (dual_stack_[index]) neighbours.push_back(quoted(inside6(index, host)) + ": " + ether);
            }
            text_ += "  " + segment(index) + ": {" + attachment(index, "access0") + ", gateway: [" +
                     join(addresses) + "],\n    neighbours: {" + join(neighbours) + "}}\n";
        }
        if (!peer_) return;
        // What the peer can reach must not overlap with its own.
        text_ += "  shared: {" + attachment(9, "access0") + ", gateway: " + shared(tenant_, 1) +
                 "/24,\n    neighbours: {" + shared(tenant_, 5) + ": " + mac(tenant_, 9, 5) + ", " +
                 shared(tenant_, 6) + ": " + mac(tenant_, 9, 6) + "}}\n";
    }

    void write_uplinks() {
        text_ += "uplinks:\n";
        for (unsigned index = 0; index < uplink_count_; ++index) {
            uplink_dual_stack_.push_back(shape_.ipv6 && random_.percent(50));
            std::vector<std::string> addresses = {outside(index, 2) + "/26"};
            if (uplink_dual_stack_[index]) addresses.push_back(quoted(outside6(index, 2) + "/64"));
            std::vector<std::string> neighbours;
            for (const unsigned host : {1u, 3u}) {
                const std::string ether = mac(tenant_, 10 + index, host);
                neighbours.push_back(outside(index, host) + ": " + ether);
                if (uplink_dual_stack_[index]) {
                    neighbours.push_back(quoted(outside6(index, host)) + ": " + ether);
                }
            }
            text_ += "  " + uplink(index) + ": {" + attachment(10 + index, "uplink0") + ", address: [" +
                     join(addresses) + "],\n    neighbours: {" + join(neighbours) + "}}\n";
        }
    }

    void write_routes() {
        std::vector<std::string> routes;
        const auto add = [&](const std::string& to, const std::string& rest) {
            routes.push_back("  - {to: \"" + to + "\", " + rest + "}\n");
        };
        if (provider_ && random_.percent(60)) {
            add("0.0.0.0/0", "via: provider");
        } else if (random_.percent(90)) {
            add("0.0.0.0/0", "via: " + outside(0, 1));
        }
        if (provider_) add("198.19.200.0/24", "via: provider");
        if (uplink_dual_stack_[0] && random_.percent(80)) add("::/0", "via: \"" + outside6(0, 1) + "\"");
        if (uplink_count_ == 2) {
            add("100.64.0.0/10", "via: " + outside(1, 1));
            if (random_.percent(50)) add("198.18.128.0/17", "via: " + outside(1, 3));
            if (uplink_dual_stack_[1]) add("2001:db8:cafe::/48", "via: \"" + outside6(1, 1) + "\"");
        }
        if (random_.percent(60)) add("10.9.0.0/16", "via: " + inside(0, 9));
        if (random_.percent(30)) add("10.9.7.0/24", "blackhole: true");
        if (random_.percent(40)) add("10.66.0.0/16", "blackhole: true");
        if (dual_stack_[0] && random_.percent(40)) add("2001:db8:66::/48", "blackhole: true");
        if (shape_.ecmp && random_.percent(40)) {
            const unsigned at = segment_count_ - 1;
            add("10.20.0.0/16", "via: [" + inside(at, 5) + ", " + inside(at, 6) + ", " + inside(at, 7) + "]");
        }
        if (shape_.ecmp && random_.percent(30)) {
            add("198.19.0.0/16", "via: [" + outside(0, 1) + ", " + outside(0, 3) + "]");
        }
        if (dual_stack_[0] && random_.percent(40)) add("2001:db8:9::/48", "via: \"" + inside6(0, 9) + "\"");
        if (peer_) add("10." + number(30 + *peer_) + ".0.0/24", "tenant: tenant" + number(*peer_));
        if (routes.empty()) return;
        text_ += "routes:\n";
        for (const std::string& route : routes) text_ += route;
    }

    void write_snat(std::vector<std::string>& rules, unsigned uplink_index) {
        const std::string source = random_.percent(70)
                                       ? "10.1.0.0/16"
                                       : "10.1." + number(random_.between(1, segment_count_)) + ".0/24";
        const unsigned first = random_.percent(30) ? 2 : 10;  // 2: the uplink's own address
        const unsigned count = first == 2 ? 1 : static_cast<unsigned>(random_.between(1, 4));
        std::string pool = outside(uplink_index, first);
        if (count > 1) pool += "-" + outside(uplink_index, first + count - 1);
        std::string ports = "1024-65535";
        if (shape_.small_ports && random_.percent(30)) ports = "6000-6003";
        if (shape_.small_ports && random_.percent(20)) ports = "512-40000";
        rules.push_back("  - {snat: " + source + ", out: " + uplink(uplink_index) + ", to: " + pool +
                        ", ports: " + ports + (random_.percent(30) ? ", filter: endpoint-independent" : "") +
                        "}\n");
    }

    void write_nat() {
        std::vector<std::string> rules;
        for (unsigned index = 0; index < uplink_count_; ++index) {
            if (random_.percent(70)) write_snat(rules, index);
            const std::string on = ", on: " + uplink(index);
            unsigned port = 80;
            for (std::uint64_t count = random_.between(0, 3); count != 0; --count, port += 363) {
                const unsigned external =
                    random_.percent(50) ? 2 : static_cast<unsigned>(random_.between(10, 12));
                const unsigned at = static_cast<unsigned>(random_.between(0, segment_count_ - 1));
                const unsigned host = static_cast<unsigned>(random_.between(5, 10));
                const std::string protocol = random_.percent(60) ? "tcp" : "udp";
                std::string to = inside(at, host);
                if (random_.percent(70)) to += ":" + number(8000 + port);
                rules.push_back("  - {dnat: \"" + protocol + " " + outside(index, external) + ":" +
                                number(port) + "\"" + on + ", to: \"" + to + "\"}\n");
            }
            if (random_.percent(25)) {
                const std::string from = random_.percent(50) ? "any" : "10.1.1.0/24";
                const std::string to = random_.percent(30)   ? ""
                                       : random_.percent(50) ? ", to: 198.18.0.0/17"
                                                             : ", to: [10.9.0.0/16, " + outside(index, 1) + "]";
                rules.push_back("  - {exempt: " + from + ", out: " + uplink(index) + to + "}\n");
            }
            for (std::uint64_t count = random_.between(0, 2); count != 0; --count) {
                rules.push_back("  - {one-to-one: " + outside(index, static_cast<unsigned>(20 + count)) +
                                ", inside: " + inside(0, static_cast<unsigned>(6 + index * 2 + count)) + on +
                                "}\n");
            }
        }
        if (provider_ && random_.percent(80)) {
            rules.push_back("  - {snat: 10.1.0.0/16, out: provider, to: " + shared_outside(1) + "-" +
                            shared_outside(2) + "}\n");
            rules.push_back("  - {dnat: \"tcp " + shared_outside(3) + ":80\", on: provider, to: \"" +
                            inside(0, 5) + ":8080\"}\n");
            rules.push_back("  - {one-to-one: " + shared_outside(4) + ", inside: " + inside(0, 6) +
                            ", on: provider}\n");
        }
        if (rules.empty()) write_snat(rules, 0);
        text_ += "nat:\n";
        for (const std::string& rule : rules) text_ += rule;
    }

    std::string side() {
        std::vector<std::string> choices = {"hosts", "lab", "wide", "one", "half", inside(0, 5)};
        if (shape_.ipv6) choices.push_back(quoted("2001:db8:b:1::/64"));
        if (provider_) choices.push_back("provider");
        if (peer_) choices.insert(choices.end(), {"shared", "tenant" + number(*peer_)});
        for (unsigned index = 0; index < segment_count_; ++index) choices.push_back(segment(index));
        for (unsigned index = 0; index < uplink_count_; ++index) choices.push_back(uplink(index));
        const std::size_t kind = random_.weighted({30, 50, 20});
        if (kind == 0) return "any";
        if (kind == 1) return random_.pick(choices);
        const std::string first = random_.pick(choices);
        const std::string second = random_.pick(choices);
        return first == second ? first : "[" + first + ", " + second + "]";
    }

    /// Names, whole protocols, and ranges that end where the numbers do: tables are wrong at edges first.
    std::string service() {
        static const std::vector<std::string> names = {"web", "dns", "inner", "tcp/22", "udp/1000-30000"};
        static const std::vector<std::string> whole = {"tcp", "udp", "tcp/0-65535", "everyone"};
        static const std::vector<std::string> other = {"icmp", "icmp",   "icmpv6",  "ip/47",
                                                       "ping", "icmp/8", "icmp/8/0"};
        static const std::vector<std::string> edges = {"tcp/0",      "tcp/65535",      "udp/65535",
                                                       "tcp/0-1023", "udp/1024-65535", "tcp/80-443",
                                                       "udp/0",      "tcp/256-511"};
        switch (random_.weighted({30, 25, shape_.all_services ? 25u : 0u, 20})) {
            case 0:
                return random_.pick(names);
            case 1:
                return random_.pick(whole);
            case 2:
                return random_.pick(other);
            default:
                return random_.pick(edges);
        }
    }
    std::string services() {
        const std::string first = service();
        if (!random_.percent(30)) return first;
        const std::string second = service();
        return first == second ? first : "[" + first + ", " + second + "]";
    }

    void write_firewall() {
        text_ += "addresses:\n  hosts: [" + inside(0, 5) + "/32, " + inside(0, 8) + "/31, 198.18.0.0/24" +
                 (shape_.ipv6 ? std::string(", \"2001:db8:b:1::4/126\"") : "") + "]\n";
        text_ += "  lab: [10.1.2.0/24, 10.9.0.0/16, 198.18.128.0/17" +
                 (shape_.ipv6 ? std::string(", \"2001:db8:b:2::/64\", \"2001:db8:cafe::/48\"") : "") + "]\n";
        text_ += "  one: [" + inside(0, 6) + (shape_.ipv6 ? ", " + quoted(inside6(0, 6)) : "") + "]\n";
        text_ += std::string("  wide: [10.0.0.0/8, 203.0.113.0/24") +
                 (shape_.ipv6 ? ", \"2001:db8::/32\"" : "") + "]\n";
        text_ += std::string("  half: [0.0.0.0/1") + (shape_.ipv6 ? ", \"8000::/1\"" : "") + "]\n";
        text_ +=
            "services:\n  web: [tcp/80, tcp/443]\n  inner: [tcp/8000-8999, udp/8080]\n  dns: [udp/53, "
            "tcp/53]\n  everyone: [tcp, udp]\n";
        if (shape_.all_services) text_ += "  ping: [icmp/8, icmpv6/128]\n";
        static const std::vector<std::string> defaults = {"", "  default: drop\n", "  default: allow\n",
                                                          "  default: reject\n"};
        static const std::vector<std::string> actions = {"allow", "allow", "allow", "drop", "reject"};
        text_ += "firewall:\n" + random_.pick(defaults) + "  rules:\n";
        // What most people write, so that much of the traffic goes through.
        if (random_.percent(40)) text_ += "    - {name: out, from: any, to: up0, action: allow}\n";
        if (random_.percent(30)) text_ += "    - {name: in, from: up0, to: any, service: web, action: allow}\n";
        const std::uint64_t count = random_.between(1, 8);
        for (std::uint64_t index = 0; index < count; ++index) {
            const std::string from = side();  // one draw a statement: operands have no order
            const std::string to = side();
            text_ += "    - {name: rule" + number(index) + ", from: " + from + ", to: " + to;
            if (random_.percent(65)) text_ += ", service: " + services();
            text_ += ", action: " + random_.pick(actions) + "}\n";
        }
    }

    Random& random_;
    const PolicyShape& shape_;
    unsigned tenant_;
    std::optional<unsigned> peer_;
    bool provider_;
    unsigned segment_count_ = 0, uplink_count_ = 0;
    std::vector<bool> dual_stack_, uplink_dual_stack_;
    std::vector<std::string> ports_;
    std::string text_;
};

/// Between the tenants and an uplink of its own, where 198.51.101.1 leads on.
std::string provider_text(Random& random, const PolicyShape& shape, std::size_t tenants) {
    std::string text = "provider:\n";
    if (random.percent(50)) text += "  router: {transit: {subnet: 169.254.0.0/28}}\n";
    text +=
        "  uplinks:\n    shared: {vlan: {port: uplink0, id: 4000}, address: 198.51.101.2/24, neighbours: "
        "{198.51.101.1: \"02:99:00:00:00:01\"}";
    static const std::vector<std::string> checks = {"", ", urpf: loose", ", urpf: strict"};
    if (shape.source_check) text += random.pick(checks);
    text += "}\n  links: {";
    std::string routes = "    - {to: 0.0.0.0/0, via: 198.51.101.1}\n";
    for (std::size_t tenant = 0; tenant < tenants; ++tenant) {
        const std::string name = "tenant" + number(tenant);
        text += (tenant == 0 ? "" : ", ") + name + ": 100.127.0." + number(tenant * 2) + "/31";
        routes += "    - {to: 192.0.2." + number(tenant * 16) + "/28, tenant: " + name + "}\n";
    }
    return text + "}\n  routes:\n" + routes;
}

}  // namespace

PolicyText random_policy(std::uint64_t seed, const PolicyShape& shape) {
    Random random(seed);
    PolicyText files;
    std::vector<std::string> tenants, ports;
    const std::uint64_t count = random.between(1, shape.most_tenants);
    const bool peers = count > 1 && shape.peers && random.percent(40);
    const bool provider = shape.provider && shape.tags && random.percent(40);
    for (unsigned tenant = 0; tenant < count; ++tenant) {
        const bool linked = peers && tenant < 2;
        TenantWriter writer(random, shape, tenant, linked ? std::optional(1 - tenant) : std::nullopt, provider);
        const std::string name = "tenants/tenant" + number(tenant) + ".yaml";
        files[name] = writer.write();
        tenants.push_back(name);
        ports.insert(ports.end(), writer.ports().begin(), writer.ports().end());
    }
    std::string text = "gateway: edge\nmac: 02:00:5e:00:01:01\n";
    if (shape.per_stage_ttl && random.percent(50)) text += "ttl: per-stage\n";
    text += "ports:\n";
    if (shape.tags) {
        text += "  access0: {mtu: 1500}\n";
        text += std::string("  uplink0: {mtu: ") + (shape.small_mtu && random.percent(40) ? "1400" : "1500") +
                "}\n";
    }
    for (const std::string& port : ports) text += "  " + port + "\n";
    if (provider) text += provider_text(random, shape, count);
    text += "tenants: [" + join(tenants) + "]\n";
    files["gateway.yaml"] = text;
    return files;
}

}  // namespace sluice::test
