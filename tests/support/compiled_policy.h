// SPDX-License-Identifier: Apache-2.0
//
// A policy's text through the whole compiler and into a loaded image, for tests.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "compiler/lower/build_image.h"
#include "compiler/policy/policy.h"
#include "runtime/image/image.h"
#include "tests/support/random_policy.h"

namespace sluice::test {

struct CompiledPolicy {
    policy::Policy policy;
    std::vector<std::uint8_t> bytes;
    std::unique_ptr<const Image> image;
};

/// Throws std::runtime_error with the compiler's messages where the policy has errors, or with the reason where
/// the image does not load.
CompiledPolicy compile_policy(const PolicyText& text, unsigned threads = 0,
                              std::size_t own_from = own_routes_from);

}  // namespace sluice::test
