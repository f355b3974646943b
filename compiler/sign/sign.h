// SPDX-License-Identifier: Apache-2.0
//
// Signing as minisign does it: Ed25519 over the BLAKE2b-512 of the bytes, secret keys as `minisign -G` writes
// them. `minisign -V` accepts what this makes. Any thread; libsodium's memory is cleared when a key goes.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "runtime/image/signature.h"

namespace sluice {

class SecretKey {
  public:
    SecretKey(const std::array<std::uint8_t, 8>& id, const std::array<std::uint8_t, 64>& secret);
    ~SecretKey();
    SecretKey(SecretKey&& other) noexcept;
    SecretKey& operator=(SecretKey&&) = delete;

    const std::array<std::uint8_t, 8>& id() const { return id_; }
    const std::array<std::uint8_t, 64>& secret() const { return secret_; }

  private:
    std::array<std::uint8_t, 8> id_;
    std::array<std::uint8_t, 64> secret_;
};

/// Asked only for a key that has one. Nothing: there is no way to ask.
using AskPassword = std::function<std::optional<std::string>()>;

/// The text of a secret key file. With a password it takes as long and as much memory as the key was made with:
/// minisign's own keys a few seconds and a gigabyte.
std::variant<SecretKey, SignatureError> parse_secret_key(std::string_view text, const AskPassword& ask);

/// The text of a .minisig file. The comment holds no line end.
std::string sign(std::span<const std::uint8_t> bytes, const SecretKey& key, std::string_view trusted_comment);

}  // namespace sluice
