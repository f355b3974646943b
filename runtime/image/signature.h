// SPDX-License-Identifier: Apache-2.0
//
// Signatures of images in minisign's format (https://jedisct1.github.io/minisign/), in a file beside the image,
// so that people sign and check with a tool they have. Ed25519, by libsodium. Any thread but a packet thread;
// reads all the signed bytes once.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace sluice {

struct PublicKey {
    std::array<std::uint8_t, 8> id{};
    std::array<std::uint8_t, 32> key{};
};

/// Why not, as a sentence: what was expected, what was found.
struct SignatureError {
    std::string text;
};

struct Signed {
    std::string trusted_comment;  // covered by the signature
    std::array<std::uint8_t, 8> key_id{};
};

/// The text of a key file: an untrusted comment, then the key; or the key alone.
std::variant<PublicKey, SignatureError> parse_public_key(std::string_view text);

/// Whether `signature` (the text of a .minisig file) is that of `bytes` and of its own trusted comment by one
/// of `keys`.
std::variant<Signed, SignatureError> verify_signature(std::span<const std::uint8_t> bytes,
                                                      std::string_view signature,
                                                      std::span<const PublicKey> keys);

/// As minisign shows it: hexadecimal, last byte first.
std::string key_id_text(const std::array<std::uint8_t, 8>& id);
/// "ID or ID".
std::string key_ids_text(std::span<const PublicKey> keys);

}  // namespace sluice
