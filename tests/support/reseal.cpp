// SPDX-License-Identifier: Apache-2.0
#include "tests/support/reseal.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "schemas/image_generated.h"
#include "schemas/layout/closure.h"
#include "schemas/layout/image_header.h"

namespace sluice::test {
namespace {

bool is_section(const image::TenantSection& row) {
    flatbuffers::Verifier verifier(row.section()->data(), row.section()->size());
    return verifier.VerifyBuffer<image::Tenant>(nullptr);
}

void seal_sections(std::span<std::uint8_t> payload) {
    flatbuffers::Verifier::Options options;
    options.check_nested_flatbuffers = false;
    flatbuffers::Verifier verifier(payload.data(), payload.size(), options);
    if (!verifier.VerifyBuffer<image::Image>(image::ImageIdentifier())) return;
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
