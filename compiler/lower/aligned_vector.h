// SPDX-License-Identifier: Apache-2.0
//
// Vectors that start at multiples of 64 bytes in the finished buffer; flatc itself stops at 32
// (schemas/image.fbs).
#pragma once

#include <vector>

#include "schemas/image_generated.h"
#include "schemas/layout/image_header.h"

namespace sluice::lower {

template <typename Row>
flatbuffers::Offset<flatbuffers::Vector<const Row*>> aligned_structs(flatbuffers::FlatBufferBuilder& builder,
                                                                     const std::vector<Row>& rows) {
    if (rows.empty()) return 0;  // absent
    builder.ForceVectorAlignment(rows.size(), sizeof(Row), image_alignment);
    return builder.CreateVectorOfStructs(rows);
}

template <typename Scalar>
flatbuffers::Offset<flatbuffers::Vector<Scalar>> aligned_scalars(flatbuffers::FlatBufferBuilder& builder,
                                                                 const std::vector<Scalar>& values) {
    if (values.empty()) return 0;
    builder.ForceVectorAlignment(values.size(), sizeof(Scalar), image_alignment);
    return builder.CreateVector(values);
}

}  // namespace sluice::lower
