// SPDX-License-Identifier: Apache-2.0
//
// From a policy to a loaded image in one call, for tests: all of the compiler, and the loader with its
// verifier.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/image/image.h"

namespace sluice::policy {
struct Policy;
}

namespace sluice::test {

/// A policy directory below the source tree. Throws std::runtime_error with the diagnostics.
std::unique_ptr<const Image> compile_directory(const std::string& path);
/// The same from texts by path, "gateway.yaml" among them.
std::unique_ptr<const Image> compile_texts(const std::map<std::string, std::string>& texts);
/// And as an image file; `edit`: of the checked policy, before it becomes one.
std::vector<std::uint8_t> compile_file(const std::map<std::string, std::string>& texts,
                                       const std::function<void(policy::Policy&)>& edit = {});

}  // namespace sluice::test
