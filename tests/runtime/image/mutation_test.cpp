// SPDX-License-Identifier: Apache-2.0
//
// Damaged images: any damage is refused by the digest; damage that somebody sealed is refused by the verifier
// or harmless to read.
#include <gtest/gtest.h>

#include <random>

#include "compiler/lower/build_image.h"
#include "runtime/image/image.h"
#include "schemas/layout/image_header.h"
#include "tests/support/exercise_image.h"
#include "tests/support/policies.h"
#include "tests/support/reseal.h"

namespace sluice {
namespace {

using File = std::vector<std::uint8_t>;

const File& valid() {
    static const File file = [] {
        policy::Policy policy = test::two_tenants();
        test::add_tunnels(policy);
        return build_image(policy);
    }();
    return file;
}

bool is_refused(const File& file) {
    const auto result = Image::from_bytes(file);
    const auto* error = std::get_if<ImageError>(&result);
    return error != nullptr && !error->text.empty();
}

TEST(DamagedImage, AnyBitThatFlipsIsNoticed) {
    std::mt19937_64 random(1);
    for (int i = 0; i < 4000; ++i) {
        File file = valid();
        const std::size_t bit = random() % (file.size() * 8);
        file[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        ASSERT_TRUE(is_refused(file)) << "bit " << bit;
    }
}

TEST(DamagedImage, EveryBitOfTheHeaderCounts) {
    for (std::size_t bit = 0; bit < sizeof(ImageHeader) * 8; ++bit) {
        File file = valid();
        file[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        ASSERT_TRUE(is_refused(file)) << "bit " << bit;
    }
}

TEST(DamagedImage, AnyPrefixIsRefused) {
    std::mt19937_64 random(2);
    for (int i = 0; i < 3000; ++i) {
        File file = valid();
        file.resize(i < 200 ? static_cast<std::size_t>(i) : random() % valid().size());
        ASSERT_TRUE(is_refused(file)) << file.size() << " bytes";
    }
}

TEST(DamagedImage, AnythingBehindItIsRefused) {
    std::mt19937_64 random(3);
    for (int i = 0; i < 1000; ++i) {
        File file = valid();
        file.resize(file.size() + 1 + random() % 300, static_cast<std::uint8_t>(random()));
        ASSERT_TRUE(is_refused(file)) << file.size() << " bytes";
    }
}

TEST(DamagedImage, APartReplacedByAnotherIsNoticed) {
    std::mt19937_64 random(4);
    for (int i = 0; i < 2000; ++i) {
        File file = valid();
        const std::size_t length = 1 + random() % 64;
        const std::size_t from = random() % (file.size() - length);
        const std::size_t to = random() % (file.size() - length);
        std::copy_n(valid().begin() + static_cast<std::ptrdiff_t>(from), length,
                    file.begin() + static_cast<std::ptrdiff_t>(to));
        if (file == valid()) continue;
        ASSERT_TRUE(is_refused(file)) << length << " bytes from " << from << " to " << to;
    }
}

// One to four words become something that hurts: an extreme, a neighbour of what was there, or another word.
File hurt(std::mt19937_64& random) {
    File file = valid();
    for (auto left = 1 + random() % 4; left > 0; --left) {
        const std::size_t words = (file.size() - sizeof(ImageHeader)) / 4;
        const auto word_at = [&](std::size_t word) { return file.data() + sizeof(ImageHeader) + word * 4; };
        const std::size_t word = random() % words;
        std::uint32_t value;
        std::memcpy(&value, word_at(word), sizeof value);
        switch (random() % 6) {
            case 0:
                value = 0xffffffff;
                break;
            case 1:
                value = 0;
                break;
            case 2:
                ++value;
                break;
            case 3:
                --value;
                break;
            case 4:
                value ^= 1U << random() % 32;
                break;
            default:
                std::memcpy(&value, word_at(random() % words), sizeof value);
        }
        std::memcpy(word_at(word), &value, sizeof value);
    }
    return file;
}

TEST(SealedDamage, IsRefusedOrSafeToRead) {
    std::mt19937_64 random(5);
    int refused = 0;
    int accepted = 0;
    for (int i = 0; i < 10'000; ++i) {
        File file = hurt(random);
        test::reseal(file);
        const auto result = Image::from_bytes(file);
        if (const auto* image = std::get_if<std::unique_ptr<const Image>>(&result)) {
            ++accepted;
            ASSERT_NO_THROW(test::exercise(**image)) << "mutation " << i;
        } else {
            ++refused;
        }
    }
    EXPECT_GT(refused, 1000);  // else this test tests nothing
    EXPECT_GT(accepted, 100);
}

}  // namespace
}  // namespace sluice
