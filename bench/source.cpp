// SPDX-License-Identifier: Apache-2.0
#include "bench/source.h"

#include <algorithm>
#include <cstring>

namespace sluice::bench {

Source::Source(const std::vector<std::vector<std::uint8_t>>& frames)
    : count_(static_cast<std::uint32_t>(frames.size())),
      length_(static_cast<std::uint32_t>(frames.front().size())),
      pristine_(std::size_t{count_} * length_),
      work_(std::size_t{64} * slot_bytes),
      burst_(64) {
    for (std::uint32_t i = 0; i < count_; ++i) {
        std::memcpy(&pristine_[std::size_t{i} * length_], frames[i].data(), length_);
    }
}

std::span<const Frame> Source::next(std::uint32_t count, std::uint16_t port) {
    for (std::uint32_t i = 0; i < count; ++i) {
        std::uint8_t* slot = &work_[std::size_t{i} * slot_bytes];
        std::memcpy(slot + headroom_bytes, &pristine_[std::size_t{cursor_} * length_], length_);
        cursor_ = cursor_ + 1 == count_ ? 0 : cursor_ + 1;
        burst_[i] = {.data = slot + headroom_bytes,
                     .length = length_,
                     .tailroom = slot_bytes - headroom_bytes - length_,
                     .headroom = headroom_bytes,
                     .port = port,
                     .buffer = slot};
    }
    return {burst_.data(), count};
}

}  // namespace sluice::bench
