// SPDX-License-Identifier: Apache-2.0
//
// Reads an image file, whole, into memory of our own. Any thread but a packet thread.
#pragma once

#include <string>
#include <variant>

#include "runtime/image/image.h"
#include "runtime/image/sealed_memory.h"

namespace sluice {

/// Regular files only, at most longest_image_bytes; the size is what fstat says when reading starts.
std::variant<SealedMemory, ImageError> read_image_file(const std::string& path);

}  // namespace sluice
