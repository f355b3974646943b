// SPDX-License-Identifier: Apache-2.0
//
// The inside of a shard, for the files of this folder only:
//   burst.cpp      the three passes                   glance.h       the first look at a frame
//   foresee.cpp    new flows from the first look      start.cpp      and in their turn
//   layer2.cpp     from a frame to an interface; ARP and ND
//   fast_path.cpp  flows that need more than a glance trace_path.cpp new flows by the trace cache
//   slow_path.cpp  the pipeline and its fates         commit.cpp     sessions: open, update, end
//   limits.cpp     how many of them                   police.cpp     how many packets
//   execute.cpp    a plan carried out on a packet     originate.cpp  packets of our own
//   shard.cpp      timers, and for people             rule_ledger.h  packets and bytes by rule
//   tunnels.cpp    out of tunnels and into them     bridge.cpp     between the stations of a segment
//   stations.cpp   what people say of them
//   activate.cpp   another image                      sweep.cpp      what refers to the vanished
//   save.cpp       for the next process               resume.cpp     from the one before
#pragma once

#include <span>
#include <vector>

#include "runtime/cache/program_store.h"
#include "runtime/cache/rule_memo.h"
#include "runtime/cache/trace_cache.h"
#include "runtime/shard/glance.h"
#include "runtime/shard/icmp_limiter.h"
#include "runtime/shard/ingress_table.h"
#include "runtime/shard/ip_id.h"
#include "runtime/shard/rule_ledger.h"
#include "runtime/shard/shard.h"
#include "runtime/stages/stage.h"
#include "runtime/state/fragment_table.h"
#include "runtime/state/host_table.h"
#include "runtime/state/nat_table.h"
#include "runtime/state/rate_meter.h"
#include "runtime/state/slot_changes.h"
#include "runtime/state/station_table.h"
#include "runtime/state/tunnel_table.h"
#include "schemas/layout/image_types.h"

namespace sluice {

/// What going over to an image takes, all of it allocated.
struct ShardActivation {
    const Image* next;
    SlotChanges changes;
    Counters counters;
    RuleLedger ledger;
    IngressTable ingresses;
    std::vector<IcmpLimiter> icmp_limiters;
    std::vector<TenantMeters> meters;
    std::unique_ptr<HostTable> hosts;  // null: the one that is there stays, if any
    std::vector<SessionTimeouts> idle_times;
    std::unique_ptr<NatTable::Change> nat;
    std::vector<HeldPacket> judged_again;
};

/// A frame between the passes of a burst: what looking at it told, nothing done yet.
struct Arrival {
    PacketView packet;
    InterfaceRef ingress;
    std::uint16_t ingress_number = no_ingress;
    enum class Kind : std::uint8_t { dropped, arp, ip } kind = Kind::dropped;
    DropReason reason{};  // of what is dropped at sight, and who says so
    Component component = 0;
    bool probe = false;        // IP of a kind that the flow table may know
    bool absent = false;       // and does not
    bool behind_link = false;  // its session is in the router that a link leads to
    FlowProbe flow;
    std::uint32_t stale = no_flow;  // the entry that knew it under an older image
    Ip remote;                      // the tunnel endpoint that it came from
    bool switched = false;          // not for the router alone: for other stations of the segment
    bool flooded = false;           // the others have copies; this is the router's
    bool trace_known = false;
};

/// Kinds of packets whose way depends on nothing but look-ups.
inline bool depends_on_look_ups_alone(const IpView& ip) {
    return !ip.fragment && !ip.has_options && ip.l4_kind != L4Kind::icmp_error &&
           ip.l4_kind != L4Kind::icmp_other;
}

/// What became of a packet that might begin a flow.
struct Started {
    std::uint32_t entry = no_flow;  // opened, with a program: the packet is still to be carried out
    bool is_over = false;           // dropped
};

/// A session that is to end, and where the indexes have it.
struct Ending {
    SessionRef session;
    std::uint32_t mapping;  // no_mapping: none
    SessionTable::Removal tuples;
    NatTable::Removal endpoints;  // of the mapping
};

using Glances = std::array<Glance, most_burst_frames>;

struct Shard::State final : NeighbourActions {
    State(const Image& image_, const ShardSettings& settings_, FrameAllocator& allocator_);

