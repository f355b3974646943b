// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/sealed_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <utility>

namespace sluice {

namespace {

constexpr std::size_t huge_page_bytes = std::size_t{2} << 20;

/// What is mapped for so many bytes. The kernel uses a 2 MB page only where a whole aligned one fits, and a
/// table that begins or ends in small ones costs its readers TLB misses: large memory gets whole ones alone.
std::size_t mapped_bytes(std::size_t bytes) {
    if (bytes < huge_page_bytes) return std::max<std::size_t>(bytes, 1);  // mmap refuses a length of 0
    return (bytes + huge_page_bytes - 1) / huge_page_bytes * huge_page_bytes;
}

/// Not every kernel aligns such memory to 2 MB by itself: maps more and gives back what is before and behind.
void* map_aligned(std::size_t size) {
    const std::size_t margin = size < huge_page_bytes ? 0 : huge_page_bytes;
    void* memory = mmap(nullptr, size + margin, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || margin == 0) return memory;
    auto* begin = static_cast<std::uint8_t*>(memory);
    const std::size_t before = -reinterpret_cast<std::uintptr_t>(memory) % huge_page_bytes;
    if (before != 0) munmap(begin, before);
    if (before != margin) munmap(begin + before + size, margin - before);
    return begin + before;
}

}  // namespace

std::optional<SealedMemory> SealedMemory::allocate(std::size_t bytes) {
    const std::size_t size = mapped_bytes(bytes);
    void* memory = map_aligned(size);
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
    if (bytes_ != nullptr) munmap(bytes_, mapped_bytes(size_));
}

bool SealedMemory::seal() noexcept {
    return mprotect(bytes_, mapped_bytes(size_), PROT_READ) == 0;
}

}  // namespace sluice
