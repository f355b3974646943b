// SPDX-License-Identifier: Apache-2.0
//
// A burst in three passes. The first two only read and prefetch: what each frame is, then where its flow's
// entry lies. The last has all effects, packet by packet in the order of arrival; a packet of a known IPv4 flow
// is guarded and rewritten here in one go, whatever else it may be goes the longer ways.
#include "runtime/shard/shard_state.h"

namespace sluice {
namespace {

/// RFC 1624 eqn 3, on values as they lie on the wire.
std::uint16_t updated(std::uint16_t checksum, std::uint16_t delta) noexcept {
    std::uint32_t sum = static_cast<std::uint16_t>(~checksum) + std::uint32_t{delta};
    sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}
void update_at(std::uint8_t* at, std::uint16_t delta) noexcept {
    wire::store(at, updated(wire::load<std::uint16_t>(at), delta));
}

void translate_l4(std::uint8_t* l4, std::uint8_t protocol, std::uint32_t port_at,
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

void write_l2(std::uint8_t* at, const Recipe& recipe, Mac destination) noexcept {
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

}  // namespace

bool Shard::State::serve_at_a_glance(const Frame& frame, const Glance& glance, std::uint32_t tick,
                                     BurstSums& sums) {
    FlowTable& flows = sessions.flows;
    std::uint32_t at = glance.candidate;
    if (at == no_flow || !(flows[at].key == glance.key)) {
        at = flows.find(glance.key, glance.hash);
        if (at == no_flow) return false;
    }
    FlowEntry& entry = flows[at];
    if (entry.program == no_program || entry.ingress != glance.ingress ||
        entry.epoch != ingresses[glance.ingress].epoch) {
        return false;
    }
    const Recipe& recipe = programs.recipe(entry.program);
    const NeighbourUse& neighbour = neighbours.use_of(entry.neighbour);
    std::uint8_t* l3 = glance.l3;
    std::uint8_t* l4 = l3 + ipv4_header_bytes;
    if (!recipe.short_enough || l3[ipv4_ttl_at] <= recipe.ttl_cost || glance.total_length > recipe.mtu ||
        !neighbour.ready || neighbour.life != entry.neighbour_version ||
        frame.headroom + glance.l2_bytes < recipe.l2_bytes) {
        return false;
    }
    const std::uint8_t protocol = glance.key.protocol;
    if (protocol == protocol_tcp && (l4[tcp_flags_at] & tcp_ack) != 0) {
        if (!entry.seen_ack) return false;
        entry.last_ack = __builtin_bswap32(wire::load<std::uint32_t>(l4 + tcp_acknowledgement_at));
    }
    ++sums.flow_hits;
    entry.count(frame.length);
    entry.last_seen = tick;

    l3[ipv4_ttl_at] = static_cast<std::uint8_t>(l3[ipv4_ttl_at] - recipe.ttl_cost);
    update_at(l3 + ipv4_checksum_at, entry.l3_delta);
    if (recipe.new_source) {
        wire::store(l3 + 12, entry.new_address);
        translate_l4(l4, protocol, 0, entry);
        if ((l3[ipv4_fragment_at] & ipv4_dont_fragment >> 8) == 0) {
            const Ip source = Ip::from_v4(__builtin_bswap32(entry.new_address));
            const Ip destination = Ip::from_v4(__builtin_bswap32(glance.key.destination));
            set_ipv4_id(l3, ip_ids.next(ip_ids.slot_of(source, destination, protocol)));
        }
    } else if (recipe.new_destination) {
        wire::store(l3 + 16, entry.new_address);
        translate_l4(l4, protocol, 2, entry);
    }

    Frame sent;
    sent.data = l3 - recipe.l2_bytes;
    sent.length = std::uint32_t{recipe.l2_bytes} + glance.total_length;
    sent.tailroom = frame.tailroom + (frame.length - glance.l2_bytes - glance.total_length);
    sent.headroom = static_cast<std::uint16_t>(frame.headroom + glance.l2_bytes - recipe.l2_bytes);
    sent.port = recipe.out_port;
    sent.buffer = frame.buffer;
    write_l2(sent.data, recipe, neighbour.mac);
    if (sent.length < shortest_frame_bytes) pad(sent);
    sums.tenant_rx.add(counters.tenants[recipe.ingress_tenant].rx, frame.length);
    sums.tenant_tx.add(counters.tenants[recipe.egress_tenant].tx, sent.length);
    sums.tx.add(counters.tx[sent.port], sent.length);
    output->transmitted.push_back(sent);
    return true;
}

void Shard::State::process_burst(std::span<const Frame> frames) {
    const TagIndex& index = sessions.flows.index();
    const std::uint32_t tick = seen_tick();
    const bool cached = settings.cache != CacheTiers::none;
    BurstSums sums;
    bool unknown = false;
    for (std::size_t i = 0; i < frames.size(); ++i) {
        Glance& glance = glances[i];
        sums.rx.add(counters.rx[frames[i].port], frames[i].length);
        glance.matched = cached && glance_at(frames[i], ingresses, key, glance);
        if (glance.matched) {
            index.prefetch(glance.hash);
            continue;
        }
        look_at(frames[i], arrivals[i]);
        if (arrivals[i].probe) index.prefetch(arrivals[i].flow.hash);
    }
    for (std::size_t i = 0; i < frames.size(); ++i) {
        Glance& glance = glances[i];
        if (!glance.matched && !arrivals[i].probe) continue;
        const std::uint64_t hash = glance.matched ? glance.hash : arrivals[i].flow.hash;
        glance.candidate = index.first_candidate(hash);
        if (glance.candidate == no_flow) {
            index.prefetch_second(hash);
            unknown = true;
        } else {
            sessions.flows.prefetch(glance.candidate);
        }
    }
    if (unknown) foresee({glances.data(), frames.size()});
    for (std::size_t i = 0; i < frames.size(); ++i) {
        Arrival& arrival = arrivals[i];
        if (glances[i].matched) {
            if (serve_at_a_glance(frames[i], glances[i], tick, sums)) continue;
            look_at(frames[i], arrival);
        }
        if (!arrival.probe || !serve_from_cache(arrival)) receive(arrival);
    }
    sums.flush(counters);
}

}  // namespace sluice
