// SPDX-License-Identifier: Apache-2.0
#include "runtime/state/big_array.h"

#include <sys/mman.h>

#include <new>

namespace sluice {
namespace {

constexpr std::size_t huge_page_bytes = std::size_t{2} << 20;

/// What is smaller stays in ordinary pages: rounding it up would cost more than it saves.
bool deserves_huge_pages(std::size_t bytes) {
    return bytes >= 2 * huge_page_bytes;
}

std::size_t mapped_bytes(std::size_t bytes) {
    return deserves_huge_pages(bytes) ? (bytes + huge_page_bytes - 1) / huge_page_bytes * huge_page_bytes
                                      : bytes;
}

void* map(std::size_t bytes, int flags) {
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    return memory == MAP_FAILED ? nullptr : memory;
}

/// Aligned to 2 MB, as transparent pages need it.
void* map_aligned(std::size_t bytes) {
    auto* whole = static_cast<char*>(map(bytes + huge_page_bytes, 0));
    if (whole == nullptr) return nullptr;
    const std::size_t behind = reinterpret_cast<std::uintptr_t>(whole) % huge_page_bytes;
    const std::size_t front = behind == 0 ? 0 : huge_page_bytes - behind;
    if (front != 0) munmap(whole, front);
    if (front != huge_page_bytes) munmap(whole + front + bytes, huge_page_bytes - front);
    return whole + front;
}

}  // namespace

void* map_big(std::size_t bytes, Touch touch) {
    void* memory = nullptr;
    const std::size_t mapped = mapped_bytes(bytes);
    if (touch == Touch::when_used) {
        memory = map(mapped, MAP_NORESERVE);
        if (memory != nullptr) madvise(memory, mapped, MADV_NOHUGEPAGE);
    } else if (!deserves_huge_pages(bytes)) {
        memory = map(mapped, MAP_POPULATE);
    } else {
        // Reserved pages are promised here or not given; without the promise a touch would end the process.
        memory = map(mapped, MAP_HUGETLB | MAP_POPULATE);
        if (memory == nullptr) {
            memory = map_aligned(mapped);
            if (memory != nullptr) {
                madvise(memory, mapped, MADV_HUGEPAGE);
                madvise(memory, mapped, MADV_POPULATE_WRITE);  // an old kernel leaves it to the first touch
            }
        }
    }
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}

void unmap_big(void* memory, std::size_t bytes) noexcept {
    munmap(memory, mapped_bytes(bytes));
}

}  // namespace sluice
