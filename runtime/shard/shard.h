// SPDX-License-Identifier: Apache-2.0
//
// A shard: one packet thread's whole world. Frames and the time go in; frames to send and frames to free come
// out. It owns its sessions, NAT, neighbours, fragments, flow cache and counters, and shares nothing but the
// read-only image.
//
// One thread at a time (the owner). process() and advance() allocate nothing and take no lock.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/image/image.h"
#include "runtime/packet/frame.h"
#include "runtime/shard/output.h"
#include "runtime/state/counters.h"
#include "runtime/state/neighbour_table.h"
#include "runtime/state/session_table.h"

namespace sluice {

/// How far a packet may be served without running the pipeline. The packets that leave and all counters but
/// Counters::cache are the same with each.
enum class CacheTiers : std::uint8_t {
    none,         // every packet runs the pipeline (--no-cache)
    flow_table,   // known flows do not
    trace_cache,  // nor do new flows and denied packets that are like others before them
};

struct ShardSettings {
    std::uint64_t seed = 1;  // of every keyed choice and hash: NAT ports, IP IDs, table hashes
    CacheTiers cache = CacheTiers::trace_cache;
    std::uint32_t sessions = 1u << 16;  // capacities; docs/memory.md says what each costs
    std::uint32_t wide_sessions =
        1u << 16;                    // of them IPv6, or translated on both sides, or through two tenants
    std::uint32_t flows = 1u << 16;  // without a session
    std::uint32_t programs = 1u << 14;
    std::uint32_t traces = 1u << 14;        // for all tenants together, as are
    std::uint32_t rule_answers = 1u << 15;  // the questions to the firewall that are remembered
    std::uint32_t neighbours = 1u << 12;
    std::uint32_t tunnels = most_tunnels;
    std::uint32_t stations = 1u << 13;  // of segments whose frames are switched
    std::uint32_t datagrams = 1024;     // under reassembly
    SessionTimeouts timeouts = {};
    /// For tests: called when a packet that leaves has run the stages, before the flow table learns it.
    void (*before_insert)(void*) = nullptr;
    void* before_insert_argument = nullptr;
    std::uint16_t index = 0;  // this shard among `count`
    std::uint16_t count = 1;
};

/// One cached flow, for people (sluicectl flows).
struct FlowSummary {
    InterfaceRef ingress, egress;
    Tuple tuple;
    Ip new_source, new_destination;
    std::uint16_t new_source_port = 0, new_destination_port = 0;
    std::uint64_t packets = 0, bytes = 0;
    Time last_seen = 0;
};

/// Where a station is: behind a tunnel endpoint, or at one of its segment's attachments (a slot); one of both.
struct StationPlace {
    std::optional<Ip> remote = std::nullopt;
    std::optional<std::uint16_t> attachment = std::nullopt;
};

/// One station of a segment with tunnels, for people (sluicectl station list).
struct StationSummary {
    InterfaceRef segment;
    Mac mac;
    StationPlace place = {};
    bool set = false;  // by somebody, not by its frames
    Time seen = 0;
};

struct ShardActivation;
struct PoolUse;
struct DryRun;
struct SwitchRun;
class SavedState;
using BootId = std::array<std::uint8_t, 16>;

class Shard {
  public:
    /// The allocator must outlive the shard; the image until another one has taken its place.
    Shard(const Image& image, const ShardSettings& settings, FrameAllocator& allocator);
    ~Shard();
    Shard(const Shard&) = delete;
    Shard& operator=(const Shard&) = delete;

    /// Takes frames received at `now`, in order of arrival; each comes out once, in `transmitted` or
    /// `released`, of this call or a later one (held for a neighbour or for its other fragments). `now` never
    /// goes back. Runs due timers first.
    void process(std::span<const Frame> burst, Time now, Output& output);
    /// Timers alone: what an idle shard calls.
    void advance(Time now, Output& output);
    /// Gives back every frame still held, without counting it as dropped: `held` keeps its number. For
    /// shut-down.
    void release_held(Output& output);

    /// A port (a slot) has lost its link or got it again. By the owner, between two bursts. Ways over a port
    /// without one are none: routes with others beside it take those, for its flows alone; sessions stay. Takes
    /// a look at every neighbour.
    void set_link(std::uint16_t port, bool up);

