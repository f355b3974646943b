// SPDX-License-Identifier: Apache-2.0
//
// What a stage is: one function that looks at one packet, at the image and at this shard's state, changes none
// of them, and appends what it looked up and decided to the trace. Effects (sessions, ports, neighbours,
// counters, packets of our own) belong to the shard, which carries them out from the finished trace. So a stage
// runs the same in a unit test, in a fuzzer, in `sluicec test` and on the wire, and a dry run costs nothing to
// write.
//
// Owner shard only. No allocation, no lock, no log.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "runtime/cache/program.h"
#include "runtime/image/image.h"
#include "runtime/packet/build.h"
#include "runtime/packet/parse.h"
#include "runtime/packet/view.h"
#include "runtime/state/link_states.h"
#include "runtime/state/nat_table.h"
#include "runtime/state/reasons.h"
#include "runtime/state/session_table.h"

namespace sluice {

enum class StageId : std::uint8_t {
    ip_admission,
    source_check,
    fragments,
    session,
    destination_nat,
    local,
    route,
    ttl,
    firewall,
    source_nat,
    egress,
};
std::string_view name_of(StageId stage);

/// The part of a router that speaks in drop counters: "TENANT.sr", "TENANT.dr".
enum class Element : std::uint8_t { service_router, distributed_router };

/// How a packet's way through the pipeline ends.
enum class Fate : std::uint8_t {
    forward,      // leaves by the last hop's out_interface
    drop,         // for trace.reason; with trace.error its source is told
    reject,       // dropped by a rule that says so aloud: a RST for TCP, ICMP otherwise
    reassemble,   // a fragment that must wait for its datagram
    echo,         // an echo request to an address of ours
    no_session,   // the last hop's session is not one any more: it ends, and the packet begins anew
    unreachable,  // something else to an address of ours from inside: a RST or port unreachable; consumed
};

constexpr std::uint32_t no_stage_row = 0xffffffff;
/// What rewrote an end of a packet, in one number: a row of DNAT or of SNAT rules, or with one of these bits a
/// one-to-one rule, or the external address whose dynamic mapping it went through.
constexpr std::uint32_t one_to_one_bit = 0x80000000;
constexpr std::uint32_t mapping_bit = 0x40000000;
constexpr std::uint32_t exempt_bit = 0x20000000;  // in records only: an exemption's row, which rewrites nothing
constexpr bool is_exemption(std::uint32_t rule) {
    return (rule & (one_to_one_bit | mapping_bit | exempt_bit)) == exempt_bit;
}

/// What one stage did, for `explain` and `trace`.
struct Record {
    StageId stage{};
    std::uint16_t tenant = 0;
    std::uint32_t row = no_stage_row;  // what its look-up returned: adjacency, rule, NAT rule, session, mapping
};

/// Addresses and ports as they stand at some point of the path (ports as in IpView).
struct Endpoints {
    Ip source, destination;
    std::uint16_t source_port = 0, destination_port = 0;
    Family family = Family::v4;

    static Endpoints of(const IpView& ip) {
        return {ip.source, ip.destination, ip.source_port, ip.destination_port, ip.family};
    }
    static Endpoints of(const Tuple& tuple) {
        return {tuple.source, tuple.destination, tuple.source_port, tuple.destination_port, tuple.family};
    }
    Tuple tuple(std::uint16_t scope, std::uint8_t protocol) const {
        return {source, destination, source_port, destination_port, scope, protocol, family};
    }
    friend bool operator==(const Endpoints&, const Endpoints&) = default;
};

/// One router on the path: where the packet entered and left it, and what is to be done there when the packet
/// leaves the last one.
struct Hop {
    static constexpr std::uint16_t no_interface = 0xffff;

    std::uint16_t tenant = 0;  // its slot; interfaces are positions: a hop does not outlive its burst
    std::uint16_t in_interface = 0;
    std::uint16_t out_interface = 0;
    Endpoints entering;  // what the packet carries when it comes
    std::uint16_t hairpin_interface =
        no_interface;  // the uplink whose external address an inside packet was sent to
    std::uint8_t ttl_cost = 0;
    bool stateful = false;
    bool routed_already = false;  // by a distributed part elsewhere: it entered by the transit
    bool opens_session = false;
    bool judged = false;  // the session, again, under this image
    Direction direction = Direction::forward;
    SessionRef session;                 // found, or made at commit
    Tuple forward, reverse;             // of the session to open
    std::uint32_t rule = default_rule;  // the slot of the one that decided, the firewall's default otherwise
    std::uint32_t destination_rule = no_stage_row;
    std::uint32_t source_rule = no_stage_row;
    std::uint32_t adjacency = 0;  // of a group: the member
    Ip next_hop;
    std::uint32_t joined_mapping = no_mapping;  // inbound through a dynamic mapping
    std::optional<NatTable::Choice> choice;     // outbound through one
    InsideEndpoint inside;
    Ip joined_remote, choice_remote;  // whom the filters of those mappings are to admit
};

struct Trace {
    Fate fate = Fate::drop;
    DropReason reason{};
    Element element = Element::service_router;  // of the last hop: who speaks
    std::uint16_t speaks_on = 0;                // the interface of the last hop by which it got the packet
    std::optional<IcmpError> error;             // to be told to the source (C3 permitting)
    bool denied_by_firewall = false;            // by the last hop's rule
    std::uint8_t hop_count = 0;
    std::uint8_t record_count = 0;
    std::uint8_t ttl_cost = 0;
    std::uint16_t mtu = 0xffff;
    std::uint32_t no_cache = 0;  // bit = NoCacheReason
    InterfaceRef ingress;
    Endpoints leaving;                   // what the packet carries when it leaves
    std::optional<QuotedPacket> quoted;  // of an ICMP error that a service router translated
    Endpoints quoted_leaving;            // what the quoted packet carries when it leaves
    std::uint8_t quoted_protocol = 0;    // in the family of those
    std::array<Hop, most_routers> hops;
    std::array<Record, 48> records;

