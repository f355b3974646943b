// SPDX-License-Identifier: Apache-2.0
#include "compiler/program/load.h"

#include <fmt/format.h>

#include <filesystem>

#include "compiler/lower/build_image.h"
#include "compiler/program/report.h"

namespace sluice::program {
namespace {

bool is_policy(const std::string& path) {
    const std::filesystem::path file(path);
    return std::filesystem::is_directory(file) || file.extension() == ".yaml" || file.extension() == ".yml";
}

}  // namespace

std::unique_ptr<const Image> load_image(const std::string& path, Exit& exit) {
    Image::Result result = ImageError{};
    if (is_policy(path)) {
        const auto checked = check_and_report(path);
        if (!checked.policy) {
            exit = Exit::failed;
            return nullptr;
        }
        result = Image::from_bytes(build_image(*checked.policy));
    } else {
        result = Image::load(path);
    }
    if (auto* image = std::get_if<std::unique_ptr<const Image>>(&result)) return std::move(*image);
    const auto& error = std::get<ImageError>(result);
    fmt::print(stderr, "sluicec: {}: {}\n", path, error.text);
    exit = error.kind == ImageError::Kind::integrity ? Exit::integrity : Exit::failed;
    return nullptr;
}

}  // namespace sluice::program
