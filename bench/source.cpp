// SPDX-License-Identifier: Apache-2.0
#include "bench/source.h"

#include <cstring>

namespace sluice::bench {

std::span<const Frame> Source::next(std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
        auto& slot = slots_[i];
        std::memcpy(&slot[headroom_bytes], frames_[cursor_].data(), frame_bytes);
        cursor_ = cursor_ + 1 == size() ? 0 : cursor_ + 1;
        burst_[i] = {.data = &slot[headroom_bytes],
                     .length = frame_bytes,
                     .tailroom = slot_bytes - headroom_bytes - frame_bytes,
                     .headroom = headroom_bytes,
                     .port = port_,
                     .buffer = slot.data()};
    }
    return {burst_.data(), count};
}

}  // namespace sluice::bench
