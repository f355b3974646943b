// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/sealed_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <utility>

namespace sluice {

std::optional<SealedMemory> SealedMemory::allocate(std::size_t bytes) {
    const std::size_t size = std::max<std::size_t>(bytes, 1);  // mmap refuses a length of 0
    void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return std::nullopt;
    madvise(memory, size, MADV_HUGEPAGE);  // a wish; filling the memory is what faults the pages in
    return SealedMemory(static_cast<std::uint8_t*>(memory), bytes);
}

SealedMemory::SealedMemory(SealedMemory&& other) noexcept
    : bytes_(std::exchange(other.bytes_, nullptr)), size_(std::exchange(other.size_, 0)) {}

SealedMemory& SealedMemory::operator=(SealedMemory&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(size_, other.size_);
    return *this;
}

SealedMemory::~SealedMemory() {
    if (bytes_ != nullptr) munmap(bytes_, std::max<std::size_t>(size_, 1));
}

bool SealedMemory::seal() noexcept {
    return mprotect(bytes_, std::max<std::size_t>(size_, 1), PROT_READ) == 0;
}

}  // namespace sluice
