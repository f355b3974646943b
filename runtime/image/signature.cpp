// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/signature.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>

#include "runtime/image/minisign_format.h"

namespace sluice {
namespace {

using namespace minisign;

bool is_signed_by(const PublicKey& key, const EncodedSignature& row, std::span<const std::uint8_t> bytes) {
    if (row.algorithm == legacy_algorithm) {
        return crypto_sign_verify_detached(row.signature.data(), bytes.data(), bytes.size(), key.key.data()) ==
               0;
    }
    std::array<std::uint8_t, 64> hash;
    crypto_generichash(hash.data(), hash.size(), bytes.data(), bytes.size(), nullptr, 0);
    return crypto_sign_verify_detached(row.signature.data(), hash.data(), hash.size(), key.key.data()) == 0;
}

bool is_comment_signed_by(const PublicKey& key, const EncodedSignature& row, std::string_view comment,
                          const std::array<std::uint8_t, crypto_sign_BYTES>& signature) {
    std::vector<std::uint8_t> bytes(row.signature.begin(), row.signature.end());
    bytes.insert(bytes.end(), comment.begin(), comment.end());
    return crypto_sign_verify_detached(signature.data(), bytes.data(), bytes.size(), key.key.data()) == 0;
}

}  // namespace

std::variant<PublicKey, SignatureError> parse_public_key(std::string_view text) {
    auto lines = lines_of(text);
    if (!lines.empty() && lines.front().starts_with(untrusted_prefix)) lines.erase(lines.begin());
    if (lines.size() != 1)
        return SignatureError{"expected a minisign public key: a comment and a line of base64"};
    const auto row = decode<EncodedKey>(lines.front());
    if (!row || row->algorithm != key_algorithm) {
        return SignatureError{"expected a minisign public key: 42 bytes of base64 that begin with \"Ed\""};
    }
    return row->key;
}

std::variant<Signed, SignatureError> verify_signature(std::span<const std::uint8_t> bytes,
                                                      std::string_view signature,
                                                      std::span<const PublicKey> keys) {
    const auto lines = lines_of(signature);
    if (lines.size() != 4 || !lines[0].starts_with(untrusted_prefix) || !lines[2].starts_with(trusted_prefix)) {
        return SignatureError{fmt::format(
            "expected a minisign signature of four lines, found {} lines that are none", lines.size())};
    }
    const auto row = decode<EncodedSignature>(lines[1]);
    if (!row || (row->algorithm != hashed_algorithm && row->algorithm != legacy_algorithm)) {
        return SignatureError{
            "expected 74 bytes of base64 that begin with \"ED\" or \"Ed\" on its second line"};
    }
    const auto comment_signature = decode<RawSignature>(lines[3]);
    if (!comment_signature) return SignatureError{"expected 64 bytes of base64 on its fourth line"};
    const auto key = std::ranges::find(keys, row->key_id, &PublicKey::id);
    if (key == keys.end()) {
        return SignatureError{fmt::format("expected a signature by key {}, found one by key {}",
                                          key_ids_text(keys), key_id_text(row->key_id))};
    }
    if (!is_signed_by(*key, *row, bytes)) {
        return SignatureError{fmt::format("the image is not what key {} signed", key_id_text(key->id))};
    }
    const std::string_view comment = lines[2].substr(trusted_prefix.size());
    if (!is_comment_signed_by(*key, *row, comment, *comment_signature)) {
        return SignatureError{
            fmt::format("the trusted comment is not what key {} signed", key_id_text(key->id))};
    }
    return Signed{std::string(comment), key->id};
}

std::string key_id_text(const std::array<std::uint8_t, 8>& id) {
    std::string text;
    for (auto byte = id.rbegin(); byte != id.rend(); ++byte) text += fmt::format("{:02X}", *byte);
    return text;
}

std::string key_ids_text(std::span<const PublicKey> keys) {
    std::string text;
    for (const PublicKey& key : keys) text += (text.empty() ? "" : " or ") + key_id_text(key.id);
    return text;
}

}  // namespace sluice
