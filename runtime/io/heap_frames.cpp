// SPDX-License-Identifier: Apache-2.0
#include "runtime/io/heap_frames.h"

#include <algorithm>

namespace sluice {

struct HeapFrames::Buffer {
    std::unique_ptr<std::uint8_t[]> bytes;
    std::size_t size_class;
};

HeapFrames::HeapFrames() = default;
HeapFrames::~HeapFrames() = default;

Frame HeapFrames::allocate(std::uint32_t length) {
    const auto fits = std::ranges::find_if(class_bytes, [&](std::uint32_t bytes) { return length <= bytes; });
    if (fits == class_bytes.end()) return {};
    const auto size_class = static_cast<std::size_t>(fits - class_bytes.begin());
    auto& idle = free_[size_class];
    if (idle.empty()) {
        auto buffer = std::make_unique<Buffer>();
        // Zeroed, so that a stage that forgets to write a byte gives the same wrong byte in every run.
        buffer->bytes = std::make_unique<std::uint8_t[]>(headroom_bytes + *fits);
        buffer->size_class = size_class;
        idle.push_back(buffer.get());
        buffers_.push_back(std::move(buffer));
    }
    Buffer* buffer = idle.back();
    idle.pop_back();
    ++outstanding_;
    Frame frame;
    frame.data = buffer->bytes.get() + headroom_bytes;
    frame.length = length;
    frame.headroom = headroom_bytes;
    frame.tailroom = *fits - length;
    frame.buffer = buffer;
    return frame;
}

Frame HeapFrames::copy_of(std::span<const std::uint8_t> bytes, std::uint16_t port) {
    if (bytes.size() > longest_capture_bytes) return {};
    Frame frame = allocate(static_cast<std::uint32_t>(bytes.size()));
    std::ranges::copy(bytes, frame.data);
    frame.port = port;
    return frame;
}

void HeapFrames::release(const Frame& frame) noexcept {
    auto* buffer = static_cast<Buffer*>(frame.buffer);
    free_[buffer->size_class].push_back(buffer);
    --outstanding_;
}

}  // namespace sluice
