// SPDX-License-Identifier: Apache-2.0
//
// What the property tests of whole gateways have in common.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <variant>
#include <vector>

#include "compiler/lower/build_image.h"
#include "runtime/shard/shard.h"

namespace sluice::test {

/// 1 to `policies`, times SLUICE_PROPERTY_RUNS; SLUICE_PROPERTY_SEED alone where it is set.
inline std::vector<std::uint64_t> property_seeds(std::uint64_t policies) {
    if (const char* one = std::getenv("SLUICE_PROPERTY_SEED")) return {std::strtoull(one, nullptr, 0)};
    const char* factor = std::getenv("SLUICE_PROPERTY_RUNS");
    const std::uint64_t count = policies * (factor == nullptr ? 1 : std::strtoull(factor, nullptr, 0));
    std::vector<std::uint64_t> result;
    for (std::uint64_t seed = 1; seed <= count; ++seed) result.push_back(seed);
    return result;
}

/// Small, so that tables fill.
inline ShardSettings small_shard(CacheTiers cache = CacheTiers::trace_cache) {
    ShardSettings result;
    result.cache = cache;
    result.sessions = 1 << 11;
    result.flows = 256;  // few, so that entries are evicted
    result.neighbours = 256;
    return result;
}

inline std::unique_ptr<const Image> load_policy(const policy::Policy& policy) {
    Image::Result loaded = Image::from_bytes(build_image(policy));
    if (const auto* error = std::get_if<ImageError>(&loaded)) throw std::runtime_error(error->text);
    return std::move(std::get<std::unique_ptr<const Image>>(loaded));
}

}  // namespace sluice::test
