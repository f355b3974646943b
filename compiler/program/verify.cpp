// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "compiler/program/commands.h"
#include "runtime/image/image_file.h"
#include "runtime/image/signature.h"
#include "runtime/image/verify.h"
#include "schemas/layout/hexadecimal.h"
#include "schemas/layout/image_header.h"

namespace sluice::program {
namespace {

struct Options {
    std::string image;
    std::vector<std::string> keys;
    bool json = false;
};

struct Signer {
    std::string key_id;
    std::string trusted_comment;
};

// Keys and signatures have a few lines; whatever is longer is neither.
constexpr std::streamsize longest_text_file = 16 * 1024;

std::optional<std::string> read_text(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::nullopt;
    std::string text(static_cast<std::size_t>(longest_text_file), '\0');
    file.read(text.data(), longest_text_file);
    text.resize(static_cast<std::size_t>(file.gcount()));
    return text;
}

Exit refuse(const std::string& path, const std::string& why, Exit exit) {
    fmt::print(stderr, "sluicec: {}: {}\n", path, why);
    return exit;
}

// The exit code where the signature is not there or not right; the signer otherwise.
std::variant<Signer, Exit> check_signature(const Options& options, std::span<const std::uint8_t> bytes) {
    std::vector<PublicKey> keys;
    for (const std::string& path : options.keys) {
        const auto key_text = read_text(path);
        if (!key_text) return refuse(path, "the key cannot be read", Exit::failed);
        const auto key = parse_public_key(*key_text);
        if (const auto* error = std::get_if<SignatureError>(&key))
            return refuse(path, error->text, Exit::failed);
        keys.push_back(std::get<PublicKey>(key));
    }

    const std::string path = options.image + ".minisig";
    const auto text = read_text(path);
    if (!text) {
        return refuse(options.image,
                      fmt::format("expected a signature by key {} in \"{}\", found no such file",
                                  key_ids_text(keys), path),
                      Exit::integrity);
    }
    const auto result = verify_signature(bytes, *text, keys);
    if (const auto* error = std::get_if<SignatureError>(&result))
        return refuse(path, error->text, Exit::integrity);
    const auto& found = std::get<Signed>(result);
    return Signer{key_id_text(found.key_id), found.trusted_comment};
}

void print_result(const Options& options, std::span<const std::uint8_t> bytes,
                  const std::optional<Signer>& signer) {
    const std::string digest = hexadecimal(bytes.subspan(offsetof(ImageHeader, digest), 32));
    if (options.json) {
        nlohmann::ordered_json json{
            {"image", options.image}, {"ok", true}, {"digest", digest}, {"signed", !!signer}};
        if (signer) json["key"] = signer->key_id;
        if (signer) json["trusted_comment"] = signer->trusted_comment;
        fmt::print("{}\n", json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
        return;
    }
    fmt::print("{}: OK\ndigest {}\n", options.image, digest);
    if (signer) fmt::print("signed by {}, {}\n", signer->key_id, signer->trusted_comment);
}

// One copy of the bytes is read, verified and compared with the signature: a file that changes meanwhile
// changes nothing.
Exit verify(const Options& options) {
    const auto file = read_image_file(options.image);
    if (const auto* error = std::get_if<ImageError>(&file))
        return refuse(options.image, error->text, Exit::failed);
    const auto bytes = std::get<SealedMemory>(file).bytes();
    if (const auto error = verify_file(bytes)) {
        return refuse(options.image, error->text,
                      error->kind == ImageError::Kind::integrity ? Exit::integrity : Exit::failed);
    }
    std::optional<Signer> signer;
    if (!options.keys.empty()) {
        const auto result = check_signature(options, bytes);
        if (const auto* exit = std::get_if<Exit>(&result)) return *exit;
        signer = std::get<Signer>(result);
    }
    print_result(options, bytes, signer);
    return Exit::done;
}

}  // namespace

void add_verify(CLI::App& app, Exit& exit) {
    auto options = std::make_shared<Options>();
    auto* command =
        app.add_subcommand("verify", "Check an image's integrity, and its signature where a key is given");
    command->add_option("IMAGE", options->image, "the image; its signature stands in IMAGE.minisig")
        ->required();
    command->add_option("--key", options->keys, "minisign public key file; of several, one must have signed");
    command->add_flag("--json", options->json, "print the result as JSON");
    command->callback([options, &exit] { exit = verify(*options); });
}

}  // namespace sluice::program
