// SPDX-License-Identifier: Apache-2.0
//
// A segment with tunnels that is on ports or VLANs as well is a switch (IEEE 802.1Q 8.8): frames between its
// stations go the way of the one they are for, and where nobody knows that, all ways but back. The mesh of
// tunnels is one way in this: what came out of one goes into none (split horizon, RFC 4762 4.4).
#include <algorithm>
#include <cstring>

#include "runtime/cache/synthesize.h"
#include "runtime/packet/build.h"
#include "runtime/packet/bytes.h"
#include "runtime/packet/parse.h"
#include "runtime/shard/shard_state.h"
#include "schemas/layout/image_types.h"

namespace sluice {
namespace {

bool is_tunnel(std::uint32_t way) {
    return way != no_tunnel && !is_attachment(way);
}

/// A frame without its tags: they are the port's, not the segment's.
void take_off_tags(PacketView& packet) {
    const std::uint32_t tags = packet.l2.length - ethernet_header_bytes;
    if (tags == 0) return;
    constexpr std::size_t macs = 12;
    std::memmove(packet.frame.data + tags, packet.frame.data, macs);
    packet.frame.data += tags;
    packet.frame.headroom = static_cast<std::uint16_t>(packet.frame.headroom + tags);
    packet.frame.length -= tags;
    packet.l2.length = ethernet_header_bytes;
}

/// Nor what only filled the frame up, where its headers tell.
void take_off_padding(PacketView& packet) {
    std::uint32_t length = packet.l3_room();
    if (packet.l2.ethertype == ethertype_arp) {
        length = std::min<std::uint32_t>(length, arp_bytes);
    } else if (packet.l2.ethertype == ethertype_ipv4 || packet.l2.ethertype == ethertype_ipv6) {
        IpView ip;
        if (!parse_ip_packet({packet.l3(), length}, packet.l2.ethertype, ip)) length = ip.total_length;
    }
    packet.frame.tailroom += packet.l3_room() - length;
    packet.frame.length = packet.l2.length + length;
}

}  // namespace

std::uint32_t Shard::State::told_way(InterfaceRef segment, Mac mac, std::uint32_t otherwise) {
    const TenantView& tenant = image->tenants()[segment.tenant];
    const std::uint16_t position = tenant.interface_position(segment.interface);
    if (tenant.interfaces[position].encapsulation() == image::Encapsulation::None) return otherwise;
    const std::uint32_t set = stations.set_way(segment, mac);
    if (set != no_tunnel) return set;
    const image::Station* const row = tenant.find_station(position, mac);
    if (row == nullptr) return otherwise;
    return tunnel_to(tenant, position, from_image(tenant.remotes[row->remote()]));
}

bool Shard::State::has_way(InterfaceRef segment, std::uint32_t way) const {
    if (way == no_tunnel) return true;
    const TenantView& tenant = image->tenants()[segment.tenant];
    const std::uint16_t position = tenant.interface_position(segment.interface);
    if (!is_attachment(way)) {
        const bool geneve = tenant.interfaces[position].encapsulation() == image::Encapsulation::Geneve;
        const std::uint16_t underlay = image->underlays()[image->port_slot(tenant.interfaces[position].port())];
        return tunnels[way].geneve == geneve && tunnels[way].underlay == underlay &&
               tenant.has_remote(position, tunnels[way].remote);
    }
    const InterfaceRef attachment{segment.tenant, attachment_of(way)};
    return image->has(attachment) && tenant.link_changed(attachment.interface) <= settled &&
           tenant.entered_by(tenant.interface_position(attachment.interface)) == position;
}

void Shard::State::forget_stations() {
    stations.forget_if([this](const StationTable::Entry& entry) {
        if (image->tenants()[entry.interface.tenant].section_changed <= settled) return false;
        return !image->has(entry.interface) || !has_way(entry.interface, entry.way);
    });
}

void Shard::State::learn_station(const Arrival& arrival) {
    const Ingress& ingress = ingresses[arrival.ingress_number];
    const Mac mac = arrival.packet.l2.source;
    if (!ingress.switches || mac == ingress.mac()) return;
    const std::uint32_t way = tunnel_of(arrival);
    if (way != no_tunnel) stations.learn(arrival.ingress, mac, way, now);
}

bool Shard::State::switch_frame(Arrival& arrival) {
    PacketView& packet = arrival.packet;
    const InterfaceRef segment = arrival.ingress;
    const Component component = counters.interface_component(segment.tenant, segment.interface);
    const bool group = packet.l2.destination.is_group();
    const std::uint32_t from = tunnel_of(arrival);
    learn_station(arrival);
    take_off_tags(packet);
    take_off_padding(packet);
    const image::Interface& row = interface_of(segment);
    const bool fits = packet.l3_room() <= row.mtu();
    const Program program = egress_program(*image, segment);
    if (group) {
        ++counters.cache.uncacheable[static_cast<std::size_t>(NoCacheReason::GROUP)];
        arrival.flooded = fits && flood(packet.frame, program, from, true) != 0;
        return false;
    }
    const auto refuse_as = [&](DropReason reason) {
        drop(packet.frame, component, reason);
        return true;
    };
    if (!fits) return refuse_as(DropReason::MTU);
    const Mac mac = packet.l2.destination;
    const std::uint32_t to = told_way(segment, mac, stations.find(segment, mac, now));
    if (to == no_tunnel) {
        if (row.unknown() == image::UnknownUnicast::Drop) return refuse_as(DropReason::FLOOD_LIMIT);
        if (flood(packet.frame, program, from, false) == 0) return refuse_as(DropReason::SPLIT_HORIZON);
        return true;
    }
    if (to == from || (is_tunnel(to) && is_tunnel(from))) return refuse_as(DropReason::SPLIT_HORIZON);
    send_by(to, packet.frame, program);
    return true;
}

void Shard::State::leave_to_others(const Arrival& arrival, Component component, DropReason reason) {
    if (!arrival.flooded) return drop(arrival.packet.frame, component, reason);
    --counters.copies;  // one of them was all there was to it
    release(arrival.packet.frame);
}

std::uint32_t Shard::State::flood(const Frame& frame, const Program& program, std::uint32_t from, bool keep) {
    const TenantView& tenant = image->tenants()[program.egress.tenant];
    const std::uint16_t position = tenant.interface_position(program.egress.interface);
    const auto remotes = is_tunnel(from) ? std::span<const image::Ip>{} : tenant.remotes_of(position);
    const auto [first, last] = tenant.attachments_of(position);
    const auto ways = static_cast<std::uint32_t>(remotes.size()) + last - first - (is_attachment(from) ? 1 : 0);
    std::uint32_t sent = 0;
    const auto send = [&](std::uint32_t way) {
        Frame copy = frame;
        const Component component =
            counters.interface_component(program.egress.tenant, program.egress.interface);
        if (++sent < ways || keep) {
            ++counters.copies;
            copy = allocator.allocate(frame.length);
            if (copy.data == nullptr) return counters.drop(component, DropReason::BUFFER_EXHAUSTED);
            std::memcpy(copy.data, frame.data, frame.length);
        }
        if (way == no_tunnel) return drop(copy, component, DropReason::TUNNEL_DOWN);
        send_by(way, copy, program);
    };
    for (const image::Ip& remote : remotes) send(tunnel_to(tenant, position, from_image(remote)));
    for (std::uint16_t attachment = first; attachment < last; ++attachment) {
        const std::uint32_t way = way_by_attachment(tenant.interface_slot(attachment));
        if (way != from) send(way);
    }
    return sent;
}

void Shard::State::send_by(std::uint32_t way, const Frame& frame, const Program& program) {
    if (!is_attachment(way)) return send_through(way, frame, program);
    send_attached({program.egress.tenant, attachment_of(way)}, frame);
}

void Shard::State::send_attached(InterfaceRef attachment, Frame frame) {
    const Program program = egress_program(*image, attachment);
    const L2Header header{load_mac(frame.data),
                          load_mac(frame.data + 6),
                          program.tag_count,
                          {program.vids[0], program.vids[1]},
                          load16(frame.data + 12)};
    if (!replace_l2(frame, ethernet_header_bytes, frame.length - ethernet_header_bytes, header,
                    shortest_of(program))) {
        return drop(frame, counters.interface_component(attachment.tenant, attachment.interface),
                    DropReason::BUFFER_EXHAUSTED);
    }
    transmit(frame, program);
}

}  // namespace sluice
