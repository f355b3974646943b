// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/image.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "runtime/image/image_file.h"
#include "runtime/image/sealed_memory.h"
#include "runtime/image/tenant_view.h"
#include "runtime/image/verify.h"
#include "schemas/layout/image_header.h"

namespace sluice {
struct Image::Storage {
    SealedMemory memory;
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

}  // namespace

Image::Result Image::load(const std::string& path) {
    return from_storage(read_image_file(path));
}

Image::Result Image::from_bytes(std::span<const std::uint8_t> file) {
    return from_storage(copy_of(file));
}

// Sealed before it is verified, so that what was verified is what is read.
Image::Result Image::from_storage(std::variant<SealedMemory, ImageError> copy) {
    if (auto* error = std::get_if<ImageError>(&copy)) return std::move(*error);
    SealedMemory& memory = std::get<SealedMemory>(copy);
    if (!memory.seal()) {
        return ImageError{ImageError::Kind::unreadable, "the kernel refuses to make the image read-only"};
    }
    if (auto error = verify_file(memory.bytes())) return std::move(*error);

    std::unique_ptr<Image> image(new Image);
    image->storage_ = std::make_unique<Storage>(Storage{std::move(memory)});
    image->root_ = image::GetImage(image->storage_->memory.bytes().data() + sizeof(ImageHeader));
    image->ttl_mode_ = image->root_->ttl_mode();
    for (const image::Port* port : *image->root_->ports()) {
        image->port_names_.push_back(port->name()->string_view());
    }
    image->bindings_ = rows_of(image->root_->bindings());
    const auto& sections = *image->root_->tenants();
    for (std::size_t i = 0; i < sections.size(); ++i) {
        const std::uint8_t* bytes = sections[static_cast<flatbuffers::uoffset_t>(i)]->section()->data();
        image->tenants_.push_back(view_tenant(*flatbuffers::GetRoot<image::Tenant>(bytes), i));
    }
    return std::unique_ptr<const Image>(std::move(image));
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

const image::Binding* Image::find_binding(std::uint16_t port, std::uint16_t outer,
                                          std::uint16_t inner) const noexcept {
    const std::uint64_t key = std::uint64_t{port} << 32 | std::uint64_t{outer} << 16 | inner;
    const auto place =
        std::lower_bound(bindings_.begin(), bindings_.end(), key,
                         [](const image::Binding& row, std::uint64_t k) { return row.key() < k; });
    return place != bindings_.end() && place->key() == key ? &*place : nullptr;
}

}  // namespace sluice
