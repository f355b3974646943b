// SPDX-License-Identifier: Apache-2.0
//
// Anonymous memory that is filled once and is read-only from then on: no file can be truncated under a packet
// thread (SIGBUS), no stray write can change a verified image, and no first touch costs a page fault on the
// packet path. One owner; filling and sealing belong to one thread, reading afterwards to any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace sluice {

class SealedMemory {
  public:
    /// Page-aligned, in 2 MB pages where the kernel has some. Empty when there is not enough memory.
    static std::optional<SealedMemory> allocate(std::size_t bytes);

    SealedMemory(SealedMemory&& other) noexcept;
    SealedMemory& operator=(SealedMemory&& other) noexcept;
    ~SealedMemory();

    /// Until seal() only.
    std::span<std::uint8_t> writable() noexcept { return {bytes_, size_}; }
    /// From here on a write is a fault. False where the kernel refuses.
    bool seal() noexcept;
    std::span<const std::uint8_t> bytes() const noexcept { return {bytes_, size_}; }

  private:
    SealedMemory(std::uint8_t* bytes, std::size_t size) : bytes_(bytes), size_(size) {}
    std::uint8_t* bytes_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace sluice
