// SPDX-License-Identifier: Apache-2.0
//
// A burst in three passes. The first two only read and prefetch: what each frame is, then where its flow's
// entry lies. The last has all effects, packet by packet in the order of arrival; a packet of a known IPv4 flow
// is guarded and rewritten here in one go, whatever else it may be goes the longer ways.
#include "runtime/packet/outer_header.h"
#include "runtime/shard/glance_into_tunnel.h"
#include "runtime/shard/shard_state.h"

namespace sluice {
namespace {

/// RFC 1624 eqn 3, on values as they lie on the wire: ~(~checksum + delta), which is this.
[[gnu::always_inline]] inline std::uint16_t updated(std::uint16_t checksum, std::uint16_t delta) noexcept {
    std::uint16_t difference = 0;
    const bool borrow = __builtin_sub_overflow(checksum, delta, &difference);
    return static_cast<std::uint16_t>(difference - (borrow ? 1 : 0));
}
[[gnu::always_inline]] inline void update_at(std::uint8_t* at, std::uint16_t delta) noexcept {
    wire::store(at, updated(wire::load<std::uint16_t>(at), delta));
}

[[gnu::always_inline]] inline void translate_l4(std::uint8_t* l4, std::uint8_t protocol, std::uint32_t port_at,
                                                const FlowEntry& entry) noexcept {
    if (protocol == protocol_udp) {
        wire::store(l4 + port_at, entry.new_port);
        const auto before = wire::load<std::uint16_t>(l4 + udp_checksum_at);
        if (before == 0) return;  // none was made (RFC 768)
        const std::uint16_t after = updated(before, entry.l4_delta);
        wire::store<std::uint16_t>(l4 + udp_checksum_at, after == 0 ? 0xffff : after);
    } else if (protocol == protocol_tcp) {
        wire::store(l4 + port_at, entry.new_port);
        update_at(l4 + tcp_checksum_at, entry.l4_delta);
    } else if (entry.l4_delta != 0) {  // else the side that changes is not the identifier's
        wire::store(l4 + icmp_identifier_at, entry.new_port);
        update_at(l4 + icmp_checksum_at, entry.l4_delta);
    }
}

/// The length of what is to be sent, padded where there is room behind it.
[[gnu::noinline]] std::uint32_t padded(std::uint8_t* data, std::uint32_t length,
                                       const Frame& received) noexcept {
    const std::uint8_t* const end = received.data + received.length + received.tailroom;
    if (end - data < std::ptrdiff_t{shortest_frame_bytes}) return length;
    std::memset(data + length, 0, shortest_frame_bytes - length);
    return shortest_frame_bytes;
}

/// What the last pass reads, taken out of the shard once: a store into a packet could be a store into the shard
/// for all that the compiler knows.
struct Tables {
    FlowEntry* entries;
    const Recipe* recipes;
    const NeighbourUse* neighbours;
    const Ingress* ingresses;
    IpIds* ip_ids;
    std::uint32_t tick;
    const Tunnel* tunnels;
    std::uint32_t generation;  // of the image
    HashKey secret;
};

/// Packets one after the other whose entries are alike, most often all of a burst. What they need of program,
/// neighbour and ingress is looked up, judged and counted once.
class Run {
  public:
    /// The entry's packets go on with this run, or begin one (ending the one before). False: they must go the
    /// longer ways.
    [[gnu::always_inline]] bool takes(const FlowEntry& entry, const Tables& tables, const Frame* sent,
                                      Counters& counters) {
        if (entry.likeness() == likeness_) return true;
        end(sent, counters);
        first_ = sent;
        return begin(entry, tables);
    }
    /// What this packet has for itself allows it.
    [[gnu::always_inline]] bool allows(const Glance& glance, const FlowEntry& entry) const noexcept {
        return allows(glance, entry, mtu_);
    }
    enum class Outside : std::uint8_t { nothing = 0, ipv4 = 4, ipv6 = 6 };  // of the tunnel it goes into
    template <Outside outside = Outside::nothing>
    [[gnu::always_inline]] void carry_out(const Tables& tables, const Frame& frame, const Glance& glance,
                                          FlowEntry& entry, Frame& sent) noexcept;
    /// The same for runs whose packets go into a tunnel, which allows() refuses. False: the packet must go the
    /// longer ways.
    [[gnu::noinline]] bool carry_into_tunnel(const Tables& tables, const Frame& frame, const Glance& glance,
                                             FlowEntry& entry, Frame& sent) noexcept {
        if (!into_tunnel_ || !allows(glance, entry, tunnel_mtu_)) return false;
        // The packet begins behind an Ethernet header, which leaves the room to the outer one's end.
        const Family family = outer_->family();
        if (frame.headroom < OuterHeader::room(family)) return false;
        if (family == Family::v4) {
            carry_out<Outside::ipv4>(tables, frame, glance, entry, sent);
        } else {
            carry_out<Outside::ipv6>(tables, frame, glance, entry, sent);
        }
        return true;
    }
    /// The last packet began its flow: it counts as a hit of the trace cache.
    void note_start() noexcept { ++started_; }
    /// Counts the packets, of which `sent` is behind the last. A longer way may change or give away whatever
    /// this run knows: end it before.
    void end(const Frame* sent, Counters& counters) noexcept {
        if (rx_bytes_ != 0) count(static_cast<std::size_t>(sent - first_), counters);
        likeness_ = FlowEntry::like_no_other;
    }

