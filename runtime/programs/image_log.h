// SPDX-License-Identifier: Apache-2.0
//
// What becomes of images, in the log: a warning where somebody should look, and for the journal which event of
// which image for which reason. Any thread but a packet thread.
#pragma once

#include "runtime/store/store_event.h"

namespace sluice {

void log_image_event(const StoreEvent& event);

}  // namespace sluice
