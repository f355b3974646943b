// SPDX-License-Identifier: Apache-2.0
//
// What commands that take a policy or an image begin with.
#pragma once

#include <memory>
#include <string>

#include "compiler/program/commands.h"
#include "runtime/image/image.h"

namespace sluice::program {

/// An image, or a policy (a directory or a YAML file) that is compiled first. Null: what is wrong was said, and
/// `exit` is set.
std::unique_ptr<const Image> load_image(const std::string& path, Exit& exit);

}  // namespace sluice::program
