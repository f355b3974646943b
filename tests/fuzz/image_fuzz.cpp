// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as an image: refused with a reason, or safe to read. An input is either a whole file, or patches to
// a good one, resealed, so that the verifier is reached behind the digest: 4 bytes of offset, 4 bytes of value
// each.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <variant>
#include <vector>

#include "compiler/lower/build_image.h"
#include "runtime/image/image.h"
#include "schemas/layout/image_header.h"
#include "tests/support/exercise_image.h"
#include "tests/support/policies.h"
#include "tests/support/reseal.h"

namespace {

using File = std::vector<std::uint8_t>;

File patched(const std::uint8_t* patches, std::size_t size) {
    static const File good = sluice::build_image(sluice::test::two_tenants(), 1);
    File file = good;
    for (; size >= 8; size -= 8, patches += 8) {
        std::uint32_t offset = 0;
        std::memcpy(&offset, patches, sizeof offset);
        const std::size_t words = (file.size() - sizeof(sluice::ImageHeader)) / 4;
        std::memcpy(file.data() + sizeof(sluice::ImageHeader) + offset % words * 4, patches + 4, 4);
    }
    return file;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const bool whole = data[0] == sluice::image_magic[0];
    File file = whole ? File(data, data + size) : patched(data + 1, size - 1);
    if (file.size() >= sizeof(sluice::ImageHeader)) sluice::test::reseal(file);
    const auto result = sluice::Image::from_bytes(file);
    if (const auto* image = std::get_if<std::unique_ptr<const sluice::Image>>(&result))
        sluice::test::exercise(**image);
    else if (std::get<sluice::ImageError>(result).text.empty())
        std::abort();
    return 0;
}