  private:
    bool begin(const FlowEntry& entry, const Tables& tables) noexcept;
    bool begin_tunnel(const NeighbourUse& neighbour, const Tables& tables) noexcept;
    [[gnu::always_inline]] bool allows(const Glance& glance, const FlowEntry& entry,
                                       std::uint16_t mtu) const noexcept {
        if (glance.ingress != ingress_ || glance.l3[ipv4_ttl_at] <= ttl_cost_ || glance.total_length > mtu) {
            return false;
        }
        // What a TCP session has not seen acknowledged yet, the pipeline is to see.
        return glance.key.protocol != protocol_tcp || entry.seen_ack != 0 ||
               (glance.l3[ipv4_header_bytes + tcp_flags_at] & tcp_ack) == 0;
    }
    void count(std::size_t packets, Counters& counters) noexcept;

    FlowEntry::Likeness likeness_ = FlowEntry::like_no_other;
    const Frame* first_ = nullptr;
    std::uint64_t rx_bytes_ = 0, tx_bytes_ = 0, started_ = 0;
    // Set by begin().
    std::array<std::uint64_t, 3> l2_;  // the header, whose end is the end here
    const Recipe* recipe_;
    std::uint16_t ingress_, mtu_, out_port_;
    std::uint8_t ttl_cost_, l2_bytes_;
    bool new_source_, new_destination_;
    bool into_tunnel_ = false;  // then mtu_ is 0
    std::uint16_t tunnel_mtu_;
    const OuterHeader* outer_;
    std::uint64_t outer_next_hop_;
};

/// Whether the entry's line and what it refers to say all there is to do, and now is the time to do it.
bool Run::begin(const FlowEntry& entry, const Tables& tables) noexcept {
    if (entry.program == no_program || entry.epoch != tables.ingresses[entry.ingress].epoch) return false;
    const NeighbourUse& neighbour = tables.neighbours[entry.neighbour];
    const Recipe& recipe = tables.recipes[entry.program];
    if (!recipe.short_enough || !neighbour.ready || neighbour.life != entry.neighbour_version) return false;
    recipe_ = &recipe;
    ingress_ = static_cast<std::uint16_t>(entry.ingress);
    mtu_ = recipe.mtu;
    out_port_ = recipe.out_port;
    ttl_cost_ = recipe.ttl_cost;
    l2_bytes_ = recipe.l2_bytes;
    new_source_ = recipe.new_source;
    new_destination_ = recipe.new_destination;
    l2_ = recipe.l2;
    // Shifted in rather than copied: what was written in pieces cannot be read as a whole at once.
    __extension__ using Wide = unsigned __int128;
    const Wide mac = Wide{neighbour.mac_bits()} << (Recipe::l2_room - l2_bytes_) * 8;
    l2_[0] |= static_cast<std::uint64_t>(mac);
    l2_[1] |= static_cast<std::uint64_t>(mac >> 64);
    into_tunnel_ = recipe.tunnelled;
    if (into_tunnel_ && !begin_tunnel(neighbour, tables)) return false;
    likeness_ = entry.likeness();
    return true;
}

bool Run::begin_tunnel(const NeighbourUse& neighbour, const Tables& tables) noexcept {
    tunnel_mtu_ = mtu_;
    mtu_ = 0;
    if (neighbour.tunnel >= attachment_bit) return false;  // none, or out of a port
    const Tunnel& tunnel = tables.tunnels[neighbour.tunnel];
    if (tunnel.way.generation != tables.generation) return false;
    const NeighbourUse& next = tables.neighbours[tunnel.way.neighbour];
    if (!next.ready || next.life != tunnel.way.neighbour_life) return false;
    outer_ = &tunnel.way.header;
    outer_next_hop_ = next.mac_bits();
    return true;
}

void Run::count(std::size_t packets, Counters& counters) noexcept {
    const auto add = [packets](PacketCount& count, std::uint64_t bytes) {
        count.packets += packets;
        count.bytes += bytes;
    };
    add(counters.tenants[recipe_->ingress_tenant].rx, rx_bytes_);
    add(counters.tenants[recipe_->egress_tenant].tx, tx_bytes_);
    add(counters.tx[recipe_->out_port], tx_bytes_);
    counters.cache.flow_hits += packets - started_;
    rx_bytes_ = tx_bytes_ = started_ = 0;
}

template <Run::Outside outside>
inline void Run::carry_out(const Tables& tables, const Frame& frame, const Glance& glance, FlowEntry& entry,
                           Frame& sent) noexcept {
    std::uint8_t* l3 = glance.l3;
    std::uint32_t length = std::uint32_t{l2_bytes_} + glance.total_length;
    if (outside == Outside::nothing && length < shortest_frame_bytes)
        length = padded(l3 - l2_bytes_, length, frame);
    sent.data = l3 - l2_bytes_;
    sent.length = length;
    sent.port = out_port_;
    sent.buffer = frame.buffer;
    rx_bytes_ += frame.length;
    tx_bytes_ += length;
    entry.count(frame.length);
    entry.last_seen = tables.tick;

    std::uint8_t* l4 = l3 + ipv4_header_bytes;
    const std::uint8_t protocol = glance.key.protocol;
    if (protocol == protocol_tcp && (l4[tcp_flags_at] & tcp_ack) != 0) {
        entry.last_ack = __builtin_bswap32(wire::load<std::uint32_t>(l4 + tcp_acknowledgement_at));
    }
    l3[ipv4_ttl_at] = static_cast<std::uint8_t>(l3[ipv4_ttl_at] - ttl_cost_);
    std::uint16_t checksum = updated(wire::load<std::uint16_t>(l3 + ipv4_checksum_at), entry.l3_delta);
    if (new_source_) {
        if ((l3[ipv4_fragment_at] & ipv4_dont_fragment >> 8) == 0) {  // it may become fragments (RFC 7857 10)
            IpIds& ids = *tables.ip_ids;
            const std::uint16_t id = ids.next_on_wire(ids.slot_of(entry.new_address, glance.key.destination));
            const auto before = wire::load<std::uint16_t>(l3 + ipv4_id_at);
            checksum = updated(updated(checksum, static_cast<std::uint16_t>(~before)), id);
            wire::store(l3 + ipv4_id_at, id);
        }
        wire::store(l3 + 12, entry.new_address);
        translate_l4(l4, protocol, 0, entry);
    } else if (new_destination_) {
        wire::store(l3 + 16, entry.new_address);
        translate_l4(l4, protocol, 2, entry);
    }
    wire::store(l3 + ipv4_checksum_at, checksum);
    // One length for all: in front of a shorter header this writes into headroom.
    std::memcpy(l3 - Recipe::l2_room, l2_.data(), Recipe::l2_room);
    if constexpr (outside == Outside::nothing) return;
    constexpr auto family = static_cast<Family>(outside);
    outer_->template write<family>(l3, glance.total_length, outer_next_hop_, recipe_->vni, tables.secret);
    sent.data -= OuterHeader::bytes(family);
    sent.length += OuterHeader::bytes(family);
    tx_bytes_ += OuterHeader::bytes(family);
}

}  // namespace

void Shard::State::look_at_length(const Frame& frame, std::size_t place, Glance& glance) {
    glance.matched = false;
    look_at(frame, arrivals[place]);
    glance.key = arrivals[place].flow.key;
}

/// A router without sessions is passed on the way to the one that has them: a route is looked up rather than
/// one more flow entry.
void Shard::State::look_behind_links(std::size_t count, Glances& glances) const {
    for (std::size_t i = 0; i < count; ++i) {
        Glance& glance = glances[i];
        if (!glance.matched) continue;
        const std::uint16_t links = ingresses[glance.ingress].links;
        if (links == no_links) continue;
        const std::uint16_t scope =
            ingresses.link_scope(links, Ip::from_v4(__builtin_bswap32(glance.key.destination)), Family::v4);
        if (scope == no_tenant) continue;
        glance.key.kind = FlowKind::session4;
        glance.key.scope = scope;
    }
}

/// The passes that only read and prefetch. True: packets of flows that may not be known.
bool Shard::State::look_up(std::span<const Frame> frames, Glances& glances, const Frame*& served) {
    const TagIndex::FirstLines lines = sessions.flows.index().first_lines();
    const bool cached = settings.cache != CacheTiers::none;
    // Taken out once, as Tables are.
    const Ingress* const known_ingresses = ingresses.data();
    const FlowEntry* const entries = sessions.flows.data();
    bool in_tunnels = false;
    for (std::size_t i = 0; i < frames.size();) {
        const std::uint16_t port = frames[i].port;
        const std::uint16_t* rows = ingresses.rows(port);
        const std::size_t begin = i;
        std::uint64_t bytes = 0;
        if (const TunnelEnd* const end = ingresses.tunnel_end(port); end == nullptr) {
            for (; i < frames.size() && frames[i].port == port; ++i) {
                bytes += frames[i].length;
                Glance& glance = glances[i];
                glance.matched = cached && glance_at(frames[i], rows, known_ingresses, glance);
                if (!glance.matched) look_at_length(frames[i], i, glance);
            }
        } else {
            in_tunnels = true;
            for (; i < frames.size() && frames[i].port == port; ++i) {
                bytes += frames[i].length;
                Glance& glance = glances[i];
                glance.matched = cached && glance_into_tunnel(frames[i], *end, ingresses, opened[i], glance);
                if (!glance.matched) look_at_length(frames[i], i, glance);
            }
        }
        counters.rx[port].packets += i - begin;
        counters.rx[port].bytes += bytes;
    }
    if (ingresses.any_packet_limits()) police(frames, glances);
    if (ingresses.any_links()) look_behind_links(frames.size(), glances);
    served = frames.data();
    if (in_tunnels) {
        for (std::size_t i = 0; i < frames.size(); ++i) {
            if (ingresses.tunnel_end(frames[i].port) == nullptr || !glances[i].matched) opened[i] = frames[i];
        }
        served = opened.data();
    }
    const std::span looked_at(glances.data(), frames.size());
    const HashKey secret = key;
    // Packets of a flow like to come one behind the other (packet trains: Jain and Routhier 1986); what was
    // found for the one is found for the next.
    std::uint64_t first = 0, second = 0, hash = hash_of_words(0, 0, secret);
    std::uint32_t line = lines.of(hash);
    for (Glance& glance : looked_at) {
        std::uint64_t words[2];
        std::memcpy(words, &glance.key, sizeof words);
        if (((words[0] ^ first) | (words[1] ^ second)) != 0) {
            first = words[0];
            second = words[1];
            hash = hash_of_words(first, second, secret);
            line = lines.of(hash);
            lines.prefetch(line);
        }
        glance.hash = hash;
        glance.line = line;
    }
    bool unknown = false;
    std::uint32_t candidate = no_flow;
    hash = ~looked_at.front().hash;
    for (Glance& glance : looked_at) {
        glance.candidate = no_flow;
        if (!glance.matched && !arrivals[static_cast<std::size_t>(&glance - glances.data())].probe) continue;
        if (glance.hash != hash) {
            hash = glance.hash;
            candidate = lines.candidate(glance.line, hash);
            if (candidate == no_flow) {
                sessions.flows.index().prefetch_second(glance.line, hash);
                unknown = true;
            } else {
                __builtin_prefetch(entries + candidate, 1);
            }
        }
        glance.candidate = candidate;
    }
    return unknown;
}

void Shard::State::take_longer_way(const Frame& frame, std::size_t place, const Glance& glance, bool known) {
    Arrival& arrival = arrivals[place];
    if (glance.matched) look_at(frame, arrival);
    arrival.absent = !known;
    if (!known || !arrival.probe || !serve_from_cache(arrival)) receive(arrival);
}

void Shard::State::process_burst(std::span<const Frame> frames) {
    Glances glances;
    starts.ready = 0;
    const Frame* served = nullptr;
    const bool unknown = look_up(frames, glances, served);
    if (unknown && settings.cache == CacheTiers::trace_cache && link_states.all_up()) {
        prepare_starts(frames.size(), glances);
    }
    const Tables tables{sessions.flows.data(),
                        programs.recipes(),
                        neighbours.uses(),
                        ingresses.data(),
                        &ip_ids,
                        seen_tick(),
                        tunnels.data(),
                        image->generation(),
                        key};
    Run run;
    Frame* sent = output->transmitted.room(frames.size());
    for (std::size_t i = 0; i < frames.size(); ++i) {
        const Glance& glance = glances[i];
        bool known = true;
        if (glance.matched) {
            std::uint32_t at = glance.candidate;
            bool fresh = false;
            if (at == no_flow || !(tables.entries[at].key == glance.key)) {
                const bool ready = (starts.ready >> i & 1) != 0;  // there was none when the burst began
                const bool still_new = ready && !sessions.flows.may_have_come(starts.by_packet[i].home);
                at = still_new ? no_flow : sessions.flows.find(glance.key, glance.hash);
                if (at == no_flow && ready) {
                    const Started started = start(served[i], glance, starts.by_packet[i]);
                    if (started.is_over) continue;
                    at = started.entry;
                    fresh = at != no_flow;
                }
            }
            if (at == no_flow) {
                known = false;
            } else if (FlowEntry& entry = tables.entries[at]; run.takes(entry, tables, sent, counters)) {
                const bool allowed = run.allows(glance, entry);
                if (allowed) run.carry_out(tables, served[i], glance, entry, *sent);
                if (allowed || run.carry_into_tunnel(tables, served[i], glance, entry, *sent)) {
                    ++sent;
                    if (fresh) run.note_start();
                    continue;
                }
            }
        }
        run.end(sent, counters);
        output->transmitted.count_up_to(sent);
        take_longer_way(frames[i], i, glance, known);
        sent = output->transmitted.room(frames.size() - i);
    }
    run.end(sent, counters);
    output->transmitted.count_up_to(sent);
}

}  // namespace sluice
