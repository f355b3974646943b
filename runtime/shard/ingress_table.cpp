// SPDX-License-Identifier: Apache-2.0
#include "runtime/shard/ingress_table.h"

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
      by_port_and_vid_(image.port_names().size() * rows_a_port, no_ingress) {
    for (const image::Binding& binding : image.bindings()) {
        const auto number = static_cast<std::uint16_t>(binding.number());
        const TenantView& tenant = image.tenants()[binding.tenant()];
        Ingress ingress;
        ingress.mac = from_image(tenant.interfaces[tenant.interface_position(binding.interface())].mac());
        ingress.number = number;
        ingress.stateful = tenant.has_service_router;
        ingress.scope = ingress.stateful ? binding.tenant() : number;
        std::memcpy(&ingress.mac_bits, ingress.mac.bytes.data(), ingress.mac.bytes.size());
        const FlowKind kind = ingress.stateful ? FlowKind::session4 : FlowKind::stateless4;
        ingress.key_bits = key_bits_of(kind, ingress.scope);
        ingress.interface = {binding.tenant(), binding.interface()};
        ingress.epoch = tenant.closure_changed;
        ingresses_[number] = ingress;
        start_rows_[number] = StartRow::of(image, ingress.interface);
        const auto outer = static_cast<std::uint16_t>(binding.key() >> 16);
        const auto inner = static_cast<std::uint16_t>(binding.key());
        const auto port = static_cast<std::size_t>(binding.key() >> 32);
        if (inner == absent_tag) {
            by_port_and_vid_[port * rows_a_port + (outer == absent_tag ? 0u : outer)] = number;
        }
    }
}

std::uint16_t IngressTable::find_qinq(std::uint16_t port, std::uint16_t outer_vid,
                                      std::uint16_t inner_vid) const noexcept {
    const image::Binding* binding = image_->find_binding(port, outer_vid, inner_vid);
    return binding == nullptr ? no_ingress : static_cast<std::uint16_t>(binding->number());
}

}  // namespace sluice
