// SPDX-License-Identifier: Apache-2.0
//
// What minisign's files hold, line by line (https://jedisct1.github.io/minisign/), for those who read and write
// them.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "runtime/image/base64.h"
#include "runtime/image/signature.h"

namespace sluice::minisign {

constexpr std::string_view untrusted_prefix = "untrusted comment: ";
constexpr std::string_view trusted_prefix = "trusted comment: ";
using Algorithm = std::array<std::uint8_t, 2>;
constexpr Algorithm key_algorithm = {'E', 'd'};
constexpr Algorithm hashed_algorithm = {'E', 'D'};  // of the BLAKE2b-512 of the bytes
constexpr Algorithm legacy_algorithm = {'E', 'd'};  // of the bytes themselves

using RawSignature = std::array<std::uint8_t, 64>;

struct EncodedKey {
    Algorithm algorithm;
    PublicKey key;
};
static_assert(sizeof(EncodedKey) == 42);

struct EncodedSignature {
    Algorithm algorithm;
    std::array<std::uint8_t, 8> key_id;
    RawSignature signature;
};
static_assert(sizeof(EncodedSignature) == 74);

/// What the password covers.
struct SecretPart {
    std::array<std::uint8_t, 8> key_id;
    std::array<std::uint8_t, 64> secret;    // the last 32 bytes are the public key
    std::array<std::uint8_t, 32> checksum;  // BLAKE2b-256 of algorithm, id and secret; zero without a password
};

constexpr Algorithm scrypt = {'S', 'c'};
constexpr Algorithm no_password = {0, 0};
constexpr Algorithm blake2b = {'B', '2'};

struct EncodedSecretKey {
    Algorithm algorithm;
    Algorithm key_derivation;
    Algorithm checksum_algorithm;
    std::array<std::uint8_t, 32> salt;
    std::array<std::uint8_t, 8> operations, memory;  // scrypt's limits, little-endian
    SecretPart secret;                               // XORed with what scrypt derives from the password
};
static_assert(sizeof(EncodedSecretKey) == 158);

inline std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        if (line.ends_with('\r')) line.remove_suffix(1);
        lines.push_back(line);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return lines;
}

/// Nothing where the line is not base64 of exactly that many bytes.
template <typename Value>
std::optional<Value> decode(std::string_view base64) {
    const auto bytes = from_base64(base64);
    if (!bytes || bytes->size() != sizeof(Value)) return std::nullopt;
    Value value;
    std::memcpy(&value, bytes->data(), sizeof value);
    return value;
}

template <typename Value>
std::string encode(const Value& value) {
    return to_base64({reinterpret_cast<const std::uint8_t*>(&value), sizeof value});
}

}  // namespace sluice::minisign
