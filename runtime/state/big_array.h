// SPDX-License-Identifier: Apache-2.0
//
// The memory of big tables: zeroed, aligned to cache lines, in 2 MB pages where the system has any (reserved
// ones first, transparent ones otherwise). Made in a constructor and touched there, so that the packet path
// meets no page fault; with Touch::when_used pages cost nothing until they are written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace sluice {

enum class Touch : std::uint8_t { now, when_used };

/// Throws std::bad_alloc. At least `bytes`, zeroed.
void* map_big(std::size_t bytes, Touch touch);
void unmap_big(void* memory, std::size_t bytes) noexcept;

/// Like a std::vector of fixed size whose elements start as zero bytes.
template <typename T>
class BigArray {
    static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

  public:
    BigArray() = default;
    explicit BigArray(std::size_t count, Touch touch = Touch::now)
        : items_(count == 0 ? nullptr : static_cast<T*>(map_big(count * sizeof(T), touch))), count_(count) {}
    ~BigArray() {
        if (items_ != nullptr) unmap_big(items_, bytes());
    }
    BigArray(const BigArray&) = delete;
    BigArray& operator=(const BigArray&) = delete;
    BigArray(BigArray&& other) noexcept
        : items_(std::exchange(other.items_, nullptr)), count_(std::exchange(other.count_, 0)) {}
    BigArray& operator=(BigArray&& other) noexcept {
        std::swap(items_, other.items_);
        std::swap(count_, other.count_);
        return *this;
    }

    T& operator[](std::size_t index) noexcept { return items_[index]; }
    const T& operator[](std::size_t index) const noexcept { return items_[index]; }
    std::size_t size() const noexcept { return count_; }
    std::size_t bytes() const noexcept { return count_ * sizeof(T); }

  private:
    T* items_ = nullptr;
    std::size_t count_ = 0;
};

}  // namespace sluice