    /// Somebody knows where a station of a segment with tunnels is, which has that place. By the owner, between
    /// two bursts: holds from the next packet on, whatever the policy and the station's frames say, until
    /// unset_station() or an image in which the segment or the place is gone. Flows to it, and only those, look
    /// up their way again. How many neighbours have that MAC; nothing: there is no room for one more station.
    std::optional<std::uint32_t> set_station(InterfaceRef segment, Mac mac, const StationPlace& place);
    /// It is where the policy or its frames say again. Nothing: nobody had said otherwise.
    std::optional<std::uint32_t> unset_station(InterfaceRef segment, Mac mac);

    // ---- another image: nothing stops, nothing is lost ----

    struct ActivationDeleter {
        void operator()(ShardActivation* activation) const;
    };
    using Activation = std::unique_ptr<ShardActivation, ActivationDeleter>;
    /// All that the shard needs to run `next`, which follows the running image (Image::follow). Any thread, one
    /// at a time; allocates. Reads nothing that packets change.
    Activation prepare(const Image& next) const;
    /// By the owner, between two bursts: packets see the old image or the new one. Frees and allocates nothing:
    /// what the old one needed goes with `activation`. Sessions, NAT bindings, neighbours and counters stay;
    /// flows whose ingress can read nothing that changed are not touched, others are looked at again at their
    /// next packet, and sessions of changed tenants judged again. False, and nothing is done: in the middle of
    /// a burst, or `next` does not follow the running image any more.
    bool activate(ShardActivation& activation);
    /// Of the image that it runs (Image::generation). By the owner.
    std::uint32_t generation() const;
    /// What vanished in this generation or earlier is not referred to any more: for Image::follow, with the
    /// least of all shards. Any thread may have it from the owner.
    std::uint32_t forgotten() const;

    // ---- another process: what this one knows goes to the next (docs/restart.md) ----

    /// By the owner, after its last burst and release_held(). Allocates.
    std::vector<std::uint8_t> save(const BootId& boot);
    struct Resumed {
        std::uint32_t sessions = 0, lost_sessions = 0, neighbours = 0;
    };
    /// Before the first burst of a shard made from `state`'s image with its numbering (Image::renumbered) and
    /// its seed. An entry that makes no sense here is left out: a session of one counts as lost.
    Resumed resume(const SavedState& state);

    // ---- for people: by the owner, between two bursts ----

    /// All counters as of now: folds every flow first, which takes milliseconds at 100,000 flows. For tests,
    /// replay and shut-down.
    const Counters& counters();
    /// The same in slices that a packet thread can afford: folds the next `flows` places of the flow table;
    /// true when a round over the table is complete. What counters_so_far() shows is then at most one round
    /// old.
    bool fold_some(std::uint32_t flows);
    const Counters& counters_so_far();

    /// What would become of a packet that entered by `ingress`, which the image has. Changes nothing: no
    /// counter, no session, no NAT port. Into `run`, which is large: the caller's. Costs about a first packet.
    void dry_run(const PacketView& packet, InterfaceRef ingress, DryRun& run) const;
    /// The same of a frame for a station of a segment, by which it came out of a tunnel, or by one of its
    /// attachments.
    void dry_switch(InterfaceRef came_by, Mac mac, SwitchRun& run) const;

    const SessionTable& sessions() const;
    const NeighbourTable& neighbours() const;
    /// The cached flow at a place of the flow table, nothing where that is empty.
    std::optional<FlowSummary> flow(std::uint32_t place) const;
    std::uint32_t flow_places() const;
    /// The known station at a place of the table, nothing where that is empty or the station silent for long.
    std::optional<StationSummary> station(std::uint32_t place) const;
    std::uint32_t station_places() const;

    // ---- for metrics: any thread, while nobody calls activate(). Nothing is done for it on the packet path:
    // what was counted is read where it stands, sessions that live are not folded. ----

    /// Written meanwhile: read each number with observed(). `held` and `sessions.active` are not kept up.
    const Counters& live_counters() const;
    struct Levels {
        std::uint64_t held = 0;      // packets that wait for a neighbour or for their other fragments
        std::uint64_t sessions = 0;  // live ones
        std::uint64_t mappings = 0;  // of NAT
        std::uint64_t blocks = 0;    // of ports, that hosts hold
    };
    Levels live_levels() const;
    /// Of the addresses of a SNAT rule: a tenant's slot, the rule's position in its section.
    PoolUse live_use_of_pool(std::uint16_t tenant, std::uint32_t position) const;

    /// When advance() has something to do next; the largest Time when nothing is armed.
    Time next_timer() const;

  private:
    friend class StateWriter;
    friend class StateReader;
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace sluice
