// SPDX-License-Identifier: Apache-2.0
//
// A burst in three passes. The first two only read and prefetch: what each frame is, then where its flow's
// entry lies. The last has all effects, packet by packet in the order of arrival; a packet of a known IPv4 flow
// is guarded and rewritten here in one go, whatever else it may be goes the longer ways.
#include "runtime/shard/shard_state.h"

namespace sluice {
namespace {

/// RFC 1624 eqn 3, on values as they lie on the wire. `delta` may be a sum of several.
[[gnu::always_inline]] inline std::uint16_t updated(std::uint16_t checksum, std::uint32_t delta) noexcept {
    std::uint32_t sum = static_cast<std::uint16_t>(~checksum) + delta;
    sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~((sum & 0xffff) + (sum >> 16)));
}
[[gnu::always_inline]] inline void update_at(std::uint8_t* at, std::uint32_t delta) noexcept {
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

[[gnu::always_inline]] inline void write_l2(std::uint8_t* at, const Recipe& recipe, Mac destination) noexcept {
    std::memcpy(at, destination.bytes.data(), 6);
    std::memcpy(at + 6, &recipe.l2[6], 8);
    if (recipe.l2_bytes >= 18) std::memcpy(at + 14, &recipe.l2[14], 4);
    if (recipe.l2_bytes == 22) std::memcpy(at + 18, &recipe.l2[18], 4);
}

void pad(Frame& frame) noexcept {
    const std::uint32_t padding = shortest_frame_bytes - frame.length;
    if (padding > frame.tailroom) return;
    std::memset(frame.data + frame.length, 0, padding);
    frame.length += padding;
    frame.tailroom -= padding;
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
};

/// The entry's line says all there is to do, and now is the time to do it.
[[gnu::always_inline]] inline bool may_be_served(const Tables& tables, const Frame& frame, const Glance& glance,
                                                 const FlowEntry& entry) noexcept {
    if (entry.program == no_program || entry.ingress != glance.ingress ||
        entry.epoch != tables.ingresses[glance.ingress].epoch) {
        return false;
    }
    const Recipe& recipe = tables.recipes[entry.program];
    const NeighbourUse& neighbour = tables.neighbours[entry.neighbour];
    const std::uint8_t* l3 = glance.l3;
    if (!recipe.short_enough || l3[ipv4_ttl_at] <= recipe.ttl_cost || glance.total_length > recipe.mtu ||
        !neighbour.ready || neighbour.life != entry.neighbour_version ||
        frame.headroom + glance.l2_bytes < recipe.l2_bytes) {
        return false;
    }
    // What a TCP session has not seen acknowledged yet, the pipeline is to see.
    return glance.key.protocol != protocol_tcp || entry.seen_ack != 0 ||
           (l3[ipv4_header_bytes + tcp_flags_at] & tcp_ack) == 0;
}

/// Guards passed: counts and rewrites.
[[gnu::always_inline]] inline void carry_out(const Tables& tables, const Frame& frame, const Glance& glance,
                                             FlowEntry& entry, Frame& sent) noexcept {
    const Recipe& recipe = tables.recipes[entry.program];
    std::uint8_t* l3 = glance.l3;
    std::uint8_t* l4 = l3 + ipv4_header_bytes;
    const std::uint8_t protocol = glance.key.protocol;
    entry.count(frame.length);
    entry.last_seen = tables.tick;
    if (protocol == protocol_tcp && (l4[tcp_flags_at] & tcp_ack) != 0) {
        entry.last_ack = __builtin_bswap32(wire::load<std::uint32_t>(l4 + tcp_acknowledgement_at));
    }
    l3[ipv4_ttl_at] = static_cast<std::uint8_t>(l3[ipv4_ttl_at] - recipe.ttl_cost);
    std::uint32_t l3_delta = entry.l3_delta;
    if (recipe.new_source) {
        if ((l3[ipv4_fragment_at] & ipv4_dont_fragment >> 8) == 0) {  // it may become fragments (RFC 7857 10)
            const Ip source = Ip::from_v4(__builtin_bswap32(entry.new_address));
            const Ip destination = Ip::from_v4(__builtin_bswap32(glance.key.destination));
            const std::uint16_t id =
                wire::order(tables.ip_ids->next(tables.ip_ids->slot_of(source, destination, protocol)));
            l3_delta +=
                static_cast<std::uint16_t>(~wire::load<std::uint16_t>(l3 + ipv4_id_at)) + std::uint32_t{id};
            wire::store(l3 + ipv4_id_at, id);
        }
        wire::store(l3 + 12, entry.new_address);
        translate_l4(l4, protocol, 0, entry);
    } else if (recipe.new_destination) {
        wire::store(l3 + 16, entry.new_address);
        translate_l4(l4, protocol, 2, entry);
    }
    update_at(l3 + ipv4_checksum_at, l3_delta);

    sent.data = l3 - recipe.l2_bytes;
    sent.length = std::uint32_t{recipe.l2_bytes} + glance.total_length;
    sent.tailroom = frame.tailroom + (frame.length - glance.l2_bytes - glance.total_length);
    sent.headroom = static_cast<std::uint16_t>(frame.headroom + glance.l2_bytes - recipe.l2_bytes);
    sent.port = recipe.out_port;
    sent.buffer = frame.buffer;
    write_l2(sent.data, recipe, tables.neighbours[entry.neighbour].mac);
    if (sent.length < shortest_frame_bytes) pad(sent);
}

/// Packets that one program after the other served, counted when another one's turn comes. A program may go
/// with any packet that takes a longer way: flush before.
struct ProgramRun {
    std::uint32_t program = no_program;
    std::uint64_t packets = 0, started = 0, rx_bytes = 0, tx_bytes = 0;

    void flush(const Recipe* recipes, Counters& counters) noexcept {
        if (packets == 0) return;
        const Recipe& recipe = recipes[program];
        const auto add = [this](PacketCount& count, std::uint64_t bytes) {
            count.packets += packets;
            count.bytes += bytes;
        };
        add(counters.tenants[recipe.ingress_tenant].rx, rx_bytes);
        add(counters.tenants[recipe.egress_tenant].tx, tx_bytes);
        add(counters.tx[recipe.out_port], tx_bytes);
        counters.cache.flow_hits += packets - started;
        packets = started = rx_bytes = tx_bytes = 0;
    }
};

}  // namespace

/// The passes that only read and prefetch. True: packets of flows that may not be known.
bool Shard::State::look_up(std::span<const Frame> frames, Glances& glances) {
    const TagIndex& index = sessions.flows.index();
    const bool cached = settings.cache != CacheTiers::none;
    for (std::size_t i = 0; i < frames.size(); ++i) {
        Glance& glance = glances[i];
        counters.rx[frames[i].port].add(frames[i].length);
        glance.matched = cached && glance_at(frames[i], ingresses, key, glance);
        if (glance.matched) {
            index.prefetch(glance.hash);
            continue;
        }
        look_at(frames[i], arrivals[i]);
        glance.hash = arrivals[i].flow.hash;
        if (arrivals[i].probe) index.prefetch(glance.hash);
    }
    bool unknown = false;
    for (std::size_t i = 0; i < frames.size(); ++i) {
        Glance& glance = glances[i];
        glance.candidate = no_flow;
        if (!glance.matched && !arrivals[i].probe) continue;
        glance.candidate = index.first_candidate(glance.hash);
        if (glance.candidate == no_flow) {
            index.prefetch_second(glance.hash);
            unknown = true;
        } else {
            sessions.flows.prefetch(glance.candidate);
        }
    }
    return unknown;
}

void Shard::State::process_burst(std::span<const Frame> frames) {
    Glances glances;
    starts.ready = 0;
    if (look_up(frames, glances) && settings.cache == CacheTiers::trace_cache) {
        prepare_starts(frames.size(), glances);
    }
    const Tables tables{
        sessions.flows.data(), programs.recipes(), neighbours.uses(), ingresses.data(), &ip_ids, seen_tick()};
    ProgramRun run;
    for (std::size_t i = 0; i < frames.size(); ++i) {
        const Glance& glance = glances[i];
        Arrival& arrival = arrivals[i];
        bool known = true;
        if (glance.matched) {
            std::uint32_t at = glance.candidate;
            if (at == no_flow || !(tables.entries[at].key == glance.key)) {
                at = sessions.flows.find(glance.key, glance.hash);
            }
            known = at != no_flow;
            bool fresh = false;
            bool goes = known && may_be_served(tables, frames[i], glance, tables.entries[at]);
            if (!known && (starts.ready >> i & 1) != 0) {
                const Started started = start(frames[i], glance, starts.by_packet[i]);
                if (started.is_over) continue;
                at = started.entry;
                goes = fresh = at != no_flow;
            }
            if (goes) {
                FlowEntry& entry = tables.entries[at];
                if (entry.program != run.program) {
                    run.flush(tables.recipes, counters);
                    run.program = entry.program;
                }
                // In its place at once: a copy of what has just been written in pieces waits for all of them.
                Frame& sent = output->transmitted.emplace_back();
                carry_out(tables, frames[i], glance, entry, sent);
                ++run.packets;
                run.started += fresh ? 1 : 0;
                run.rx_bytes += frames[i].length;
                run.tx_bytes += sent.length;
                continue;
            }
            look_at(frames[i], arrival);
        }
        run.flush(tables.recipes, counters);
        if (!known || !arrival.probe || !serve_from_cache(arrival)) receive(arrival);
    }
    run.flush(tables.recipes, counters);
}

}  // namespace sluice
