// SPDX-License-Identifier: Apache-2.0
#include "tests/support/compiled_policy.h"

#include <stdexcept>

#include "compiler/front/files.h"
#include "compiler/front/render.h"
#include "compiler/sema/check.h"

namespace sluice::test {

CompiledPolicy compile_policy(const PolicyText& text, unsigned threads, std::size_t own_from) {
    sema::CheckResult checked = sema::check_policy("gateway.yaml", front::MemoryFiles(text));
    if (!checked.policy) {
        throw std::runtime_error(front::render_text(checked.diagnostics, checked.sources, front::Colour::off));
    }
    CompiledPolicy result;
    result.policy = std::move(*checked.policy);
    result.bytes = build_image(result.policy, threads, own_from);
    Image::Result loaded = Image::from_bytes(result.bytes);
    if (const auto* error = std::get_if<ImageError>(&loaded)) throw std::runtime_error(error->text);
    result.image = std::move(std::get<std::unique_ptr<const Image>>(loaded));
    return result;
}

}  // namespace sluice::test
