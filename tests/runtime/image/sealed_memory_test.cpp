// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/sealed_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

namespace sluice {
namespace {

constexpr std::size_t huge_page_bytes = std::size_t{2} << 20;

TEST(SealedMemory, HasAsManyBytesAsWereAskedFor) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{5000}, huge_page_bytes + 1}) {
        auto memory = SealedMemory::allocate(size);
        ASSERT_TRUE(memory);
        ASSERT_EQ(memory->writable().size(), size);
        std::ranges::fill(memory->writable(), std::uint8_t{7});
        EXPECT_TRUE(memory->seal());
        EXPECT_EQ(std::ranges::count(memory->bytes(), std::uint8_t{7}), static_cast<std::ptrdiff_t>(size));
    }
}

TEST(SealedMemory, BeginsAtAHugePageWhereItIsAsLargeAsOne) {
    for (const std::size_t size : {huge_page_bytes, huge_page_bytes + 1, 3 * huge_page_bytes - 64}) {
        const auto memory = SealedMemory::allocate(size);
        ASSERT_TRUE(memory);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory->bytes().data()) % huge_page_bytes, 0U) << size;
    }
}

TEST(SealedMemoryDeathTest, AWriteToItsLastByteIsAFault) {
    auto memory = SealedMemory::allocate(huge_page_bytes + 5000);
    ASSERT_TRUE(memory && memory->seal());
    EXPECT_DEATH(memory->writable().back() = 1, "");
}

}  // namespace
}  // namespace sluice