    /// As new. Only what is counted is cleared: hops when a router is entered.
    void restart(InterfaceRef from) {
        fate = Fate::drop;
        error.reset();
        denied_by_firewall = false;
        hop_count = record_count = ttl_cost = 0;
        mtu = 0xffff;
        no_cache = 0;
        ingress = from;
        quoted.reset();
    }
    const Hop& last_hop() const { return hops[hop_count - 1u]; }
    void forbid_cache(NoCacheReason why) { no_cache |= 1u << static_cast<unsigned>(why); }
};

/// The state that stages may read.
struct StageTables {
    const SessionTable& sessions;
    const NatTable& nat;
    const HashKey& key;
    const LinkStates& links;
};

class RuleMemo;

struct StageContext {
    const Image& image;
    const StageTables& tables;
    const PacketView& packet;
    std::uint32_t longest_packet;  // total length of the packet, or of the longest fragment of its datagram
    bool whole;                    // not a fragment, or all fragments are here
    Trace& trace;
    RuleMemo* memo = nullptr;     // before the classifier
    bool session_absent = false;  // in the router the packet is in: known before
    std::uint32_t way_back =
        0;  // the adjacency of the packet's source in the first router: once it is admitted
    const TenantView* tenant = nullptr;
    Hop* hop = nullptr;
    Endpoints at_entry;  // of the router the packet is in
    Endpoints current;   // as translated so far
    /// What the packet is since a router made it one of the other family (NAT64).
    std::optional<IpView> across = std::nullopt;
    const IpView* view = &packet.ip;  // what it is now; so the context stays where it is
    // Between destination and source NAT of the router that does that:
    std::uint32_t nat64 = 0;         // 1 + the prefix behind which an IPv4 end is known to the IPv6 one
    std::uint32_t source_nat64 = 0;  // of an IPv6 sender: by which its rule is looked for
    Family destination_family = {};  // of current.destination

    const IpView& ip() const { return *view; }
    bool from_outside() const { return !is_inside(tenant->interfaces[hop->in_interface].kind()); }
    /// True where this router must decide about the packet itself: it is stateful and no session has decided
    /// already.
    bool decides() const { return hop->stateful && !hop->session && packet.ip.l4_kind != L4Kind::icmp_error; }
};

/// How a stage hands on.
enum class Exit : std::uint8_t {
    next,  // the next stage
    done,  // the trace says how it ends
    peer,  // on into another tenant's router
};

// ---- for the stages ----
/// `interface` is a position. False: the path is too long.
bool enter_router(StageContext& context, std::uint16_t tenant, std::uint16_t interface);
void record(StageContext& context, StageId stage, std::uint32_t row = no_stage_row);
/// Counted for the tenant's service router, or its distributed router where it has no other.
Exit drop(StageContext& context, DropReason reason, std::optional<IcmpError> error = std::nullopt);
/// For want of what a session takes. Its sender is told (RFC 5508 REQ-8, RFC 6888 REQ-11), but not a stranger.
Exit refuse_session(StageContext& context, DropReason reason);
/// Whether the packet's sender is one of the hosts behind the first router, whatever routers it came through.
bool comes_from_inside(const Image& image, const Trace& trace);

// ---- the stages, in order (one file each) ----
Exit admit_ip(StageContext& context);
Exit check_source(StageContext& context);
Exit await_fragments(StageContext& context);
Exit find_session(StageContext& context);
Exit translate_destination(StageContext& context);
Exit deliver_locally(StageContext& context);
Exit find_route(StageContext& context);
Exit check_ttl(StageContext& context);
Exit apply_firewall(StageContext& context);
Exit translate_source(StageContext& context);
Exit choose_egress(StageContext& context);

/// Runs a packet that entered by `ingress`, which the image has, through all stages. `packets` is one packet,
/// or the whole datagram in offset order when its fragments are together (`whole`). Changes nothing but the
/// trace, of which nothing is kept.
void run_pipeline(const Image& image, const StageTables& tables, std::span<const PacketView> packets,
                  bool whole, InterfaceRef ingress, Trace& trace);

}  // namespace sluice
