// SPDX-License-Identifier: Apache-2.0
#include "tests/support/compile.h"

#include <cstdlib>
#include <stdexcept>

#include "compiler/front/render.h"
#include "compiler/lower/build_image.h"
#include "compiler/sema/check.h"

namespace sluice::test {
namespace {

std::vector<std::uint8_t> build(const std::string& path, const front::Files& files,
                                const std::function<void(policy::Policy&)>& edit = {}) {
    sema::CheckResult result = sema::check_policy(path, files);
    if (!result.policy) {
        throw std::runtime_error(front::render_text(result.diagnostics, result.sources, front::Colour::off));
    }
    if (edit) edit(*result.policy);
    return build_image(*result.policy);
}

std::unique_ptr<const Image> compile(const std::string& path, const front::Files& files) {
    auto loaded = Image::from_bytes(build(path, files));
    if (const auto* error = std::get_if<ImageError>(&loaded)) throw std::runtime_error(error->text);
    return std::move(std::get<std::unique_ptr<const Image>>(loaded));
}

}  // namespace

std::unique_ptr<const Image> compile_directory(const std::string& path) {
    const char* source = std::getenv("SLUICE_SOURCE_DIR");
    return compile((source != nullptr ? std::string(source) + "/" : std::string()) + path, front::DiskFiles());
}

std::unique_ptr<const Image> compile_texts(const std::map<std::string, std::string>& texts) {
    return compile("gateway.yaml", front::MemoryFiles(texts));
}

std::vector<std::uint8_t> compile_file(const std::map<std::string, std::string>& texts,
                                       const std::function<void(policy::Policy&)>& edit) {
    return build("gateway.yaml", front::MemoryFiles(texts), edit);
}

}  // namespace sluice::test
