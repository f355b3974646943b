// SPDX-License-Identifier: Apache-2.0
//
// Out of tunnels and into them. A port's tunnel endpoint is the address of a router of its own, the underlay:
// what comes for its tunnels is opened here and goes on as if it had come in by its segment; what leaves for a
// segment behind tunnels is put into a packet of the underlay, which finds its next hop and waits for it like
// any other that the gateway sends itself.
#include <algorithm>
#include <cstring>

#include "runtime/cache/synthesize.h"
#include "runtime/packet/bytes.h"
#include "runtime/packet/parse.h"
#include "runtime/packet/tunnel_header.h"
#include "runtime/shard/shard_state.h"

namespace sluice {
namespace {

/// What the header outside takes from the frame inside.
struct Inside {
    std::uint8_t tos = 0;
    std::uint64_t entropy = 0;  // what tells its flow from others
};

Inside look_inside(std::span<const std::uint8_t> frame, const HashKey& secret) {
    Inside inside;
    const std::uint16_t ethertype = load16(frame.data() + 12);
    const auto packet = frame.subspan(ethernet_header_bytes);
    if (ethertype == ethertype_ipv4 && packet.size() >= ipv4_header_bytes) {
        inside.tos = packet[ipv4_tos_at];
        const std::uint32_t header_bytes = (packet[0] & 0x0fu) * 4u;
        const bool fragment =
            (load16(packet.data() + ipv4_fragment_at) & (ipv4_more_fragments | ipv4_offset_mask)) != 0;
        const std::uint8_t protocol = packet[ipv4_protocol_at];
        const bool has_ports = !fragment && (protocol == protocol_tcp || protocol == protocol_udp) &&
                               packet.size() >= header_bytes + 4;
        inside.entropy = flow_entropy(wire::load<std::uint64_t>(packet.data() + addresses_at(Family::v4)),
                                      has_ports ? wire::load<std::uint32_t>(packet.data() + header_bytes) : 0,
                                      protocol, secret);
    } else if (ethertype == ethertype_ipv6 && packet.size() >= ipv6_header_bytes) {
        inside.tos = static_cast<std::uint8_t>(load16(packet.data()) >> 4);
        const std::uint8_t protocol = packet[ipv6_next_header_at];
        const bool has_ports =
            (protocol == protocol_tcp || protocol == protocol_udp) && packet.size() >= ipv6_header_bytes + 4;
        const std::uint8_t* addresses = packet.data() + addresses_at(Family::v6);
        const std::uint64_t both = KeyedHash(secret)
                                       .add(load64(addresses), load64(addresses + 8))
                                       .add(load64(addresses + 16), load64(addresses + 24))
                                       .value();
        inside.entropy =
            flow_entropy(both, has_ports ? wire::load<std::uint32_t>(packet.data() + ipv6_header_bytes) : 0,
                         protocol, secret);
    } else {
        inside.entropy = flow_entropy(wire::load<std::uint64_t>(frame.data()),
                                      wire::load<std::uint32_t>(frame.data() + 8), 0, secret);
    }
    return inside;
}

}  // namespace

void Shard::State::look_into_tunnel(Arrival& arrival) const {
    PacketView& packet = arrival.packet;
    const IpView outer = packet.ip;
    const std::uint32_t udp_bytes = load16(packet.l4() + udp_length_at);
    const std::span<const std::uint8_t> payload(packet.l4() + udp_header_bytes, udp_bytes - udp_header_bytes);
    const auto header = parse_tunnel_header(outer, payload);
    if (const auto* reason = std::get_if<DropReason>(&header)) return void(arrival.reason = *reason);
    const auto [vni, header_bytes] = std::get<TunnelHeader>(header);
    const std::uint16_t number = ingresses.find_vni(packet.frame.port, vni);
    if (number == no_ingress) return void(arrival.reason = DropReason::UNKNOWN_VNI);
    const InterfaceRef ref = ingresses[number].interface;
    const TenantView& tenant = image->tenants()[ref.tenant];
    if (!tenant.has_remote(tenant.interface_position(ref.interface), {outer.source, outer.family})) {
        return void(arrival.reason = DropReason::UNKNOWN_TEP);
    }
    Frame& frame = packet.frame;
    const auto offset = static_cast<std::uint32_t>(payload.data() + header_bytes - frame.data);
    const auto length = static_cast<std::uint32_t>(payload.size() - header_bytes);
    frame.tailroom += frame.length - offset - length;
    frame.headroom = static_cast<std::uint16_t>(frame.headroom + offset);
    frame.data += offset;
    frame.length = length;
    arrival.remote = outer.source;
    const auto l2 = parse_l2(frame.bytes());
    if (!l2) return void(arrival.reason = DropReason::SHORT);
    packet.l2 = *l2;
    // RFC 7348 6.1: a tag inside belongs to no VLAN of this segment.
    if (l2->length != ethernet_header_bytes) return void(arrival.reason = DropReason::UNKNOWN_VLAN);
    look_behind_layer2(number, arrival);
    const bool has_ip =
        arrival.kind == Arrival::Kind::ip ||
        (arrival.switched && (l2->ethertype == ethertype_ipv4 || l2->ethertype == ethertype_ipv6) &&
         !parse_ip_packet(frame.bytes().subspan(l2->length), l2->ethertype, packet.ip));
    if (!has_ip) return;
    const auto tos = tos_behind_tunnel(outer.tos, packet.ip.tos);
    if (!tos) {
        arrival.kind = Arrival::Kind::dropped;
        arrival.probe = arrival.switched = false;
        arrival.reason = DropReason::ECN_CE_NONECT;
    } else if (*tos != packet.ip.tos) {
        set_tos(packet.l3(), packet.ip.family, *tos);
        packet.ip.tos = *tos;
    }
}

std::uint32_t Shard::State::tunnel_to(const TenantView& tenant, std::uint16_t position, Ip address) {
    const image::Interface& row = tenant.interfaces[position];
    const IpAndFamily remote{address, outer_family(row)};
    const std::uint16_t underlay = image->underlays()[image->port_slot(row.port())];
    const bool geneve = row.encapsulation() == image::Encapsulation::Geneve;
    if (tunnels.full() && tunnels.find(underlay, remote, geneve) == no_tunnel) forget_tunnels();
    return tunnels.use(underlay, remote, geneve);
}

// Neighbours behind remotes that their segment does not have any more are forgotten when the image changes.
void Shard::State::forget_tunnels() {
    for (const TenantView& tenant : image->tenants()) {
        for (std::uint16_t i = 0; i < tenant.interfaces.size(); ++i) {
            if (tenant.interfaces[i].encapsulation() == image::Encapsulation::None) continue;
            const std::uint16_t underlay = image->underlays()[image->port_slot(tenant.interfaces[i].port())];
            const bool geneve = tenant.interfaces[i].encapsulation() == image::Encapsulation::Geneve;
            for (const image::Ip& remote : tenant.remotes_of(i)) {
                const Family family = outer_family(tenant.interfaces[i]);
                const std::uint32_t number = tunnels.find(underlay, {from_image(remote), family}, geneve);
                if (number != no_tunnel) tunnels.mark(number);
            }
        }
    }
    tunnels.forget_unmarked();
}

std::uint32_t Shard::State::tunnel_of(const Arrival& arrival) {
    const Ingress& ingress = ingresses[arrival.ingress_number];
    if (ingress.attachment != no_interface) return way_by_attachment(ingress.attachment);
    if (arrival.remote == Ip{}) return no_tunnel;
    const TenantView& tenant = image->tenants()[arrival.ingress.tenant];
    return tunnel_to(tenant, tenant.interface_position(arrival.ingress.interface), arrival.remote);
}

std::uint32_t Shard::State::tunnel_of(const TenantView& tenant, const image::StaticNeighbour& row) {
    if (row.remote() == no_row) return no_tunnel;
    const std::uint32_t set = stations.set_way(tenant.ref(row.interface()), from_image(row.mac()));
    if (set != no_tunnel) return set;
    return tunnel_to(tenant, row.interface(), from_image(tenant.remotes[row.remote()]));
}

void Shard::State::add_static_neighbours(const TenantView& tenant) {
    for (const image::StaticNeighbour& row : tenant.neighbours) {
        neighbours.add_permanent(tenant.ref(row.interface()), from_image(row.ip()),
                                 static_cast<Family>(row.family()),
                                 {from_image(row.mac()), tunnel_of(tenant, row)});
    }
}

void Shard::State::send_frame(const Frame& frame, const Program& program, std::uint32_t way) {
    if (!program.tunnelled) return transmit(frame, program);
    if (way != no_tunnel) return send_by(way, frame, program);
    flood(frame, program, no_tunnel, false);
}

void Shard::State::send_through(std::uint32_t tunnel, Frame frame, const Program& program) {
    const Component component = counters.interface_component(program.egress.tenant, program.egress.interface);
    const Tunnel& to = tunnels[tunnel];
    const Family family = to.remote.family;
    const std::uint32_t outer_bytes = vxlan_encapsulation_bytes(family);
    if (frame.headroom < outer_bytes) return drop(frame, component, DropReason::BUFFER_EXHAUSTED);
    const TenantView& underlay = image->tenants()[to.underlay];
    const auto own = underlay.tunnel_endpoint(family);
    if (!own) return drop(frame, component, DropReason::TUNNEL_DOWN);
    const Inside inside = look_inside(frame.bytes(), key);
    const VxlanHeader header{.family = family,
                             .source = *own,
                             .destination = to.remote.ip,
                             .vni = program.vni,
                             .source_port = vxlan_source_port(inside.entropy),
                             .flow_label = outer_flow_label(inside.entropy),
                             .tos = inside.tos};
    write_vxlan(header, frame.length, frame.data - outer_bytes);
    const auto ip_bytes =
        static_cast<std::uint16_t>(family == Family::v4 ? ipv4_header_bytes : ipv6_header_bytes);
    if (to.geneve) turn_into_geneve(frame.data - outer_bytes + ip_bytes);
    frame.data -= outer_bytes;
    frame.headroom = static_cast<std::uint16_t>(frame.headroom - outer_bytes);
    frame.length += outer_bytes;

    const image::Adjacency& adjacency = underlay.adjacencies[underlay.route(to.remote.ip, family)];
    const bool direct = adjacency.kind() == image::AdjacencyKind::Connected;
    if (!direct && adjacency.kind() != image::AdjacencyKind::Gateway) {
        return drop(frame, component, DropReason::TUNNEL_DOWN);
    }
    Plan plan;
    plan.originated = true;
    plan.program = egress_program(*image, underlay.ref(0));
    plan.program.ingress = underlay.ref(0);
    plan.program.egress = program.egress;                           // whose packet it is
    if (family == Family::v6 && frame.length > plan.program.mtu) {  // only a transit's MTU is not of its port
        return drop(frame, component, DropReason::MTU);
    }
    plan.values.neighbour =
        neighbours.use(underlay.ref(0), direct ? to.remote.ip : from_image(adjacency.next_hop()), family, now);
    if (plan.values.neighbour == no_neighbour) return drop(frame, component, DropReason::NEIGH_QUEUE_FULL);
    tunnels.set_way(tunnel, {.generation = image->generation(),
                             .neighbour = plan.values.neighbour,
                             .neighbour_life = neighbours.use_of(plan.values.neighbour).life,
                             .header = {header, plan.program.source_mac, to.geneve}});
    PacketView packet;
    packet.frame = frame;
    packet.l2.ethertype = family == Family::v4 ? ethertype_ipv4 : ethertype_ipv6;
    packet.ip.family = family;
    packet.ip.protocol = protocol_udp;
    packet.ip.l4_kind = L4Kind::udp;
    packet.ip.source = header.source;
    packet.ip.destination = header.destination;
    packet.ip.source_port = header.source_port;
    packet.ip.destination_port = to.geneve ? geneve_port : vxlan_port;
    packet.ip.dont_fragment = true;
    packet.ip.header_length = ip_bytes;
    packet.ip.total_length = frame.length;
    const Neighbour& neighbour = neighbours[plan.values.neighbour];
    if (neighbour.usable()) return execute_plan(packet, plan, neighbour.station());
    if (!neighbours.hold(plan.values.neighbour, {packet, plan}, now)) {
        drop(frame, component, DropReason::TUNNEL_DOWN);
    }
}

}  // namespace sluice
