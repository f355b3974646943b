// SPDX-License-Identifier: Apache-2.0
//
// A plan carried out on a packet: the only place that writes into forwarded packets, cached or not.
#include "runtime/shard/shard_state.h"

namespace sluice {
namespace {

L2Header header_of(const Program& program, Mac destination, Family family) {
    return {destination,
            program.source_mac,
            program.tag_count,
            {program.vids[0], program.vids[1]},
            family == Family::v4 ? ethertype_ipv4 : ethertype_ipv6};
}

}  // namespace

void Shard::State::transmit(const Frame& frame, const Program& program) {
    Frame sent = frame;
    sent.port = program.out_port;
    counters.tx[sent.port].add(sent.length);
    counters.tenants[program.egress.tenant].tx.add(sent.length);
    output->transmitted.push_back(sent);
}

void Shard::State::execute(PacketView& packet, const Program& program, const Translation& translation,
                           Station destination, std::optional<std::uint16_t> ip_id) {
    std::uint8_t* l3 = packet.l3();
    if (translation.changes) apply_translation(l3, packet.ip, translation);
    if (program.ttl_cost != 0) decrement_ttl(l3, packet.ip.family, program.ttl_cost);
    if (ip_id) set_ipv4_id(l3, *ip_id);
    if (packet.ip.total_length > program.mtu) return fragment_and_send(packet, program, destination);
    const L2Header header = header_of(program, destination.mac, packet.ip.family);
    if (!replace_l2(packet.frame, packet.l2.length, packet.ip.total_length, header, shortest_of(program))) {
        return drop(packet.frame, counters.interface_component(program.egress.tenant, program.egress.interface),
                    DropReason::BUFFER_EXHAUSTED);
    }
    send_frame(packet.frame, program, destination.tunnel);
}

void Shard::State::execute_plan(PacketView& packet, const Plan& plan, Station destination) {
    // Fragments of one datagram may have travelled differently: each has a TTL of its own.
    if (!plan.originated && packet.ip.ttl <= plan.program.ttl_cost) {
        return drop(packet.frame, router_of(plan.program.egress.tenant), DropReason::TTL_EXPIRED);
    }
    if (plan.crosses) return execute_across(packet, plan, destination);
    execute(packet, plan.program, plan.values.translation, destination,
            plan.new_ip_id ? std::optional(plan.ip_id) : std::nullopt);
}

void Shard::State::execute_across(PacketView& packet, const Plan& plan, Station destination) {
    const Program& program = plan.program;
    const Translation& to = plan.values.translation;
    const bool done =
        translate_across(packet, {to.source, to.destination, to.source_port, to.destination_port},
                         plan.datagram, plan.new_ip_id ? std::optional(plan.ip_id) : std::nullopt);
    if (!done) {
        return drop(packet.frame, counters.interface_component(program.egress.tenant, program.egress.interface),
                    DropReason::BUFFER_EXHAUSTED);
    }
    if (packet.ip.total_length <= program.mtu) return execute(packet, program, {}, destination, std::nullopt);
    decrement_ttl(packet.l3(), packet.ip.family, program.ttl_cost);
    packet.ip.ttl =
        static_cast<std::uint8_t>(packet.ip.ttl - program.ttl_cost);  // pieces are built from the view
    fragment_and_send(packet, program, destination, plan.ip_id);
}

void Shard::State::fragment_and_send(const PacketView& packet, const Program& program, Station destination,
                                     std::uint16_t ip_id) {
    const bool v4 = packet.ip.family == Family::v4;
    const Component component = counters.interface_component(program.egress.tenant, program.egress.interface);
    const L2Header header = header_of(program, destination.mac, packet.ip.family);
    const std::uint32_t count =
        v4 ? ipv4_fragment_count(packet.ip, program.mtu) : ipv6_fragment_count(packet.ip, program.mtu);
    if (count == 0) return drop(packet.frame, component, DropReason::MTU_DF);
    std::uint32_t sent = 0;
    for (std::uint32_t index = 0; index < count; ++index) {
        Frame frame = allocator.allocate(header.bytes() + program.mtu);
        if (frame.data == nullptr) {
            // What is missing makes the rest useless to the receiver; what was sent is counted as copies.
            counters.drop(component, DropReason::BUFFER_EXHAUSTED);
            ++sent;
            break;
        }
        const std::span<std::uint8_t> out = frame.bytes().subspan(header.bytes());
        const std::uint32_t length =
            v4 ? build_ipv4_fragment(packet.ip_bytes(), packet.ip, program.mtu, index, out)
               : build_ipv6_fragment(packet.ip_bytes(), packet.ip, program.mtu, ip_id, index, out);
        replace_l2(frame, header.bytes(), length, header, shortest_of(program));
        send_frame(frame, program, destination.tunnel);
        ++sent;
    }
    counters.copies += sent - 1;
    release(packet.frame);
}

void Shard::State::send_held(std::uint32_t neighbour, HeldPacket& held) {
    execute_plan(held.packet, held.plan, neighbours[neighbour].station());
}

void Shard::State::drop_held(HeldPacket& held, DropReason reason) {
    const Component component = router_of(held.plan.program.egress.tenant);
    if (reason == DropReason::NEIGH_FAILED && !held.plan.originated) {
        send_icmp_error(IcmpError::host_unreachable, held.packet, held.plan.program.ingress, component, 0);
    }
    drop(held.packet.frame, component, reason);
}

}  // namespace sluice
