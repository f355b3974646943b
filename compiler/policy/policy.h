// SPDX-License-Identifier: Apache-2.0
//
// The policy after checking: every name resolved to an index, every value in its range, every cross-reference
// valid. `front` reads text into a syntax tree, `sema` checks that tree and makes this, `lower` turns this into
// tables. Plain data; whoever holds it may read it from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "schemas/layout/address.h"

namespace sluice::policy {

/// Where something stands in the policy's text; line and column count from 1, line 0 means nowhere.
struct Position {
    std::uint32_t file = 0;  // index into Policy::files
    std::uint32_t line = 0;
    std::uint32_t column = 0;
};

constexpr std::uint16_t no_index = 0xffff;

enum class TtlMode : std::uint8_t { per_router, per_stage };

/// transit: between a router's distributed and its service part. attachment: of a segment with tunnels, one
/// more port or VLAN.
enum class InterfaceKind : std::uint8_t { segment, uplink, peer, transit, attachment };
enum class Encapsulation : std::uint8_t { none, vxlan, geneve };
enum class SourceCheck : std::uint8_t { off, loose, strict };  // unicast reverse path forwarding (RFC 3704)

struct InterfaceAddress {
    Prefix subnet;  // host bits clear
    Ip own;         // the gateway's address in it
};

struct StaticNeighbour {
    IpAndFamily ip;
    Mac mac;
    std::optional<Ip> remote = std::nullopt;  // the tunnel endpoint that it is behind
};

/// A MAC of a segment with tunnels, and the tunnel endpoint that it is behind.
struct Station {
    Mac mac;
    Ip remote;
};

/// Where tunnels over a port end here. Of length 0: every other endpoint is a neighbour on the port.
struct TunnelEndpoint {
    InterfaceAddress address;
    std::optional<Ip> gateway = std::nullopt;  // for endpoints outside that subnet
    std::vector<StaticNeighbour> neighbours = {};

    Family family() const { return address.subnet.family; }
};

struct Port {
    std::string name;
    std::uint16_t mtu = 1500;                           // IP MTU of the port
    std::vector<TunnelEndpoint> tunnel_endpoints = {};  // at most one of each family
    std::uint16_t underlay = no_index;                  // the tenant that they belong to; its only interface
    Position where = {};

    const TunnelEndpoint* tunnel_endpoint(Family family) const {
        for (const TunnelEndpoint& endpoint : tunnel_endpoints) {
            if (endpoint.family() == family) return &endpoint;
        }
        return nullptr;
    }
};

/// A segment, an uplink, the near end of a link to another tenant, or the transit between the router's parts:
/// an interface of this tenant's router and a zone of its firewall. A tenant's interfaces are its segments,
/// then its uplinks, then its peers, each in file order, then its transit, then its segments' attachments,
/// which are no zones.
struct Interface {
    std::string name;
    InterfaceKind kind = InterfaceKind::segment;
    std::uint16_t port = no_index;    // index into Policy::ports; no_index where no frames enter
    std::vector<std::uint16_t> vids;  // none: untagged; one: 802.1Q; two: QinQ, outer first
    Mac mac;
    std::uint16_t mtu = 1500;
    SourceCheck source_check = SourceCheck::off;
    std::vector<InterfaceAddress> addresses;  // of a transit, by family: the service part's, the distributed's
    std::vector<StaticNeighbour> neighbours;
    Encapsulation encapsulation = Encapsulation::none;
    std::uint32_t vni = 0;
    Family outer_family = Family::v4;         // of the tunnels, where there are any
    std::vector<Ip> remotes;                  // the other tunnel endpoints; ascending, none twice
    std::vector<Station> stations;            // ascending by MAC
    bool drops_unknown = false;               // frames for stations that nobody knows are not flooded
    std::uint16_t segment = no_index;         // attachment only: the interface that it belongs to
    std::uint16_t peer_tenant = no_index;     // peer only: index into Policy::tenants
    std::uint16_t peer_interface = no_index;  // peer only: the other end, an interface of that tenant
    Position where;
};

struct NextHop {
    std::uint16_t interface = no_index;
    std::optional<Ip> gateway;  // absent: over a peer interface
};

struct Route {
    Prefix to;
    bool blackhole = false;
    std::vector<NextHop> next_hops;  // more than one: ECMP; gateways only
    Position where;
};

struct PortRange {
    std::uint16_t low = 0;
    std::uint16_t high = 65535;
};

struct Snat {
    std::vector<Prefix> sources;
    std::uint16_t out = no_index;  // interface
    Family family = Family::v4;    // of the sources
    std::vector<Ip> pool;          // in order, none twice
    PortRange ports{1024, 65535};
    std::uint16_t block_size = 0;   // ports that a host gets at once, a power of two; 0: one by one
    std::uint16_t most_blocks = 0;  // a host has at a time; at least 1 where there are blocks
    bool any_remote = false;        // whoever sends to a mapping is let in, not only whom it was used towards
    std::optional<Prefix> nat64;    // IPv6 sources towards it leave as IPv4, by an IPv4 pool (RFC 6146)
    Position where;

