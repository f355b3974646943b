// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/image.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "runtime/image/image_file.h"
#include "runtime/image/sealed_memory.h"
#include "runtime/image/tenant_slots.h"
#include "runtime/image/tenant_view.h"
#include "runtime/image/verify.h"
#include "schemas/layout/closure.h"
#include "schemas/layout/image_header.h"
#include "schemas/layout/image_types.h"

namespace sluice {
/// What all images that share the memory have in common: the tenants as loaded, by position.
struct Image::Storage {
    SealedMemory memory;
    std::vector<TenantView> tenants;
    std::vector<std::string_view> port_names;
    Digest gateway;
};

Image::~Image() = default;

namespace {

std::variant<SealedMemory, ImageError> copy_of(std::span<const std::uint8_t> file) {
    auto memory = SealedMemory::allocate(file.size());
    if (!memory) {
        return ImageError{ImageError::Kind::unreadable,
                          "no memory for the image's " + std::to_string(file.size()) + " bytes"};
    }
    if (!file.empty()) std::memcpy(memory->writable().data(), file.data(), file.size());
    return std::move(*memory);
}

/// Is an interface (a slot) where it was, with the addresses it had? Then its neighbours are.
bool same_link(const TenantView& before, const NameSlots& ports_before, const TenantView& now,
               const NameSlots& ports, std::uint16_t slot) {
    if (slot >= before.interface_slots()) return false;
    const std::uint16_t old_position = before.interface_position(slot);
    const std::uint16_t position = now.interface_position(slot);
    if (old_position == no_interface || position == no_interface) return false;
    const image::Interface& a = before.interfaces[old_position];
    const image::Interface& b = now.interfaces[position];
    if (a.kind() != b.kind() || a.tag_count() != b.tag_count()) return false;
    if (a.kind() == image::InterfaceKind::Peer) return true;
    if (ports_before.slot(a.port()) != ports.slot(b.port())) return false;
    if (a.outer_vid() != b.outer_vid() || a.inner_vid() != b.inner_vid()) return false;
    if (a.encapsulation() != b.encapsulation() || a.vni() != b.vni()) return false;
    const auto addresses = [](const TenantView& tenant, const image::Interface& row) {
        return tenant.addresses.subspan(row.first_address(), row.address_count());
    };
    return std::ranges::equal(addresses(before, a), addresses(now, b), [](const auto& x, const auto& y) {
        return from_image(x.ip()) == from_image(y.ip()) && x.prefix_length() == y.prefix_length() &&
               x.family() == y.family();
    });
}

}  // namespace

Image::Result Image::load(const std::string& path) {
    return from_storage(read_image_file(path));
}

Image::Result Image::from_bytes(std::span<const std::uint8_t> file) {
    return from_storage(copy_of(file));
}

Image::Result Image::from_memory(SealedMemory memory) {
    return from_storage(std::move(memory));
}

// Sealed before it is verified, so that what was verified is what is read.
Image::Result Image::from_storage(std::variant<SealedMemory, ImageError> copy) {
    if (auto* error = std::get_if<ImageError>(&copy)) return std::move(*error);
    SealedMemory& memory = std::get<SealedMemory>(copy);
    if (!memory.seal()) {
        return ImageError{ImageError::Kind::unreadable, "the kernel refuses to make the image read-only"};
    }
    if (auto error = verify_file(memory.bytes())) return std::move(*error);

    auto storage = std::make_shared<Storage>(Storage{std::move(memory), {}, {}, {}});
    std::unique_ptr<Image> image(new Image);
    image->root_ = image::GetImage(storage->memory.bytes().data() + sizeof(ImageHeader));
    storage->gateway = gateway_digest(*image->root_);
    for (const image::Port* port : *image->root_->ports()) {
        storage->port_names.push_back(port->name()->string_view());
    }
    const auto& sections = *image->root_->tenants();
    for (std::size_t i = 0; i < sections.size(); ++i) {
        TenantView& tenant = storage->tenants.emplace_back();
        const image::TenantSection& row = *sections[static_cast<flatbuffers::uoffset_t>(i)];
        tenant = view_tenant(*image->root_, *flatbuffers::GetRoot<image::Tenant>(row.section()->data()), i);
        tenant.section_digest = {row.digest()->data(), row.digest()->size()};
        tenant.closure = {row.closure()->data(), row.closure()->size()};
    }
    image->storage_ = std::move(storage);
    image->number(nullptr, 0);
    return std::unique_ptr<const Image>(std::move(image));
}

std::unique_ptr<const Image> Image::follow(const Image& running, std::uint32_t forgotten) const {
    std::unique_ptr<Image> image(new Image);
    image->storage_ = storage_;
    image->root_ = root_;
    image->generation_ = running.generation_ + 1;
    image->number(&running, forgotten);
    constexpr std::uint32_t most_slots = no_interface;
    if (image->tenant_slots_.size() > most_slots || image->port_slots_.size() > most_slots ||
        image->ingress_slots_.size() > most_slots) {
        return nullptr;
    }
    for (const TenantView& tenant : image->tenants_) {
        if (tenant.slots && tenant.slots->interfaces.size() > most_slots) return nullptr;
    }
    return std::unique_ptr<const Image>(std::move(image));
}

void Image::number(const Image* running, std::uint32_t forgotten) {
    port_slots_ = NameSlots(running == nullptr ? NameSlots() : running->port_slots_, storage_->port_names,
                            generation_, forgotten);
    for (std::uint32_t slot = 0; slot < port_slots_.size(); ++slot)
        port_names_.push_back(port_slots_.name(slot));
    view_tenants(running, forgotten);
    view_bindings(running, forgotten);
    find_vanished();
}

void Image::view_tenants(const Image* running, std::uint32_t forgotten) {
    std::vector<std::string_view> names;
    for (const TenantView& tenant : storage_->tenants) names.push_back(tenant.name);
    tenant_slots_ =
        NameSlots(running == nullptr ? NameSlots() : running->tenant_slots_, names, generation_, forgotten);
    const bool same_gateway = running != nullptr && running->storage_->gateway == storage_->gateway;
    tenants_.resize(tenant_slots_.size());
    for (std::uint32_t slot = 0; slot < tenants_.size(); ++slot) {
        const std::uint32_t position = tenant_slots_.position(slot);
        const TenantView* now = position == no_position ? nullptr : &storage_->tenants[position];
        const bool known =
            running != nullptr && slot < running->tenants_.size() && tenant_slots_.since(slot) < generation_;
        const TenantView* before = known ? &running->tenants_[slot] : nullptr;
        TenantView& view = tenants_[slot];
        if (now != nullptr) view = *now;
        view.index = static_cast<std::uint16_t>(slot);
        view.name = tenant_slots_.name(slot);
        for (PeerEnd& peer : view.peers) {
            peer.tenant = static_cast<std::uint16_t>(tenant_slots_.slot(peer.tenant));
        }
        if (running == nullptr) continue;
        const bool same_section = before != nullptr && now != nullptr && before->table != nullptr &&
                                  std::ranges::equal(before->section_digest, now->section_digest);
        view.slots = slots_of(now, before, same_section, generation_, forgotten);
        const bool same_own = same_section && same_gateway && before->peers == view.peers;
        view.links_changed.assign(view.interface_slots(), generation_);
        for (std::uint16_t i = 0; before != nullptr && i < view.interface_slots(); ++i) {
            const bool same = same_section || same_link(*before, running->port_slots_, view, port_slots_, i);
            if (same) view.links_changed[i] = before->link_changed(i);
        }
        view.section_changed = same_own ? before->section_changed : generation_;
        const bool same_closure = before != nullptr && now != nullptr && before->table != nullptr &&
                                  std::ranges::equal(before->closure, now->closure);
        view.closure_changed = same_closure ? before->closure_changed : generation_;
    }
}

void Image::view_bindings(const Image* running, std::uint32_t forgotten) {
    underlays_.assign(port_slots_.size(), no_tenant);
    for (std::uint32_t i = 0; i < root_->ports()->size(); ++i) {
        const std::uint16_t tenant = root_->ports()->Get(i)->underlay();
        if (tenant == no_tenant) continue;
        underlays_[port_slots_.slot(i)] = static_cast<std::uint16_t>(tenant_slots_.slot(tenant));
    }
    const auto rows = rows_of(root_->bindings());
    std::vector<std::string> names;
    for (const image::Binding& row : rows) {
        const TenantView& tenant = tenants_[tenant_slots_.slot(row.tenant())];
        // No name has a line feed in it that people could type.
        names.push_back(std::string(tenant.name) + "\n" + std::string(tenant.interface_names[row.interface()]));
    }
    const std::vector<std::string_view> views(names.begin(), names.end());
    ingress_slots_ =
        NameSlots(running == nullptr ? NameSlots() : running->ingress_slots_, views, generation_, forgotten);
    for (std::uint32_t i = 0; i < rows.size(); ++i) {
        const image::Binding& row = rows[i];
        const TenantView& tenant = tenants_[tenant_slots_.slot(row.tenant())];
        bindings_.emplace_back(on_port(row.key(), port_slot(port_of_binding(row.key()))), tenant.index,
                               tenant.interface_slot(row.interface()), ingress_slots_.slot(i));
    }
    std::sort(bindings_.begin(), bindings_.end(),
              [](const auto& a, const auto& b) { return a.key() < b.key(); });
}

void Image::find_vanished() {
    vanished_ = std::max({port_slots_.vanished(), tenant_slots_.vanished(), ingress_slots_.vanished()});
    for (const TenantView& tenant : tenants_) {
        if (!tenant.slots) continue;
        vanished_ = std::max({vanished_, tenant.slots->interfaces.vanished(), tenant.slots->rules.vanished(),
                              tenant.slots->snat_rules.vanished()});
    }
}

std::string_view Image::gateway() const noexcept {
    return root_->gateway()->string_view();
}

std::uint64_t Image::bytes() const noexcept {
    return storage_->memory.bytes().size();
}

std::span<const std::uint8_t> Image::digest() const noexcept {
    return storage_->memory.bytes().subspan(offsetof(ImageHeader, digest), 32);
}

const image::Binding* Image::find_binding(std::uint64_t key) const noexcept {
    const auto place =
        std::lower_bound(bindings_.begin(), bindings_.end(), key,
                         [](const image::Binding& row, std::uint64_t k) { return row.key() < k; });
    return place != bindings_.end() && place->key() == key ? &*place : nullptr;
}

}  // namespace sluice