    const Image* image;
    ShardSettings settings;
    FrameAllocator& allocator;
    HashKey key;
    Counters counters;
    std::uint64_t given_back = 0;  // frames that release_held() gave back; they still count as held
    SessionTable sessions;
    NatTable nat;
    FragmentTable fragments;
    TunnelTable tunnels;
    NeighbourTable neighbours;
    StationTable stations;
    LinkStates link_states;
    ProgramStore programs;
    TraceCache traces;
    RuleMemo memo;
    std::array<std::uint8_t, tenant_places> unusual{};  // of late, packets that no looked-up path could serve
    Trace trace;                                        // of the packet in hand
    IngressTable ingresses;
    RuleLedger ledger;
    IpIds ip_ids;
    std::vector<IcmpLimiter> icmp_limiters;   // by component
    std::vector<TenantMeters> meters;         // by tenant
    std::unique_ptr<HostTable> hosts;         // null while no image has had limits for hosts
    std::vector<SessionTimeouts> idle_times;  // by tenant; empty: the settings' for all
    std::vector<HeldPacket> judged_again;     // room for what settle_in() takes out
    std::uint32_t settled = 0;                // the generation that settle_in() was last done for
    std::uint32_t forgotten = 0;              // nothing refers to what vanished in this generation or earlier
    std::uint32_t sweep_cursor = 0;           // where the next slice of sweeping starts
    std::uint32_t sweep_until = 0;            // the generation that this sweep is for; 0: none
    std::array<Arrival, most_burst_frames> arrivals;
    std::array<Frame, most_burst_frames> opened;  // those that came through tunnels, without them
    Starts starts;                                // of the burst
    Time now = 0;
    std::uint32_t fold_cursor = 0;  // where the next slice of folding starts
    Output* output = nullptr;       // of the call in progress

    // layer2.cpp
    /// Fills the arrival and changes nothing.
    void look_at(const Frame& frame, Arrival& arrival) const;
    /// Of a frame whose layer 2 is known, which enters by this ingress.
    void look_behind_layer2(std::uint16_t number, Arrival& arrival) const;
    /// Carries out what look_at() saw.
    void receive(Arrival& arrival);
    void receive_arp(const Arrival& arrival);
    bool receive_neighbour_message(const Arrival& arrival);

    // tunnels.cpp
    /// Of a packet for a tunnel endpoint: what is inside takes its place.
    void look_into_tunnel(Arrival& arrival) const;
    /// The tunnel back; no_tunnel where it came through none.
    std::uint32_t tunnel_of(const Arrival& arrival);
    /// The one that a static neighbour is behind.
    std::uint32_t tunnel_of(const TenantView& tenant, const image::StaticNeighbour& row);
    /// Of an interface (a position), by number; makes room by forgetting those that the image does not have.
    /// no_tunnel: there is none.
    std::uint32_t tunnel_to(const TenantView& tenant, std::uint16_t position, Ip remote);
    void forget_tunnels();
    void add_static_neighbours(const TenantView& tenant);
    /// A complete frame: out of the port, or the station's way, or all ways of the segment.
    void send_frame(const Frame& frame, const Program& program, std::uint32_t way);
    void send_through(std::uint32_t tunnel, Frame frame, const Program& program);

    // bridge.cpp
    /// False: the router is to have a look at it as well.
    bool switch_frame(Arrival& arrival);
    /// The router has no use for it.
    void leave_to_others(const Arrival& arrival, Component component, DropReason reason);
    void learn_station(const Arrival& arrival);
    /// Where what somebody said has a station, or the policy; `otherwise` where nobody has.
    std::uint32_t told_way(InterfaceRef segment, Mac mac, std::uint32_t otherwise);
    /// Whether the segment still has it, under an image that came later.
    bool has_way(InterfaceRef segment, std::uint32_t way) const;
    void forget_stations();
    /// To all ways of the segment but the one it came by, and to no tunnel if that is one: how many. The last
    /// one gets the frame itself unless it is to be kept.
    std::uint32_t flood(const Frame& frame, const Program& program, std::uint32_t from, bool keep);
    void send_by(std::uint32_t way, const Frame& frame, const Program& program);
    void send_attached(InterfaceRef attachment, Frame frame);

    // burst.cpp
    void process_burst(std::span<const Frame> frames);
    /// `served`: the frames as their packets are to be carried out: those from tunnels without what was around
    /// them.
    bool look_up(std::span<const Frame> frames, Glances& glances, const Frame*& served);
    /// What a glance could not tell.
    /// Marks what its tenant's limit of packets refuses as dropped.
    void police(std::span<const Frame> frames, Glances& glances);
    /// Whether the tenant's limit lets one more packet run the stages; counts it.
    bool may_take_slow_path(std::uint16_t tenant);
    void look_behind_links(std::size_t count, Glances& glances) const;
    void look_at_length(const Frame& frame, std::size_t place, Glance& glance);
    void take_longer_way(const Frame& frame, std::size_t place, const Glance& glance, bool known);