    Family pool_family() const { return nat64 ? Family::v4 : family; }
};

struct Dnat {
    std::uint8_t protocol = 0;  // 0: any
    Ip external;
    Family family = Family::v4;
    std::optional<PortRange> ports;  // absent: every port
    std::uint16_t on = no_index;     // interface
    Ip to;
    std::optional<std::uint16_t> to_port;  // the first of ports maps to it, and so on; absent: port kept
    Position where;
};

struct OneToOne {
    Ip external;
    Ip inside;
    Family family = Family::v4;
    std::uint16_t on = no_index;
    Position where;
};

/// What leaves by an interface with its own source, whatever other rules say.
struct Exemption {
    std::vector<Prefix> sources;
    std::optional<std::vector<Prefix>> destinations = std::nullopt;  // absent: any
    Family family = Family::v4;
    std::uint16_t out = no_index;  // interface
    Position where = {};
};

/// A named or literal set of addresses that a firewall rule reads.
struct AddressSet {
    std::string name;  // a literal's own text where it has no name
    std::vector<Prefix> prefixes;
};

struct Service {
    std::uint8_t protocol = 0;
    std::uint8_t family = 0;  // 0: both; ICMP is 4, ICMPv6 is 6
    std::uint16_t low = 0;    // destination ports, or ICMP type << 8 | code
    std::uint16_t high = 65535;
};

enum class Action : std::uint8_t { allow, drop, reject };

/// One side of a rule: any address, or the union of zones and address sets.
struct Side {
    bool any = false;
    std::vector<std::uint16_t> zones;  // interfaces
    std::vector<std::uint32_t> sets;   // into Tenant::sets
};

struct Rule {
    std::string name;
    Side from;
    Side to;
    std::vector<Service> services;  // none: any
    Action action = Action::drop;
    bool log = false;
    Position where;
};

struct Firewall {
    Action from_uplink = Action::drop;  // for what no rule matches, by where it entered (an uplink or a peer)
    Action otherwise = Action::allow;
    bool keeps_denied_sessions = false;  // those a later policy would not let begin
    bool drops_implausible = false;      // TCP segments that open, end or reset with a sequence far off
    std::vector<Rule> rules;
};

enum class Expectation : std::uint8_t { allow, drop, reject };

/// A line under `tests:`; the packet's text was checked by sema and is parsed again where it is run
/// (analyze/assertion.h).
struct Assertion {
    std::string name;
    std::string packet;
    std::uint16_t on = no_index;  // interface
    Expectation expect = Expectation::allow;
    std::optional<std::string> rule;
    std::optional<std::string> becomes;
    Position where;
};

/// Somebody else's address that the router answers for.
struct ProxiedAddress {
    std::uint16_t interface = no_index;
    IpAndFamily ip;
};

/// Seconds without a packet after which a session ends; absent: the runtime's own.
struct IdleTimes {
    std::optional<std::uint32_t> udp, dns, icmp, tcp_opening, tcp_established, tcp_closing, other;
};

struct Tenant {
    std::string name;
    std::string file;  // as gateway.yaml names it
    std::vector<Interface> interfaces;
    std::vector<Route> routes;  // without the connected ones, which `interfaces` implies
    std::vector<Snat> snat;
    std::vector<Dnat> dnat;
    std::vector<OneToOne> one_to_one;
    std::vector<Exemption> exemptions;
    std::vector<AddressSet> sets;
    std::optional<Firewall> firewall;
    std::vector<Assertion> assertions;
    std::optional<std::uint32_t> most_sessions, new_sessions_a_second;            // at least 1
    std::optional<std::uint32_t> packets_a_second, slow_path_a_second;            // the same
    std::optional<std::uint32_t> most_host_sessions, new_host_sessions_a_second;  // of one inside host
    std::optional<std::uint32_t> most_host_half_open;                             // towards one host
    IdleTimes idle_times;
    std::vector<ProxiedAddress> proxied;  // besides its own NAT rules' addresses
    std::optional<TtlMode> ttl;           // of this router; else the gateway's
    bool is_provider = false;             // its uplinks are on its service part, which keeps no state

    bool has_service_router() const {
        return firewall.has_value() || !snat.empty() || !dnat.empty() || !one_to_one.empty();
    }
};

struct Policy {
    std::string gateway;
    TtlMode ttl = TtlMode::per_router;
    std::vector<Port> ports;
    std::vector<Tenant> tenants;
    std::vector<std::string> files;  // paths as the user would write them, gateway.yaml first
};

}  // namespace sluice::policy
