// SPDX-License-Identifier: Apache-2.0
//
// The inside of a shard, for the files of this folder only:
//   shard.cpp      bursts and timers           layer2.cpp     from a frame to an interface; ARP and ND
//   fast_path.cpp  the flow cache              slow_path.cpp  the pipeline and the fates it ends in
//   commit.cpp     sessions: open, update, end originate.cpp  packets of our own
//   execute.cpp    a plan carried out on a packet
#pragma once

#include <span>
#include <vector>

#include "runtime/cache/flow_table.h"
#include "runtime/cache/program_store.h"
#include "runtime/shard/icmp_limiter.h"
#include "runtime/shard/ip_id.h"
#include "runtime/shard/shard.h"
#include "runtime/stages/stage.h"
#include "runtime/state/fragment_table.h"
#include "runtime/state/nat_table.h"
#include "schemas/layout/image_types.h"

namespace sluice {

constexpr std::uint32_t most_burst_frames = 32;

/// A frame between the passes of a burst.
struct Arrival {
    PacketView packet;
    InterfaceRef ingress;
    FlowKey key;
    std::uint64_t hash = 0;
    bool probe = false;  // an IP packet of a kind that the flow cache may know
    bool slow = false;   // an IP packet otherwise
};

struct Shard::State final : NeighbourActions {
    State(const Image& image_, const ShardSettings& settings_, FrameAllocator& allocator_);

    const Image& image;
    ShardSettings settings;
    FrameAllocator& allocator;
    HashKey key;
    Counters counters;
    std::uint64_t given_back = 0;  // frames that release_held() gave back; they still count as held
    SessionTable sessions;
    NatTable nat;
    FragmentTable fragments;
    NeighbourTable neighbours;
    ProgramStore programs;
    FlowTable flows;
    IpIds ip_ids;
    std::vector<IcmpLimiter> icmp_limiters;  // by component
    std::array<Arrival, most_burst_frames> arrivals;
    Time now = 0;
    std::uint32_t fold_cursor = 0;  // where the next slice of folding starts
    Output* output = nullptr;       // of the call in progress

    // layer2.cpp
    void receive(const Frame& frame, Arrival& arrival);
    void receive_arp(const PacketView& packet, InterfaceRef ingress);
    bool receive_neighbour_message(const PacketView& packet, InterfaceRef ingress);

    // fast_path.cpp
    bool serve_from_cache(Arrival& arrival);
    void install(const Plan& plan, const PacketView& packet, const FlowKey& key, std::uint64_t hash);
    void fold(Flow& flow);
    void clear_flow(std::uint32_t index);  // folds, frees the program, tells the sessions

    // slow_path.cpp
    void run_slow_path(Arrival& arrival);
    /// One packet, or a datagram's fragments in offset order (`whole`).
    void judge(std::span<PacketView> packets, bool whole, Arrival& arrival);
    void forward(std::span<PacketView> packets, Trace& trace, Arrival& arrival);
    void translate_error(std::span<PacketView> packets, const Trace& trace);
    void refuse(const PacketView& packet, InterfaceRef ingress, Component component, IcmpError error);
    void add_fragment(Arrival& arrival, Component component);
    void count_uncacheable(std::uint32_t no_cache);
    void count_denied(const Trace& trace, std::span<const PacketView> packets);
    void log_decision(const Hop& hop, const Tuple& packet);

    // commit.cpp
    /// All sessions of the path together, or none: then the reason.
    std::optional<DropReason> commit(Trace& trace, std::span<const PacketView> packets);
    void update_session(const Hop& hop, std::span<const PacketView> packets);
    void release_mappings(const Session& session);
    void undo(Trace& trace, std::uint32_t hops);
    void gather(Session& session) const;  // what its cached flows know by now
    void session_timer(std::uint32_t index);
    Time deadline(const Session& session) const;

    // originate.cpp
    Frame new_frame(
        std::uint32_t l3_length);  // data points at layer 2 room of 14 bytes; data null when exhausted
    void send_to_mac(Frame frame, std::uint16_t ethertype, std::uint32_t l3_length, InterfaceRef egress,
                     Mac destination);
    /// `near`: the interface whose other side caused it; the route is looked up in its tenant.
    void send_routed(PacketView packet, InterfaceRef near, Component component);
    void send_built(const Frame& frame, std::uint32_t l3_length, Family family, InterfaceRef near,
                    Component component);
    void send_icmp_error(IcmpError error, const PacketView& about, InterfaceRef ingress, Component component,
                         std::uint16_t mtu);
    void send_reset(const PacketView& segment, InterfaceRef ingress, Component component);
    void answer_echo(std::span<PacketView> packets, InterfaceRef ingress, Component component);

    // execute.cpp
    void execute(PacketView& packet, const Program& program, const FlowValues& values, Mac destination,
                 std::optional<std::uint16_t> ip_id);
    void execute_plan(PacketView& packet, const Plan& plan, Mac destination);
    void fragment_and_send(const PacketView& packet, const Program& program, Mac destination);
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
    void expire_datagram(std::span<const HeldFragment> held);

    Component component_of(const Trace& trace) const {
        const std::uint16_t tenant = trace.last_hop().tenant;
        return trace.element == Element::service_router ? counters.service_router(tenant)
                                                        : counters.distributed_router(tenant);
    }
    Component router_of(std::uint16_t tenant) const {
        return image.tenants()[tenant].has_service_router ? counters.service_router(tenant)
                                                          : counters.distributed_router(tenant);
    }
    const image::Interface& interface_of(InterfaceRef ref) const {
        const TenantView& tenant = image.tenants()[ref.tenant];
        return tenant.interfaces[tenant.interface_position(ref.interface)];
    }
    Mac own_mac(InterfaceRef ref) const { return from_image(interface_of(ref).mac()); }
};

/// The address the gateway speaks from on an interface (a position): the one whose subnet holds `towards`, else
/// the first of the family.
std::optional<Ip> own_address(const TenantView& tenant, std::uint16_t interface, Family family, Ip towards);

}  // namespace sluice