    // foresee.cpp
    /// Of packets that no flow is known of: all that can be known before their turn comes.
    void prepare_starts(std::size_t count, Glances& glances);
    class Foresight;

    // start.cpp
    void judge_start(Start& start, std::uint8_t protocol);
    /// In a packet's turn, when still no flow is known of it: opens it, or drops what is denied.
    Started start(const Frame& frame, const Glance& glance, Start& start);
    void count_start(const Start& start, std::uint16_t ingress);
    std::optional<DropReason> limit_of_start(const Glance& glance, const Start& start) const;
    std::uint32_t ready_neighbour(const Glance& glance, const Start& start);  // no_neighbour: none
    std::uint32_t open(const Glance& glance, Start& start);                   // the new entry; no_flow: none

    // fast_path.cpp
    bool serve_from_cache(Arrival& arrival);
    bool serve(Arrival& arrival, std::uint32_t at);
    /// Whether a program of the given epoch would be made the same today: the sections of all routers on its
    /// path are what they were.
    bool path_stands(const Program& program, std::uint32_t epoch) const;
    Translation translation_of(std::uint32_t at, const Program& program, const IpView& packet) const;
    /// The path's sessions; the first one's entry gets the program.
    void install(const Plan& plan, std::uint32_t program, const Arrival& arrival);
    bool chain(std::uint32_t head, std::uint32_t first);
    std::uint32_t stateless_entry(const Arrival& arrival);
    void clear_program(std::uint32_t at);
    void clear_programs(SessionRef session);  // all that lead through it

    // slow_path.cpp
    void run_slow_path(Arrival& arrival);
    /// One packet, or a datagram's fragments in offset order (`whole`).
    void judge(std::span<PacketView> packets, bool whole, Arrival& arrival);
    /// What `trace` says; `program` where it is known already.
    void forward(std::span<PacketView> packets, Arrival& arrival, std::uint32_t program = no_program);
    /// Where the other family needs more room than the frame has: false, and nothing is changed.
    bool translate_error(std::span<PacketView> packets, const Plan& plan);
    void refuse(const PacketView& packet, InterfaceRef ingress, Component component, IcmpError error);
    void add_fragment(Arrival& arrival, Component component);
    void note_sessions(Plan& plan) const;
    void count_uncacheable(std::uint32_t no_cache);
    void count_denied(std::span<const PacketView> packets);
    void log_decision(const Hop& hop, const Tuple& packet);

    // trace_path.cpp
    /// Whether looking up paths of this tenant's packets has been worth it lately.
    bool is_usual(std::uint16_t tenant) const;
    /// False: the pipeline must judge it.
    bool serve_by_trace(Arrival& arrival);
    void remember(const TraceKey& trace_key, std::uint32_t program);

    // commit.cpp
    /// All sessions of the path together, or none: then the reason.
    std::optional<DropReason> commit(std::span<const PacketView> packets);
    std::optional<DropReason> open(Hop& hop, bool alone, const IpView& first, std::uint32_t epoch);
    /// What a session was told when it was judged again.
    void take_judgement(const Hop& hop, std::uint32_t epoch);
    void update_session(const Hop& hop, std::span<const PacketView> packets);
    void release_mappings(const Ending& ending, bool was_used = true);
    void end_session(SessionRef session) { end_session(ending_of(session)); }
    void end_session(const Ending& ending);
    Ending ending_of(SessionRef session) const;
    void settle(SessionRef session);
    void undo(std::uint32_t hops);
    /// Of sessions whose timers fired: ends those that are due, schedules the others anew.
    void session_timers(std::span<const std::uint32_t> fired);
    bool is_due(std::uint32_t deadline) const;
    std::uint32_t deadline_tick(SessionRef session) const;
    std::uint32_t seen_tick() const;  // of now, as last_seen counts: the first tick that is not before it

