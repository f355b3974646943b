// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runtime/image/image.h"

namespace sluice::test {

/// Reads a verified image as the stages do: addresses of every kind through all look-up tables, then whatever
/// the rows refer to. Throws std::logic_error where a row refers to nothing: the verifier should have refused
/// the image.
void exercise(const Image& image);

}  // namespace sluice::test
