// SPDX-License-Identifier: Apache-2.0
#include "schemas/layout/image_seal.h"

#include <sodium.h>

#include <bit>
#include <cstring>

namespace sluice {
namespace {

static_assert(std::endian::native == std::endian::little, "an image is little-endian and read in place");

// Chooses the fastest BLAKE2b for this CPU, once; libsodium makes it safe to call from several threads.
void prepare() {
    static const int initialised = sodium_init();
    static_cast<void>(initialised);
}

}  // namespace

Digest digest_of(std::span<const std::uint8_t> bytes) {
    prepare();
    Digest digest;
    crypto_generichash(digest.data(), digest.size(), bytes.data(), bytes.size(), nullptr, 0);
    return digest;
}

Digest image_digest(std::span<const std::uint8_t> file) {
    prepare();
    ImageHeader header;
    std::memcpy(&header, file.data(), sizeof header);
    header.digest.fill(0);
    crypto_generichash_state state;
    Digest digest;
    crypto_generichash_init(&state, nullptr, 0, digest.size());
    crypto_generichash_update(&state, reinterpret_cast<const std::uint8_t*>(&header), sizeof header);
    crypto_generichash_update(&state, file.data() + sizeof header, file.size() - sizeof header);
    crypto_generichash_final(&state, digest.data(), digest.size());
    return digest;
}

void seal_image(std::span<std::uint8_t> file, std::uint32_t cpu_targets) {
    ImageHeader header{};
    header.magic = image_magic;
    header.format_version = image_format_version;
    header.header_bytes = sizeof header;
    header.payload_bytes = file.size() - sizeof header;
    header.cpu_targets = cpu_targets;
    std::memcpy(file.data(), &header, sizeof header);
    header.digest = image_digest(file);
    std::memcpy(file.data(), &header, sizeof header);
}

}  // namespace sluice
