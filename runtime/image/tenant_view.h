// SPDX-License-Identifier: Apache-2.0
//
// From a tenant's section to the spans that the stages read. Load time only: it allocates.
#pragma once

#include "runtime/image/image.h"

namespace sluice {

/// The rows of a vector; none where the vector is absent.
template <typename Row>
std::span<const Row> rows_of(const flatbuffers::Vector<const Row*>* vector) {
    if (vector == nullptr) return {};
    return {reinterpret_cast<const Row*>(vector->Data()), vector->size()};
}

template <typename Scalar>
std::span<const Scalar> scalars_of(const flatbuffers::Vector<Scalar>* vector) {
    if (vector == nullptr) return {};
    return {reinterpret_cast<const Scalar*>(vector->Data()), vector->size()};
}

/// The empty table where it is absent or empty. Reads nothing that it points to.
LpmView view_lpm(const image::Lpm* table);

/// `tenant` is a section of `root`, both well-formed FlatBuffers, and has a name.
TenantView view_tenant(const image::Image& root, const image::Tenant& tenant, std::size_t index);

}  // namespace sluice