    // limits.cpp
    /// Why the tenant, or the host inside that is to open it, may not begin one more session now.
    std::optional<DropReason> limit_of_sessions(const TenantView& tenant, const Tuple& forward,
                                                bool from_inside) const;
    /// Whether one more connection to its receiver may be half open.
    bool may_be_half_open(const TenantView& tenant, const Tuple& reverse) const;
    void count_session(const TenantView& tenant, SessionRef session, bool from_inside);
    void count_half_open(const TenantView& tenant, SessionRef session);
    void uncount_half_open(SessionRef session);
    void uncount_session(SessionRef session);
    /// One that an earlier process opened: it uses no rate.
    void recount_session(SessionRef session);
    /// A table for an image that needs one, where there is none yet.
    std::unique_ptr<HostTable> hosts_for(const Image& next) const;
    /// By tenant; empty where none says anything of them.
    std::vector<SessionTimeouts> idle_times_of(const Image& next) const;

    // originate.cpp
    Frame new_frame(
        std::uint32_t l3_length);  // data points at layer 2 room of 14 bytes; data null when exhausted
    void send_to(Frame frame, std::uint16_t ethertype, std::uint32_t l3_length, InterfaceRef egress,
                 Station destination);
    /// `near`: the interface whose other side caused it; the route is looked up in its tenant.
    void send_routed(PacketView packet, InterfaceRef near, Component component);
    void send_built(const Frame& frame, std::uint32_t l3_length, Family family, InterfaceRef near,
                    Component component);
    /// `speaker`: whose address it is from; else the ingress'.
    void send_icmp_error(IcmpError error, const PacketView& about, InterfaceRef ingress, Component component,
                         std::uint16_t mtu, std::optional<Ip> speaker = std::nullopt);
    /// The address of who ended the trace, on the interface by which the packet came to it.
    std::optional<Ip> speaker_of_trace(const IpView& about) const;
    void send_reset(const PacketView& segment, InterfaceRef ingress, Component component);
    void answer_echo(std::span<PacketView> packets, InterfaceRef ingress, Component component);

    // execute.cpp
    void execute(PacketView& packet, const Program& program, const Translation& translation,
                 Station destination, std::optional<std::uint16_t> ip_id);
    void execute_plan(PacketView& packet, const Plan& plan, Station destination);
    void fragment_and_send(const PacketView& packet, const Program& program, Station destination,
                           std::uint16_t ip_id = 0);
    void execute_across(PacketView& packet, const Plan& plan, Station destination);
    void transmit(const Frame& frame, const Program& program);
    void release(const Frame& frame) { output->released.push_back(frame); }
    void drop(const Frame& frame, Component component, DropReason reason) {
        counters.drop(component, reason);
        release(frame);
    }
    void consume(const Frame& frame) {
        ++counters.consumed;
        release(frame);
    }

    // NeighbourActions
    void solicit(const Neighbour& neighbour, Cast cast) override;
    void send_held(std::uint32_t neighbour, HeldPacket& packet) override;
    void drop_held(HeldPacket& packet, DropReason reason) override;

    void run_timers(Time until);
    void expire_datagram(const FragmentKey& fragment_key, std::span<const HeldFragment> held);

    // activate.cpp
    bool activate(ShardActivation& activation);
    /// Before the first burst under a new image: forgets neighbours, drops what is held for the vanished and
    /// judges again what is held for the changed.
    void settle_in();
    void forget_neighbours();
    void judge_held(HeldPacket& held);
    void uncount(const HeldPacket& held);

    /// What vanished before this shard began is still referred to.
    void sweep_from_now_on() {
        settled = image->generation();
        if (image->vanished() <= forgotten) return;
        sweep_until = settled;
        sweep_cursor = 0;
    }

    // sweep.cpp
    /// Ends what refers to vanished names, a slice at a time, so that their slots can be given away.
    void sweep_some();
    void sweep_session(SessionRef session);
    void sweep_entry(std::uint32_t at);
    bool refers_to_vanished(const Program& program) const;

    Component component_of_trace() const {
        const std::uint16_t tenant = trace.last_hop().tenant;
        return trace.element == Element::service_router ? counters.service_router(tenant)
                                                        : counters.distributed_router(tenant);
    }
    Component router_of(std::uint16_t tenant) const {
        return image->tenants()[tenant].has_service_router ? counters.service_router(tenant)
                                                           : counters.distributed_router(tenant);
    }
    const image::Interface& interface_of(InterfaceRef ref) const {
        const TenantView& tenant = image->tenants()[ref.tenant];
        return tenant.interfaces[tenant.interface_position(ref.interface)];
    }
    Mac own_mac(InterfaceRef ref) const { return from_image(interface_of(ref).mac()); }
};

/// The address the gateway speaks from on an interface (a position): the one whose subnet holds `towards`, else
/// the first of the family.
std::optional<Ip> own_address(const TenantView& tenant, std::uint16_t interface, Family family, Ip towards);

}  // namespace sluice
