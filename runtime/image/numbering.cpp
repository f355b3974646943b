// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/numbering.h"

#include <algorithm>
#include <optional>

#include "runtime/image/image.h"
#include "runtime/image/tenant_slots.h"

namespace sluice {
namespace {

constexpr std::uint32_t first_generation = 1;

NameSlots numbered(const std::vector<std::string>& by_slot, std::span<const std::string_view> names) {
    return {NameSlots::remembered(by_slot), names, first_generation, 0};
}

std::optional<std::vector<std::string_view>> snat_names(const Numbering::Tenant& tenant, std::size_t rules) {
    std::vector<std::string_view> names;
    for (const std::uint32_t slot : tenant.snat_slots) {
        if (slot >= tenant.snat_rules.size()) return std::nullopt;
        names.emplace_back(tenant.snat_rules[slot]);
    }
    std::vector<std::string_view> sorted = names;
    std::ranges::sort(sorted);
    if (names.size() != rules || std::ranges::adjacent_find(sorted) != sorted.end()) return std::nullopt;
    return names;
}

/// `now` is null where the image has no such tenant.
std::shared_ptr<const TenantSlots> slots_from(const Numbering::Tenant& tenant, const TenantView* now) {
    const auto snat = snat_names(tenant, now == nullptr ? 0 : now->snat_rules.size());
    if (!snat) return nullptr;
    static const std::vector<std::string_view> nothing;
    auto slots = std::make_shared<TenantSlots>();
    slots->interfaces = numbered(tenant.interfaces, now == nullptr ? nothing : now->interface_names);
    slots->rules = numbered(tenant.rules, now == nullptr ? nothing : now->rule_names.all());
    slots->snat_rules = numbered(tenant.snat_rules, *snat);
    return slots;
}

}  // namespace

Numbering Image::numbering() const {
    Numbering numbering{.ports = port_slots_.names(), .tenants = {}};
    for (const TenantView& view : tenants_) {
        const auto slots = view.slots ? view.slots : slots_of(&view, nullptr, false, 0, 0);
        Numbering::Tenant& tenant = numbering.tenants.emplace_back();
        tenant.name = view.name;
        tenant.interfaces = slots->interfaces.names();
        tenant.rules = slots->rules.names();
        tenant.snat_rules = slots->snat_rules.names();
        for (std::uint32_t position = 0; position < view.snat_rules.size(); ++position) {
            tenant.snat_slots.push_back(slots->snat_rules.slot(position));
        }
    }
    return numbering;
}

std::unique_ptr<const Image> Image::renumbered(const Numbering& numbering) const {
    if (generation_ != 0) return nullptr;
    std::unique_ptr<Image> image(new Image);
    image->storage_ = storage_;
    image->root_ = root_;
    image->generation_ = first_generation;
    image->port_slots_ = numbered(numbering.ports, port_names_);
    for (std::uint32_t slot = 0; slot < image->port_slots_.size(); ++slot) {
        if (image->port_slots_.position(slot) == no_position) return nullptr;  // devices open for good
        image->port_names_.push_back(image->port_slots_.name(slot));
    }
    std::vector<std::string> names;
    for (const Numbering::Tenant& tenant : numbering.tenants) names.push_back(tenant.name);
    std::vector<std::string_view> present;
    for (const TenantView& tenant : tenants_) present.push_back(tenant.name);
    image->tenant_slots_ = numbered(names, present);
    // Names that this image has and the numbering lacks: it is another image's.
    const auto fits = [](const NameSlots& slots, std::size_t known) { return slots.size() == known; };
    if (!fits(image->tenant_slots_, numbering.tenants.size()) ||
        !fits(image->port_slots_, numbering.ports.size()) || numbering.tenants.size() >= no_interface) {
        return nullptr;
    }
    image->tenants_.resize(numbering.tenants.size());
    for (std::uint32_t slot = 0; slot < image->tenants_.size(); ++slot) {
        const std::uint32_t position = image->tenant_slots_.position(slot);
        const Numbering::Tenant& past = numbering.tenants[slot];
        TenantView& view = image->tenants_[slot];
        if (position != no_position) view = tenants_[position];
        view.index = static_cast<std::uint16_t>(slot);
        view.name = image->tenant_slots_.name(slot);
        view.slots = slots_from(past, position == no_position ? nullptr : &view);
        if (!view.slots || !fits(view.slots->interfaces, past.interfaces.size()) ||
            !fits(view.slots->rules, past.rules.size()) || past.interfaces.size() >= no_interface) {
            return nullptr;
        }
        for (PeerEnd& peer : view.peers) {
            peer.tenant = static_cast<std::uint16_t>(image->tenant_slots_.slot(peer.tenant));
        }
        view.links_changed.assign(view.interface_slots(), first_generation);
        view.section_changed = view.closure_changed = first_generation;
    }
    image->view_bindings(nullptr, 0);
    image->find_vanished();
    return std::unique_ptr<const Image>(std::move(image));
}

}  // namespace sluice
