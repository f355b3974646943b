// SPDX-License-Identifier: Apache-2.0
//
// From a frame to an interface, and what is said there below IP: link-local control (802.1D), binding by port
// and tags, MAC admission, ARP (RFC 826, RFC 5227) and neighbour discovery (RFC 4861).
#include "runtime/packet/parse.h"
#include "runtime/packet/tunnel_header.h"
#include "runtime/shard/shard_state.h"
#include "schemas/layout/image_types.h"

namespace sluice {
namespace {

bool is_link_local_control(Mac mac) {
    constexpr std::uint8_t prefix[] = {0x01, 0x80, 0xc2, 0x00, 0x00};
    for (std::size_t i = 0; i < sizeof prefix; ++i) {
        if (mac.bytes[i] != prefix[i]) return false;
    }
    return mac.bytes[5] < 0x10;
}

/// What the flow table may know: no segment that changes a connection, and with the identifier 0 an
/// ICMP request and its reply have the same key.
bool may_be_cached(const IpView& ip) {
    if (ip.l4_kind == L4Kind::tcp && (ip.tcp_flags & (tcp_syn | tcp_fin | tcp_rst)) != 0) return false;
    if (ip.l4_kind == L4Kind::icmp_query && ip.source_port == 0 && ip.destination_port == 0) return false;
    return depends_on_look_ups_alone(ip);
}

bool on_link(const TenantView& tenant, std::uint16_t interface, Ip ip, Family family) {
    const image::Interface& row = tenant.interfaces[interface];
    for (const auto& address : tenant.addresses.subspan(row.first_address(), row.address_count())) {
        if (address.family() != static_cast<std::uint8_t>(family)) continue;
        const Ip mask = prefix_mask(address.prefix_length());
        if ((from_image(address.ip()) & mask) == (ip & mask)) return true;
    }
    return false;
}

bool is_own(const TenantView& tenant, std::uint16_t interface, Ip ip, Family family) {
    const image::Interface& row = tenant.interfaces[interface];
    for (const auto& address : tenant.addresses.subspan(row.first_address(), row.address_count())) {
        if (address.family() == static_cast<std::uint8_t>(family) && from_image(address.ip()) == ip)
            return true;
    }
    return false;
}

/// Do we answer for it: an address of ours here, or an external NAT address inside a subnet of this interface.
bool answers_for(const TenantView& tenant, std::uint16_t interface, Ip ip, Family family) {
    if (is_own(tenant, interface, ip, family)) return true;
    const auto key = std::tuple(interface, static_cast<std::uint8_t>(family), ip);
    const auto of = [](const image::ProxiedAddress& row) {
        return std::tuple(row.interface(), row.family(), from_image(row.ip()));
    };
    const auto at = std::lower_bound(tenant.proxied.begin(), tenant.proxied.end(), key,
                                     [&](const auto& row, const auto& wanted) { return of(row) < wanted; });
    return at != tenant.proxied.end() && of(*at) == key;
}

}  // namespace

std::optional<Ip> own_address(const TenantView& tenant, std::uint16_t interface, Family family, Ip towards) {
    const image::Interface& row = tenant.interfaces[interface];
    std::optional<Ip> first;
    for (const auto& address : tenant.addresses.subspan(row.first_address(), row.address_count())) {
        if (address.family() != static_cast<std::uint8_t>(family)) continue;
        const Ip mask = prefix_mask(address.prefix_length());
        if ((from_image(address.ip()) & mask) == (towards & mask)) return from_image(address.ip());
        if (!first) first = from_image(address.ip());
    }
    return first;
}

void Shard::State::look_at(const Frame& frame, Arrival& arrival) const {
    arrival.kind = Arrival::Kind::dropped;
    arrival.probe = arrival.absent = arrival.behind_link = false;
    arrival.ingress_number = no_ingress;
    arrival.stale = no_flow;
    arrival.trace_known = false;
    arrival.remote = {};
    arrival.switched = arrival.flooded = false;
    arrival.packet.frame = frame;
    arrival.component = counters.port_component(frame.port);
    const auto l2 = parse_l2(frame.bytes());
    if (!l2) return void(arrival.reason = DropReason::SHORT);
    arrival.packet.l2 = *l2;
    if (is_link_local_control(l2->destination)) return void(arrival.reason = DropReason::L2_CTRL);
    const std::uint16_t number = ingresses.find(frame.port, l2->outer_vid, l2->inner_vid);
    if (number == no_ingress) return void(arrival.reason = DropReason::UNKNOWN_VLAN);
    look_behind_layer2(number, arrival);
}

void Shard::State::look_behind_layer2(std::uint16_t number, Arrival& arrival) const {
    const Frame& frame = arrival.packet.frame;
    const L2View* const l2 = &arrival.packet.l2;
    const Ingress& ingress = ingresses[number];
    arrival.ingress_number = number;
    arrival.ingress = ingress.interface;
    arrival.component = counters.interface_component(arrival.ingress.tenant, arrival.ingress.interface);
    if (l2->source.is_group()) return void(arrival.reason = DropReason::BAD_SMAC);
    const bool group = l2->destination.is_group();
    const bool to_others = group || l2->destination != ingress.mac();
    arrival.switched = ingress.switches && to_others;
    if (!group && to_others) return void(arrival.reason = DropReason::NOT_OURS);
    if (l2->ethertype == ethertype_arp) return void(arrival.kind = Arrival::Kind::arp);
    if (l2->ethertype != ethertype_ipv4 && l2->ethertype != ethertype_ipv6) {
        return void(arrival.reason = DropReason::BAD_ETHERTYPE);
    }
    const std::span<const std::uint8_t> ip_packet = frame.bytes().subspan(l2->length);
    if (const auto reason = parse_ip_packet(ip_packet, l2->ethertype, arrival.packet.ip)) {
        arrival.reason = *reason;
        arrival.component = router_of(arrival.ingress.tenant);
        return;
    }
    const IpView& ip = arrival.packet.ip;
    if (ingress.ends_tunnels && is_for_tunnels(ip) &&
        ip.destination == image->tenants()[ingress.interface.tenant].tunnel_endpoint(ip.family)) {
        return look_into_tunnel(arrival);
    }
    arrival.kind = Arrival::Kind::ip;
    if (settings.cache == CacheTiers::none || group || !may_be_cached(ip)) return;
    arrival.probe = true;
    std::uint16_t scope = no_tenant;
    if (ingress.links != no_links) scope = ingresses.link_scope(ingress.links, ip.destination, ip.family);
    arrival.behind_link = scope != no_tenant;
    if (!arrival.behind_link) scope = ingress.scope;
    arrival.flow = FlowProbe::of(Endpoints::of(ip).tuple(scope, ip.protocol),
                                 ingress.stateful || arrival.behind_link, key);
}

void Shard::State::receive(Arrival& arrival) {
    const PacketView& packet = arrival.packet;
    if (arrival.ingress_number != no_ingress) {
        counters.tenants[arrival.ingress.tenant].rx.add(packet.frame.length);
    }
    if (arrival.switched && switch_frame(arrival)) return;
    switch (arrival.kind) {
        case Arrival::Kind::dropped:
            return leave_to_others(arrival, arrival.component, arrival.reason);
        case Arrival::Kind::arp:
            ++counters.cache.uncacheable[static_cast<std::size_t>(NoCacheReason::ARP)];
            return receive_arp(arrival);
        case Arrival::Kind::ip:
            return run_slow_path(arrival);
    }
}

void Shard::State::receive_arp(const Arrival& arrival) {
    const PacketView& packet = arrival.packet;
    const InterfaceRef ingress = arrival.ingress;
    const std::uint32_t behind = tunnel_of(arrival);
    const TenantView& tenant = image->tenants()[ingress.tenant];
    const std::uint16_t interface = tenant.interface_position(ingress.interface);
    const Component component = counters.interface_component(ingress.tenant, ingress.interface);
    const auto arp = parse_arp(packet.frame.bytes().subspan(packet.l2.length));
    if (!arp) return leave_to_others(arrival, component, DropReason::BAD_ETHERTYPE);
    learn_station(arrival);
    const bool for_us = answers_for(tenant, interface, arp->target_ip, Family::v4);
    const bool probe = arp->sender_ip == Ip{};
    const bool ours =
        answers_for(tenant, interface, arp->sender_ip, Family::v4);  // a conflict, or our own echo
    if (!probe && !ours && !arp->sender_mac.is_group() &&
        on_link(tenant, interface, arp->sender_ip, Family::v4)) {
        const bool reply = arp->operation == 2 && for_us;
        const std::uint32_t way = told_way(ingress, arp->sender_mac, behind);
        neighbours.learn(ingress, arp->sender_ip, Family::v4, {arp->sender_mac, way}, reply,
                         for_us && arp->operation == 1, true, now);
    }
    if (!for_us) return leave_to_others(arrival, component, DropReason::NOT_OURS);
    if (arp->operation == 1 && !ours) {
        const Frame frame = new_frame(arp_bytes);
        if (frame.data != nullptr) {
            const Arp answer{2, own_mac(ingress), arp->sender_mac, arp->target_ip, arp->sender_ip};
            build_arp(answer, frame.bytes().subspan(14));
            send_to(frame, ethertype_arp, arp_bytes, ingress, {packet.l2.source, behind});
        }
    }
    consume(packet.frame);
}

bool Shard::State::receive_neighbour_message(const Arrival& arrival) {
    const PacketView& packet = arrival.packet;
    const InterfaceRef ingress = arrival.ingress;
    if (packet.ip.protocol != protocol_icmpv6 || packet.ip.fragment) return false;
    if (packet.ip.icmp_type != 135 && packet.ip.icmp_type != 136) return false;
    ++counters.cache.uncacheable[static_cast<std::size_t>(NoCacheReason::ND)];
    const TenantView& tenant = image->tenants()[ingress.tenant];
    const std::uint16_t interface = tenant.interface_position(ingress.interface);
    const Component component = counters.interface_component(ingress.tenant, ingress.interface);
    const auto message = parse_neighbour_message(packet);
    if (!message) {
        leave_to_others(arrival, component, DropReason::L4_SHORT);
        return true;
    }
    const Ip speaker = message->solicitation ? message->source : message->target;
    const bool for_us = message->solicitation ? answers_for(tenant, interface, message->target, Family::v6)
                                              : !is_own(tenant, interface, message->target, Family::v6);
    learn_station(arrival);
    if (!for_us) {
        leave_to_others(arrival, component, DropReason::NOT_OURS);
        return true;
    }
    const std::uint32_t behind = tunnel_of(arrival);
    const bool credible =
        speaker != Ip{} && (is_link_local_v6(speaker) || on_link(tenant, interface, speaker, Family::v6));
    std::optional<Mac> link_layer = message->link_layer;
    if (!message->solicitation && !link_layer) {
        // The answer to a unicast solicitation may leave it out: it says that what we know is right (RFC 4861
        // 7.2.4).
        const std::uint32_t known = neighbours.find(ingress, speaker, Family::v6);
        if (known != no_neighbour && neighbours[known].usable()) link_layer = neighbours[known].mac;
    }
    if (credible && link_layer && !link_layer->is_group()) {
        const bool solicited = !message->solicitation && message->solicited;
        const bool override_mac = message->solicitation || message->override_flag;
        const std::uint32_t way = told_way(ingress, *link_layer, behind);
        neighbours.learn(ingress, speaker, Family::v6, {*link_layer, way}, solicited, message->solicitation,
                         override_mac, now);
    }
    if (message->solicitation) {
        const Frame frame = new_frame(longest_built_packet);
        if (frame.data != nullptr) {
            NeighbourMessage answer;
            answer.source = answer.target = message->target;
            answer.link_layer = own_mac(ingress);
            answer.router = answer.override_flag = true;
            Station to{packet.l2.source, behind};
            if (message->source == Ip{}) {  // duplicate address detection: all nodes are told (RFC 4861 7.2.4)
                answer.destination = {0xff02000000000000, 1};
                to = multicast_mac(answer.destination, Family::v6);
            } else {
                answer.destination = message->source;
                answer.solicited = true;
            }
            const std::uint32_t length = build_neighbour_message(answer, frame.bytes().subspan(14));
            send_to(frame, ethertype_ipv6, length, ingress, to);
        }
    }
    consume(packet.frame);
    return true;
}

}  // namespace sluice
