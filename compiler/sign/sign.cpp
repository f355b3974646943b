// SPDX-License-Identifier: Apache-2.0
#include "compiler/sign/sign.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>

#include "runtime/image/minisign_format.h"

namespace sluice {
namespace {

using namespace minisign;

/// A copy of a secret, gone with the scope.
template <typename Value>
struct Cleared {
    Value value;
    ~Cleared() { sodium_memzero(&value, sizeof value); }
};

std::uint64_t little_endian(const std::array<std::uint8_t, 8>& bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | bytes[i];
    return value;
}

std::optional<SignatureError> decrypt(EncodedSecretKey& row, const AskPassword& ask) {
    auto answer = ask();
    if (!answer) return SignatureError{"the key is encrypted and there is no password"};
    if (sodium_init() < 0) return SignatureError{"libsodium does not start"};  // it picks the quickest code
    std::string& password = *answer;
    Cleared<std::array<std::uint8_t, sizeof(SecretPart)>> stream{};
    const int failed = crypto_pwhash_scryptsalsa208sha256(
        stream.value.data(), stream.value.size(), password.data(), password.size(), row.salt.data(),
        little_endian(row.operations), static_cast<std::size_t>(little_endian(row.memory)));
    sodium_memzero(password.data(), password.size());
    if (failed != 0) {
        return SignatureError{fmt::format("no memory to try the password: the key asks for {} MiB",
                                          little_endian(row.memory) >> 20)};
    }
    auto* secret = reinterpret_cast<std::uint8_t*>(&row.secret);
    for (std::size_t i = 0; i < sizeof(SecretPart); ++i) secret[i] ^= stream.value[i];

    std::array<std::uint8_t, 32> checksum;
    crypto_generichash_state state;
    crypto_generichash_init(&state, nullptr, 0, checksum.size());
    crypto_generichash_update(&state, row.algorithm.data(), row.algorithm.size());
    crypto_generichash_update(&state, row.secret.key_id.data(), row.secret.key_id.size());
    crypto_generichash_update(&state, row.secret.secret.data(), row.secret.secret.size());
    crypto_generichash_final(&state, checksum.data(), checksum.size());
    if (checksum != row.secret.checksum) return SignatureError{"the password is wrong"};
    return std::nullopt;
}

RawSignature sign_detached(const SecretKey& key, std::span<const std::uint8_t> bytes) {
    RawSignature signature;
    crypto_sign_detached(signature.data(), nullptr, bytes.data(), bytes.size(), key.secret().data());
    return signature;
}

}  // namespace

SecretKey::SecretKey(const std::array<std::uint8_t, 8>& id, const std::array<std::uint8_t, 64>& secret)
    : id_(id), secret_(secret) {}

SecretKey::~SecretKey() {
    sodium_memzero(secret_.data(), secret_.size());
}

SecretKey::SecretKey(SecretKey&& other) noexcept : id_(other.id_), secret_(other.secret_) {
    sodium_memzero(other.secret_.data(), other.secret_.size());
}

std::variant<SecretKey, SignatureError> parse_secret_key(std::string_view text, const AskPassword& ask) {
    const SignatureError none{"expected a minisign secret key: a comment and 158 bytes of base64"};
    const auto lines = lines_of(text);
    if (lines.size() != 2 || !lines[0].starts_with(untrusted_prefix)) return none;
    auto row = decode<EncodedSecretKey>(lines[1]);
    if (!row || row->algorithm != key_algorithm || row->checksum_algorithm != blake2b) return none;
    Cleared<EncodedSecretKey> key{*row};
    sodium_memzero(&*row, sizeof *row);
    if (key.value.key_derivation == scrypt) {
        if (auto error = decrypt(key.value, ask)) return std::move(*error);
    } else if (key.value.key_derivation != no_password) {
        return SignatureError{"the key's password is kept in a way that this program does not know"};
    }
    return SecretKey(key.value.secret.key_id, key.value.secret.secret);
}

std::string sign(std::span<const std::uint8_t> bytes, const SecretKey& key, std::string_view trusted_comment) {
    std::array<std::uint8_t, 64> hash;
    crypto_generichash(hash.data(), hash.size(), bytes.data(), bytes.size(), nullptr, 0);
    const EncodedSignature row{hashed_algorithm, key.id(), sign_detached(key, hash)};
    std::vector<std::uint8_t> covered(row.signature.begin(), row.signature.end());
    covered.insert(covered.end(), trusted_comment.begin(), trusted_comment.end());
    return fmt::format("{}signature by key {}\n{}\n{}{}\n{}\n", untrusted_prefix, key_id_text(key.id()),
                       encode(row), trusted_prefix, trusted_comment, encode(sign_detached(key, covered)));
}

}  // namespace sluice
