// SPDX-License-Identifier: Apache-2.0
#include "runtime/shard/ingress_table.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "runtime/packet/view.h"
#include "runtime/state/flow_entry.h"
#include "schemas/layout/image_types.h"

namespace sluice {

IngressTable::IngressTable(const Image& image)
    : image_(&image),
      ingresses_(image.ingress_slots()),
      start_rows_(image.ingress_slots()),
      last_starts_(image.ingress_slots()),
      by_port_and_vid_(image.port_names().size() * rows_a_port, no_ingress),
      underlays_(image.port_names().size(), no_ingress),
      tunnel_ends_(image.port_names().size()) {
    const auto tunnelled = static_cast<std::size_t>(
        std::ranges::count_if(image.bindings(), [](const auto& row) { return is_tunnel_binding(row.key()); }));
    if (tunnelled != 0) by_vni_.resize(std::bit_ceil(2 * tunnelled));
    for (const image::Binding& binding : image.bindings()) {
        const auto number = static_cast<std::uint16_t>(binding.number());
        const TenantView& tenant = image.tenants()[binding.tenant()];
        Ingress ingress;
        const std::uint16_t position = tenant.interface_position(binding.interface());
        const std::uint16_t entered = tenant.entered_by(position);
        const Mac mac = from_image(tenant.interfaces[entered].mac());
        ingress.number = number;
        ingress.stateful = tenant.has_service_router;
        ingress.scope = ingress.stateful ? binding.tenant() : number;
        std::memcpy(&ingress.mac_bits, mac.bytes.data(), mac.bytes.size());
        const FlowKind kind = ingress.stateful ? FlowKind::session4 : FlowKind::stateless4;
        ingress.key_bits = key_bits_of(kind, ingress.scope);
        ingress.interface = tenant.ref(entered);
        if (entered != position) ingress.attachment = binding.interface();
        const auto [first, last] = tenant.attachments_of(entered);
        ingress.switches = first != last;
        ingress.epoch = tenant.closure_changed;
        ingress.links = add_links(image, tenant);
        any_packet_limits_ |= tenant.packets_a_second != 0;
        ingresses_[number] = ingress;
        start_rows_[number].set(image, ingress.interface);
        if (is_tunnel_binding(binding.key())) {
            add_vni(binding.key(), number);
            continue;
        }
        if (image.underlays()[port_of_binding(binding.key())] == binding.tenant()) {
            ingresses_[number].ends_tunnels = true;
            const std::uint16_t port = port_of_binding(binding.key());
            underlays_[port] = number;
            const Ip ipv4 = tenant.tunnel_endpoint(Family::v4).value_or(Ip{});
            const Ip ipv6 = tenant.tunnel_endpoint(Family::v6).value_or(Ip{});
            tunnel_ends_[port] = {ingress.mac_bits,
                                  {__builtin_bswap64(ipv6.hi), __builtin_bswap64(ipv6.lo)},
                                  __builtin_bswap32(ipv4.v4())};
            continue;
        }
        const auto outer = static_cast<std::uint16_t>(binding.key() >> 16);
        const auto inner = static_cast<std::uint16_t>(binding.key());
        const auto port = static_cast<std::size_t>(binding.key() >> 32);
        if (inner == absent_tag) {
            by_port_and_vid_[port * rows_a_port + (outer == absent_tag ? 0u : outer)] = number;
        }
    }
}

void IngressTable::add_vni(std::uint64_t key, std::uint16_t number) {
    const InterfaceRef ref = ingresses_[number].interface;
    const TenantView& tenant = image_->tenants()[ref.tenant];
    const std::uint16_t position = tenant.interface_position(ref.interface);
    const auto remotes = tenant.remotes_of(position);
    const bool is_ipv6 = outer_family(tenant.interfaces[position]) == Family::v6;
    std::size_t at = first_place_of(key);
    while (by_vni_[at].key != 0) at = (at + 1) & (by_vni_.size() - 1);
    VniPlace& place = by_vni_[at];
    place.key = key;
    place.first_remote = static_cast<std::uint32_t>(is_ipv6 ? remotes6_.size() : remotes4_.size()) & 0x7fffffff;
    place.is_ipv6 = is_ipv6;
    place.remote_count = static_cast<std::uint16_t>(remotes.size());
    place.number = number;
    for (const image::Ip& remote : remotes) {
        if (is_ipv6) {
            remotes6_.push_back(from_image(remote));
        } else {
            remotes4_.push_back(from_image(remote).v4());
        }
    }
}

std::uint16_t IngressTable::add_links(const Image& image, const TenantView& tenant) {
    if (tenant.has_service_router) return no_links;
    const auto known =
        std::ranges::find_if(links_, [&](const Links& links) { return links.tenant == tenant.index; });
    if (known != links_.end()) return static_cast<std::uint16_t>(known - links_.begin());
    Links links{tenant.index, tenant.routes4, tenant.routes6, {}};
    bool any = false;
    for (const image::Adjacency& adjacency : tenant.adjacencies) {
        std::uint16_t scope = no_tenant;
        if (adjacency.kind() == image::AdjacencyKind::Peer) {
            const std::uint16_t peer = tenant.peers[adjacency.interface()].tenant;
            if (image.tenants()[peer].has_service_router) scope = peer;
        }
        any |= scope != no_tenant;
        links.scopes.push_back(scope);
    }
    if (!any) return no_links;
    links_.push_back(std::move(links));
    return static_cast<std::uint16_t>(links_.size() - 1);
}

std::uint16_t IngressTable::find_qinq(std::uint16_t port, std::uint16_t outer_vid,
                                      std::uint16_t inner_vid) const noexcept {
    const image::Binding* binding = image_->find_binding(port, outer_vid, inner_vid);
    return binding == nullptr ? no_ingress : static_cast<std::uint16_t>(binding->number());
}

}  // namespace sluice
