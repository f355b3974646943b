// SPDX-License-Identifier: Apache-2.0
//
// `sluicec build --sign`: where the key and its password come from, and what the signature says.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include "compiler/sign/sign.h"

namespace CLI {
class App;
}

namespace sluice::program {

struct SigningOptions {
    std::string key;
    std::optional<std::uint64_t> revision;
    std::string parent;
    bool wanted() const { return !key.empty(); }
};

struct Signing {
    std::string text;  // of the .minisig file
    std::string key_id;
    std::string trusted_comment;
};

void add_signing_options(CLI::App& command, SigningOptions& options);

/// The password of an encrypted key is SLUICE_KEY_PASSWORD, else it is asked for on the terminal.
std::variant<SecretKey, SignatureError> read_secret_key(const SigningOptions& options);

/// A revision that was not given is the time in seconds (SOURCE_DATE_EPOCH, where that is set).
Signing sign_image(const SigningOptions& options, const SecretKey& key, std::span<const std::uint8_t> bytes,
                   std::span<const std::uint8_t> digest);

}  // namespace sluice::program
