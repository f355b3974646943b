// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/load_to_run.h"

#include "runtime/image/image_file.h"
#include "runtime/image/sealed_memory.h"
#include "schemas/layout/cpu_target.h"

namespace sluice {

Image::Result load_to_run(const std::string& path) {
    auto file = read_image_file(path);
    if (auto* error = std::get_if<ImageError>(&file)) return std::move(*error);
    SealedMemory& memory = std::get<SealedMemory>(file);
    const auto other_cpu = refuse_cpu(memory.bytes());
    auto loaded = Image::from_memory(std::move(memory));
    // Damage first: what a damaged header says of CPUs means nothing.
    if (other_cpu && std::holds_alternative<std::unique_ptr<const Image>>(loaded)) {
        return ImageError{ImageError::Kind::version, *other_cpu};
    }
    return loaded;
}

}  // namespace sluice
