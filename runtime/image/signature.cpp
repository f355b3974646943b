// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/signature.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

namespace sluice {
namespace {

constexpr std::string_view untrusted_prefix = "untrusted comment: ";
constexpr std::string_view trusted_prefix = "trusted comment: ";
constexpr std::array<std::uint8_t, 2> key_algorithm = {'E', 'd'};
constexpr std::array<std::uint8_t, 2> hashed_algorithm = {'E', 'D'};  // of the BLAKE2b-512 of the bytes
constexpr std::array<std::uint8_t, 2> legacy_algorithm = {'E', 'd'};  // of the bytes themselves

struct EncodedKey {
    std::array<std::uint8_t, 2> algorithm;
    PublicKey key;
};
static_assert(sizeof(EncodedKey) == 42);

struct EncodedSignature {
    std::array<std::uint8_t, 2> algorithm;
    std::array<std::uint8_t, 8> key_id;
    std::array<std::uint8_t, crypto_sign_BYTES> signature;
};
static_assert(sizeof(EncodedSignature) == 74);

std::vector<std::string_view> lines_of(std::string_view text) {
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

// libsodium takes some bytes above 127 for letters.
bool is_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char byte) { return static_cast<unsigned char>(byte) < 128; });
}

template <typename Value>
std::optional<Value> decode(std::string_view base64) {
    if (!is_ascii(base64)) return std::nullopt;
    std::array<std::uint8_t, sizeof(Value)> bytes;
    std::size_t length = 0;
    const char* end = nullptr;
    if (sodium_base642bin(bytes.data(), bytes.size(), base64.data(), base64.size(), nullptr, &length, &end,
                          sodium_base64_VARIANT_ORIGINAL) != 0) {
        return std::nullopt;
    }
    if (length != bytes.size() || end != base64.data() + base64.size()) return std::nullopt;
    Value value;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

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
                                                      std::string_view signature, const PublicKey& key) {
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
    const auto comment_signature = decode<std::array<std::uint8_t, crypto_sign_BYTES>>(lines[3]);
    if (!comment_signature) return SignatureError{"expected 64 bytes of base64 on its fourth line"};
    if (row->key_id != key.id) {
        return SignatureError{fmt::format("expected a signature by key {}, found one by key {}",
                                          key_id_text(key.id), key_id_text(row->key_id))};
    }
    if (!is_signed_by(key, *row, bytes)) {
        return SignatureError{fmt::format("the image is not what key {} signed", key_id_text(key.id))};
    }
    const std::string_view comment = lines[2].substr(trusted_prefix.size());
    if (!is_comment_signed_by(key, *row, comment, *comment_signature)) {
        return SignatureError{
            fmt::format("the trusted comment is not what key {} signed", key_id_text(key.id))};
    }
    return Signed{std::string(comment)};
}

std::string key_id_text(const std::array<std::uint8_t, 8>& id) {
    std::string text;
    for (auto byte = id.rbegin(); byte != id.rend(); ++byte) text += fmt::format("{:02X}", *byte);
    return text;
}

}  // namespace sluice
