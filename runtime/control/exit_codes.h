// SPDX-License-Identifier: Apache-2.0
//
// What every program of the gateway ends with (product.md).
#pragma once

#include "runtime/image/image.h"

namespace sluice {

constexpr int exit_done = 0;
constexpr int exit_failed = 1;
constexpr int exit_usage = 2;
constexpr int exit_integrity = 4;
constexpr int exit_refused = 5;
constexpr int exit_unreachable = 6;

inline int exit_code_for(const ImageError& error) {
    if (error.kind == ImageError::Kind::unreadable) return exit_failed;
    return error.kind == ImageError::Kind::integrity ? exit_integrity : exit_refused;
}

}  // namespace sluice
