// SPDX-License-Identifier: Apache-2.0
//
// Vectors that start at multiples of 64 bytes in the finished buffer (flatc itself stops at 32:
// schemas/image.fbs), and vectors of names.
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

using NameVector = flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>;

/// The names of things that have one.
template <typename Items>
flatbuffers::Offset<NameVector> name_strings(flatbuffers::FlatBufferBuilder& builder, const Items& items) {
    std::vector<flatbuffers::Offset<flatbuffers::String>> names;
    for (const auto& item : items) names.push_back(builder.CreateString(item.name));
    return builder.CreateVector(names);
}

}  // namespace sluice::lower
