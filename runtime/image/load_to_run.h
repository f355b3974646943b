// SPDX-License-Identifier: Apache-2.0
//
// An image that packets are to follow on this machine: one made for other CPUs is refused, as one of another
// version is. Compilers and inspectors take any (Image::load). Any thread but a packet thread; allocates.
#pragma once

#include <string>

#include "runtime/image/image.h"

namespace sluice {

Image::Result load_to_run(const std::string& path);

}  // namespace sluice
