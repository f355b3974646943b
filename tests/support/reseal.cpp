// SPDX-License-Identifier: Apache-2.0
#include "tests/support/reseal.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "runtime/image/shared_tables.h"
#include "schemas/layout/closure.h"
#include "schemas/layout/image_header.h"

namespace sluice::test {
namespace {

bool is_section(const image::TenantSection& row) {
    flatbuffers::Verifier verifier(row.section()->data(), row.section()->size());
    return verifier.VerifyBuffer<image::Tenant>(nullptr);
}

void put(std::span<std::uint8_t> payload, const void* place, const void* bytes, std::size_t count) {
    const auto offset = static_cast<std::size_t>(static_cast<const std::uint8_t*>(place) - payload.data());
    std::memcpy(payload.data() + offset, bytes, count);
}

void refer_to(std::span<std::uint8_t> payload, const image::Image& root,
              const std::map<Digest, Digest>& renamed) {
    for (const image::TenantSection* row : *root.tenants()) {
        if (row->section() == nullptr || !is_section(*row)) continue;
        const auto& tenant = *flatbuffers::GetRoot<image::Tenant>(row->section()->data());
        for_each_reference(tenant, [&](auto, const image::TableDigest* reference, auto) {
            if (reference == nullptr) return;
            Digest digest;
            std::memcpy(digest.data(), reference, digest.size());
            const auto found = renamed.find(digest);
            if (found != renamed.end()) put(payload, reference, found->second.data(), digest.size());
        });
    }
}

/// Tables get the digests of their bytes and come in that order; the sections refer to them as before.
void seal_tables(std::span<std::uint8_t> payload, const image::Image& root) {
    const auto* tables = root.tables();
    if (tables == nullptr || root.tenants() == nullptr) return;
    std::map<Digest, Digest> renamed;
    std::vector<std::pair<Digest, const std::uint8_t*>> order;
    std::size_t bytes = 0;
    for (const image::SharedTable* table : *tables) {
        bytes += table->bytes()->size();
        if (bytes > payload.size()) return;
        Digest before;
        std::memcpy(before.data(), table->digest(), before.size());
        const Digest now = digest_of({table->bytes()->data(), table->bytes()->size()});
        renamed.emplace(before, now);
        put(payload, table->digest(), now.data(), now.size());
        order.emplace_back(now, reinterpret_cast<const std::uint8_t*>(table));
    }
    refer_to(payload, root, renamed);
    std::sort(order.begin(), order.end());
    for (std::size_t i = 0; i < order.size(); ++i) {
        const std::uint8_t* place = tables->Data() + i * sizeof(flatbuffers::uoffset_t);
        const auto offset = static_cast<flatbuffers::uoffset_t>(order[i].second - place);
        put(payload, place, &offset, sizeof offset);
    }
}

void seal_sections(std::span<std::uint8_t> payload) {
    flatbuffers::Verifier::Options options;
    options.check_nested_flatbuffers = false;
    flatbuffers::Verifier verifier(payload.data(), payload.size(), options);
    if (!verifier.VerifyBuffer<image::Image>(image::ImageIdentifier())) return;
    seal_tables(payload, *image::GetImage(payload.data()));
    const auto* tenants = image::GetImage(payload.data())->tenants();
    if (tenants == nullptr) return;
    std::size_t bytes = 0;
    bool all_well_formed = true;
    for (flatbuffers::uoffset_t i = 0; i < tenants->size(); ++i) {
        const image::TenantSection* row = tenants->Get(i);
        all_well_formed &= row->section() != nullptr && row->digest() != nullptr;
        if (row->section() == nullptr || row->digest() == nullptr) continue;
        bytes += row->section()->size();
        all_well_formed &= bytes <= payload.size() && is_section(*row);
        if (row->digest()->size() != Digest{}.size() || bytes > payload.size()) continue;
        const Digest digest = digest_of({row->section()->data(), row->section()->size()});
        std::copy(digest.begin(), digest.end(), payload.data() + (row->digest()->data() - payload.data()));
    }
    if (all_well_formed) seal_closures(payload);
}

}  // namespace

std::vector<std::uint8_t> sealed_file(const std::vector<std::uint8_t>& payload) {
    std::vector<std::uint8_t> file(sizeof(ImageHeader) + payload.size());
    std::copy(payload.begin(), payload.end(), file.begin() + sizeof(ImageHeader));
    reseal(file);
    return file;
}

void reseal(std::vector<std::uint8_t>& file) {
    seal_sections(std::span(file).subspan(sizeof(ImageHeader)));
    seal_image(file);
}

}  // namespace sluice::test
