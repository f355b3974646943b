// SPDX-License-Identifier: Apache-2.0
#include "runtime/control/entrance.h"

#include "runtime/packet/bytes.h"
#include "runtime/packet/headers.h"
#include "runtime/packet/parse.h"
#include "runtime/packet/tunnel_header.h"
#include "schemas/layout/image_types.h"

namespace sluice {
namespace {

bool ends_here(const Image& image, std::uint16_t port, const PacketView& packet) {
    if (port >= image.underlays().size() || packet.l2.length != ethernet_header_bytes) return false;
    const std::uint16_t underlay = image.underlays()[port];
    return underlay != no_tenant && is_for_tunnels(packet.ip) &&
           packet.ip.destination == image.tenants()[underlay].tunnel_endpoint(packet.ip.family);
}

Entrance refused(DropReason reason) {
    return {nullptr, name_of(reason), {}};
}

Entrance behind_tunnel(const Image& image, std::uint16_t port, const PacketView& outer) {
    const std::uint32_t udp_bytes = load16(outer.l4() + udp_length_at);
    const std::span payload(outer.l4() + udp_header_bytes, udp_bytes - udp_header_bytes);
    const auto header = parse_tunnel_header(outer.ip, payload);
    if (const auto* reason = std::get_if<DropReason>(&header)) return refused(*reason);
    const auto [vni, header_bytes] = std::get<TunnelHeader>(header);
    Entrance entrance;
    entrance.binding = image.find_binding(tunnel_binding_key(port, vni));
    if (entrance.binding == nullptr) return refused(DropReason::UNKNOWN_VNI);
    const TenantView& tenant = image.tenants()[entrance.binding->tenant()];
    if (!tenant.has_remote(tenant.interface_position(entrance.binding->interface()),
                           {outer.ip.source, outer.ip.family})) {
        return refused(DropReason::UNKNOWN_TEP);
    }
    PacketView& packet = entrance.packet;
    packet.frame = outer.frame;
    packet.frame.data = payload.data() + header_bytes;
    packet.frame.length = static_cast<std::uint32_t>(payload.size() - header_bytes);
    const auto l2 = parse_l2(packet.frame.bytes());
    if (!l2) return refused(DropReason::SHORT);
    packet.l2 = *l2;
    if (l2->length != ethernet_header_bytes) return refused(DropReason::UNKNOWN_VLAN);
    if (l2->ethertype != ethertype_ipv4 && l2->ethertype != ethertype_ipv6) {
        return refused(DropReason::BAD_ETHERTYPE);
    }
    if (const auto reason =
            parse_ip_packet(packet.frame.bytes().subspan(l2->length), l2->ethertype, packet.ip)) {
        return refused(*reason);
    }
    return entrance;
}

}  // namespace

Entrance entrance_of(const Image& image, std::uint16_t port, const PacketView& packet) {
    if (ends_here(image, port, packet)) return behind_tunnel(image, port, packet);
    const image::Binding* binding = image.find_binding(port, packet.l2.outer_vid, packet.l2.inner_vid);
    if (binding == nullptr) return refused(DropReason::UNKNOWN_VLAN);
    return {binding, {}, packet};
}

}  // namespace sluice
