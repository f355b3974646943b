// SPDX-License-Identifier: Apache-2.0
//
// Packets of our own: answers and errors. Each is counted as originated when it exists, and from then on like
// any other.
#include <cstring>

#include "runtime/cache/synthesize.h"
#include "runtime/shard/shard_state.h"
#include "runtime/stages/next_hop.h"
#include "schemas/layout/image_types.h"

namespace sluice {
namespace {

constexpr std::uint32_t ethernet_bytes = 14;

/// C3 (RFC 1122 3.2.2, RFC 4443 2.4 e): about what no error may be sent.
bool may_be_told(const PacketView& about, const TenantView& tenant) {
    const IpView& ip = about.ip;
    if (ip.l4_kind == L4Kind::icmp_error || ip.l4_kind == L4Kind::icmp_other) return false;
    if (about.l2.destination.is_group()) return false;
    if (ip.fragment && ip.fragment_offset != 0) return false;
    if (ip.source == Ip{} || is_group(ip.source, ip.family)) return false;  // 240.0.0.0/4 too
    if (is_group(ip.destination, ip.family)) return false;
    const auto kind = tenant.adjacencies[tenant.route(ip.source, ip.family)].kind();
    return kind != image::AdjacencyKind::DirectedBroadcast && kind != image::AdjacencyKind::Local;
}

}  // namespace

Frame Shard::State::new_frame(std::uint32_t l3_length) {
    Frame frame = allocator.allocate(ethernet_bytes + l3_length);
    if (frame.data != nullptr) ++counters.originated;
    return frame;
}

void Shard::State::send_to(Frame frame, std::uint16_t ethertype, std::uint32_t l3_length, InterfaceRef egress,
                           Station destination) {
    const Program program = egress_program(*image, egress);
    const L2Header header{
        destination.mac, program.source_mac, program.tag_count, {program.vids[0], program.vids[1]}, ethertype};
    if (!replace_l2(frame, ethernet_bytes, l3_length, header, shortest_of(program))) {
        return drop(frame, counters.interface_component(egress.tenant, egress.interface),
                    DropReason::BUFFER_EXHAUSTED);
    }
    send_frame(frame, program, destination.tunnel);
}

void Shard::State::send_routed(PacketView packet, InterfaceRef near, Component component) {
    const TenantView& tenant = image->tenants()[near.tenant];
    const IpView& ip = packet.ip;
    std::uint32_t row = tenant.route(ip.destination, ip.family);
    if (tenant.adjacencies[row].kind() == image::AdjacencyKind::Ecmp) {
        const std::uint64_t hash =
            KeyedHash(key).add(ip.source.hi, ip.destination.hi).add(ip.source.lo, ip.destination.lo).value();
        row = member_for(*image, link_states, tenant, tenant.adjacencies[row], hash);
    }
    const image::Adjacency& adjacency = tenant.adjacencies[row];
    Ip next_hop = ip.destination;
    InterfaceRef egress = tenant.ref(adjacency.interface());
    if (ip.family == Family::v6 && is_link_local_v6(ip.destination)) {
        egress = near;  // the link it came from
    } else if (adjacency.kind() == image::AdjacencyKind::Gateway) {
        next_hop = from_image(adjacency.next_hop());
    } else if (adjacency.kind() != image::AdjacencyKind::Connected) {
        return drop(packet.frame, component, DropReason::NO_ROUTE);
    }
    if (is_next_hop(adjacency) && !has_link(*image, link_states, tenant, adjacency)) {
        return drop(packet.frame, component, DropReason::NO_ROUTE);
    }
    Plan plan;
    plan.originated = true;
    plan.program = egress_program(*image, egress);
    plan.program.ingress = near;
    if (ip.total_length > plan.program.mtu && ip.dont_fragment) {
        if (ip.family == Family::v6) return drop(packet.frame, component, DropReason::MTU_DF);
        // A reply has all of its request's data (RFC 1122 3.2.2.6), and DF says nothing about the way back. The
        // pieces of a request in pieces keep the ID that they share.
        packet.ip.dont_fragment = false;
        plan.new_ip_id = !ip.fragment;
        if (plan.new_ip_id) plan.ip_id = ip_ids.next(ip_ids.slot_of(ip.source, ip.destination));
    }
    plan.values.neighbour = neighbours.use(egress, next_hop, ip.family, now);
    if (plan.values.neighbour == no_neighbour)
        return drop(packet.frame, component, DropReason::NEIGH_QUEUE_FULL);
    const Neighbour& neighbour = neighbours[plan.values.neighbour];
    if (neighbour.usable()) return execute_plan(packet, plan, neighbour.station());
    if (!neighbours.hold(plan.values.neighbour, {packet, plan}, now)) {
        drop(packet.frame, component, DropReason::NEIGH_FAILED);
    }
}

void Shard::State::send_built(const Frame& frame, std::uint32_t l3_length, Family family, InterfaceRef near,
                              Component component) {
    PacketView packet;
    packet.frame = frame;
    packet.frame.length = ethernet_bytes + l3_length;
    packet.frame.tailroom += frame.length - packet.frame.length;
    packet.l2.length = ethernet_bytes;
    packet.l2.ethertype = family == Family::v4 ? ethertype_ipv4 : ethertype_ipv6;
    // What we built parses; the views of the rewrite come from the same place as everyone's.
    if (const auto reason = parse_ip_packet({packet.l3(), l3_length}, packet.l2.ethertype, packet.ip)) {
        return drop(frame, component, *reason);
    }
    send_routed(packet, near, component);
}

std::optional<Ip> Shard::State::speaker_of_trace(const IpView& about) const {
    const TenantView& tenant = image->tenants()[trace.last_hop().tenant];
    const image::Interface& row = tenant.interfaces[trace.speaks_on];
    if (row.kind() != image::InterfaceKind::Transit || trace.element == Element::service_router) {
        return own_address(tenant, trace.speaks_on, about.family, about.source);
    }
    std::optional<Ip> last;  // of each family the distributed part's comes behind the service part's
    for (const auto& address : tenant.addresses.subspan(row.first_address(), row.address_count())) {
        if (address.family() == static_cast<std::uint8_t>(about.family)) last = from_image(address.ip());
    }
    return last;
}

void Shard::State::send_icmp_error(IcmpError error, const PacketView& about, InterfaceRef ingress,
                                   Component component, std::uint16_t mtu, std::optional<Ip> speaker) {
    const TenantView& tenant = image->tenants()[ingress.tenant];
    if (!may_be_told(about, tenant)) return;
    const auto source = speaker ? speaker
                                : own_address(tenant, tenant.interface_position(ingress.interface),
                                              about.ip.family, about.ip.source);
    if (!source) return;
    if (!icmp_limiters[component].allow(now)) {
        ++counters.originated;
        counters.drop(component, DropReason::ICMP_RATELIMIT);
        return;
    }
    const Frame frame = new_frame(longest_built_packet);
    if (frame.data == nullptr) return;
    const std::uint32_t length = build_icmp_error(error, about.ip.family, *source, about.ip.source, mtu,
                                                  about.ip_bytes(), frame.bytes().subspan(ethernet_bytes));
    send_built(frame, length, about.ip.family, ingress, component);
}

void Shard::State::send_reset(const PacketView& segment, InterfaceRef ingress, Component component) {
    if ((segment.ip.tcp_flags & tcp_rst) != 0 || segment.l2.destination.is_group()) return;
    const Frame frame = new_frame(longest_built_packet);
    if (frame.data == nullptr) return;
    const std::uint32_t length = build_tcp_reset(segment, frame.bytes().subspan(ethernet_bytes));
    send_built(frame, length, segment.ip.family, ingress, component);
}

void Shard::State::answer_echo(std::span<PacketView> packets, InterfaceRef ingress, Component component) {
    for (PacketView& packet : packets) {
        // Forwarded packets keep a wrong one (C5); what is meant for us is not answered (RFC 1122 3.2.2).
        if (!packet.ip.fragment && !icmp_checksum_valid(packet)) {
            drop(packet.frame, component, DropReason::L4_CSUM);
            continue;
        }
        // The frame of the request carries the reply: one consumed, one originated.
        ++counters.consumed;
        ++counters.originated;
        echo_request_to_reply(packet.l3(), packet.ip);
        std::swap(packet.ip.source, packet.ip.destination);
        send_routed(packet, ingress, component);
    }
}

void Shard::State::solicit(const Neighbour& neighbour, Cast cast) {
    const TenantView& tenant = image->tenants()[neighbour.interface.tenant];
    const auto source = own_address(tenant, tenant.interface_position(neighbour.interface.interface),
                                    neighbour.family, neighbour.ip);
    if (!source) return;
    const Mac own = own_mac(neighbour.interface);
    const std::uint32_t behind = cast == Cast::unicast ? neighbour.tunnel : no_tunnel;
    const Frame frame = new_frame(longest_built_packet);
    if (frame.data == nullptr) return;
    const std::span<std::uint8_t> out = frame.bytes().subspan(ethernet_bytes);
    if (neighbour.family == Family::v4) {
        const Mac to = cast == Cast::unicast ? neighbour.mac : Mac{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
        build_arp({1, own, Mac{}, *source, neighbour.ip}, out);
        return send_to(frame, ethertype_arp, arp_bytes, neighbour.interface, {to, behind});
    }
    NeighbourMessage message;
    message.solicitation = true;
    message.source = *source;
    message.target = neighbour.ip;
    message.link_layer = own;
    message.destination = cast == Cast::unicast ? neighbour.ip : solicited_node_group(neighbour.ip);
    const Mac to = cast == Cast::unicast ? neighbour.mac : multicast_mac(message.destination, Family::v6);
    const std::uint32_t length = build_neighbour_message(message, out);
    send_to(frame, ethertype_ipv6, length, neighbour.interface, {to, behind});
}

}  // namespace sluice
