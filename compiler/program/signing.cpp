// SPDX-License-Identifier: Apache-2.0
#include "compiler/program/signing.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>

#include "runtime/image/release_note.h"
#include "schemas/layout/hexadecimal.h"

namespace sluice::program {
namespace {

constexpr std::size_t longest_password = 1024;

/// From the terminal itself, wherever stdin and stdout lead, and without showing what is typed.
std::optional<std::string> ask_on_terminal(const std::string& prompt) {
    const int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (terminal < 0) return std::nullopt;
    termios shown{};
    if (tcgetattr(terminal, &shown) != 0) {
        close(terminal);
        return std::nullopt;
    }
    termios hidden = shown;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(terminal, TCSAFLUSH, &hidden);
    [[maybe_unused]] auto written = write(terminal, prompt.data(), prompt.size());
    std::string password;
    char byte = 0;
    while (password.size() < longest_password && read(terminal, &byte, 1) == 1 && byte != '\n') {
        password += byte;
    }
    tcsetattr(terminal, TCSAFLUSH, &shown);
    written = write(terminal, "\n", 1);
    close(terminal);
    return password;
}

std::uint64_t revision_of_today() {
    const char* epoch = std::getenv("SOURCE_DATE_EPOCH");
    if (epoch != nullptr && *epoch != '\0') return std::strtoull(epoch, nullptr, 10);
    return static_cast<std::uint64_t>(std::time(nullptr));
}

}  // namespace

void add_signing_options(CLI::App& command, SigningOptions& options) {
    auto* sign = command.add_option("--sign", options.key,
                                    "sign the image with this minisign secret key, into IMAGE.minisig; the "
                                    "password comes from SLUICE_KEY_PASSWORD or the terminal");
    command
        .add_option("--revision", options.revision,
                    "the image's number, which gateways want to grow (else the time in seconds)")
        ->needs(sign);
    command.add_option("--parent", options.parent, "the digest of the image that this one comes after")
        ->needs(sign)
        ->check([](const std::string& text) {
            return is_digest_text(text) ? std::string() : "a digest has 64 hexadecimal digits";
        });
}

std::variant<SecretKey, SignatureError> read_secret_key(const SigningOptions& options) {
    std::ifstream file(options.key, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    if (!file) return SignatureError{fmt::format("{}: the key cannot be read", options.key)};
    bool could_ask = true;
    auto key = parse_secret_key(text, [&]() -> std::optional<std::string> {
        if (const char* password = std::getenv("SLUICE_KEY_PASSWORD")) return password;
        auto typed = ask_on_terminal(fmt::format("password of {}: ", options.key));
        could_ask = typed.has_value();
        return typed;
    });
    if (auto* error = std::get_if<SignatureError>(&key)) {
        error->text = fmt::format("{}: {}{}", options.key, error->text,
                                  could_ask ? "" : ": set SLUICE_KEY_PASSWORD, or sign on a terminal");
    }
    return key;
}

Signing sign_image(const SigningOptions& options, const SecretKey& key, std::span<const std::uint8_t> bytes,
                   std::span<const std::uint8_t> digest) {
    ReleaseNote note;
    note.revision = options.revision ? *options.revision : revision_of_today();
    note.digest = hexadecimal(digest);
    if (!options.parent.empty()) note.parent = options.parent;
    Signing signing;
    signing.key_id = key_id_text(key.id());
    signing.trusted_comment = release_note_text(note);
    signing.text = sign(bytes, key, signing.trusted_comment);
    return signing;
}

}  // namespace sluice::program
